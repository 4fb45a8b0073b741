//! A bootstrap as `multipart/form-data`: the same fields, each a part.

use std::convert::Infallible;

use axum::extract::Request;
use bytes::Bytes;
use futures_util::stream;
use http_body_util::BodyExt;
use loom_api::{Error, Json};
use multer::Multipart;
use serde_json::{Map, Value};

use super::{body::Bootstrap, prd::File};

/// Fields that are lists: a part for each entry, or one part with commas.
const LISTS: [&str; 2] = ["team", "allowed_commands"];
/// Fields whose text is JSON: numbers, truths and an object.
const VALUES: [&str; 6] = [
    "context",
    "is_perpetual",
    "max_concurrent",
    "max_agents",
    "budget_micro_usd",
    "bead_budget_micro_usd",
];
/// More parts than this nobody needs.
const MOST_PARTS: usize = 512;

/// Reads the form.
pub(super) async fn read(request: Request, boundary: String) -> Result<Bootstrap, Error> {
    // `serve` has read it within the route's limit; this only takes it.
    let body = request.into_body().collect().await;
    let body = body.map_err(Error::internal)?.to_bytes();
    let whole = stream::iter([Ok::<Bytes, Infallible>(body)]);
    let mut form = Multipart::new(whole, boundary);
    let (mut fields, mut file, mut parts) = (Map::new(), None, 0);
    while let Some(part) = form.next_field().await.map_err(unreadable)? {
        let Some(name) = part.name().map(str::to_owned) else {
            let message =
                "A part of the form has no name; each needs one in its Content-Disposition.";
            return Err(Error::unreadable("invalid_multipart", message));
        };
        parts += 1;
        if parts > MOST_PARTS {
            let message = format!("The form has more than {MOST_PARTS} parts.");
            return Err(Error::unreadable("invalid_multipart", message));
        }
        let bytes = part.bytes().await.map_err(unreadable)?;
        if name == "prd_file" {
            if file.replace(File::Bytes(bytes.to_vec())).is_some() {
                return Err(Error::invalid_fields().field(name, "is given more than once"));
            }
            continue;
        }
        let text = std::str::from_utf8(&bytes)
            .map_err(|_| Error::invalid_fields().field(&name, "must be UTF-8 text"))?;
        add(&mut fields, name, text)?;
    }
    let fields = serde_json::to_vec(&Value::Object(fields)).map_err(Error::internal)?;
    let Json(mut asked) = Json::<Bootstrap>::parse(&fields)?;
    asked.prd_file = file;
    Ok(asked)
}

/// Puts a part among the fields as JSON would have it.
fn add(fields: &mut Map<String, Value>, name: String, text: &str) -> Result<(), Error> {
    if LISTS.contains(&name.as_str()) {
        let entries = text
            .split(',')
            .map(str::trim)
            .filter(|entry| !entry.is_empty())
            .map(Value::from);
        let list = fields
            .entry(name)
            .or_insert_with(|| Value::Array(Vec::new()));
        if let Value::Array(list) = list {
            list.extend(entries);
        }
        return Ok(());
    }
    let value = if VALUES.contains(&name.as_str()) {
        // What is no JSON stays a text, and is refused as the wrong type of value for this field.
        serde_json::from_str(text).unwrap_or_else(|_| text.into())
    } else {
        text.into()
    };
    match fields.insert(name.clone(), value) {
        None => Ok(()),
        Some(_) => Err(Error::invalid_fields().field(name, "is given more than once")),
    }
}

fn unreadable(error: multer::Error) -> Error {
    let message = format!("The body is not a form as its Content-Type says: {error}.");
    Error::unreadable("invalid_multipart", message)
}
