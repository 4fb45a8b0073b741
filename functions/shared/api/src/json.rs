use axum::extract::{FromRequest, Request};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Serialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::error::Category;

use crate::{Error, json_location};

/// A JSON body, in either direction.
///
/// As an extractor it refuses: another content type (415 `unsupported_media_type`), a body that is not UTF-8
/// (400 `invalid_utf8`) or not JSON (400 `invalid_json`, with the place), and JSON that is not a `T`
/// (422 `invalid_fields`, with the path). Give `T` `#[serde(deny_unknown_fields)]`: unknown fields are refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Json<T>(pub T);

impl<S: Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Error;

    async fn from_request(mut request: Request, _: &S) -> Result<Self, Error> {
        Self::parse(&checked_body(&mut request)?)
    }
}

impl<T: DeserializeOwned> Json<T> {
    /// Reads a text as the extractor reads a body, with the same errors: for JSON that came some other way.
    pub fn parse(body: &[u8]) -> Result<Self, Error> {
        // Serde would fill a struct from an array, field by field.
        let is_array = body.trim_ascii_start().first() == Some(&b'[');
        if is_array && serde_json::from_slice::<IgnoredAny>(body).is_ok() {
            return Err(Error::invalid_fields().field("$", "must be an object, not an array"));
        }
        serde_json::from_slice(body)
            .map(Json)
            .map_err(|error| refusal(body, &error))
    }
}

/// The body as [`serve`](crate::serve()) has read it: [`Json`] takes it from here, so that no component carries a
/// reading loop for each type of body.
#[derive(Debug, Clone)]
pub(crate) struct WholeBody(pub(crate) Bytes);

fn checked_body(request: &mut Request) -> Result<Bytes, Error> {
    check_content_type(request.headers())?;
    let body = request.extensions_mut().remove::<WholeBody>();
    let WholeBody(body) =
        body.ok_or_else(|| Error::internal("the handler wants a body, but its method has none"))?;
    check_utf8(&body)?;
    Ok(body)
}

fn check_content_type(headers: &HeaderMap) -> Result<(), Error> {
    let given = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let essence = given
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    if essence == "application/json"
        || (essence.starts_with("application/") && essence.ends_with("+json"))
    {
        return Ok(());
    }
    let message = match essence.as_str() {
        "" => "The request says no Content-Type; send application/json.".to_owned(),
        _ => format!("The Content-Type is {essence}; send application/json."),
    };
    Err(Error::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "unsupported_media_type",
        message,
    ))
}

fn check_utf8(body: &[u8]) -> Result<(), Error> {
    std::str::from_utf8(body).map(|_| ()).map_err(|error| {
        let message = format!(
            "The body is not UTF-8: byte {} is not part of a character.",
            error.valid_up_to()
        );
        Error::unreadable("invalid_utf8", message)
    })
}

fn refusal(body: &[u8], error: &serde_json::Error) -> Error {
    let syntax = match error.classify() {
        Category::Data => serde_json::from_slice::<IgnoredAny>(body).err(),
        Category::Syntax | Category::Eof | Category::Io => None,
    };
    match (&syntax, error.classify()) {
        (None, Category::Data) => {
            let (path, problem) = json_location::explain(body, error);
            Error::invalid_fields().field(path, problem)
        }
        _ if body.trim_ascii().is_empty() => {
            Error::unreadable("invalid_json", "The body is empty; send a JSON object.")
        }
        _ => {
            let error = syntax.as_ref().unwrap_or(error);
            Error::unreadable("invalid_json", format!("The body is not JSON: {error}."))
                .detail("line", error.line())
                .detail("column", error.column())
        }
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(body) => (
                [(CONTENT_TYPE, HeaderValue::from_static("application/json"))],
                body,
            )
                .into_response(),
            Err(error) => Error::internal(error).into_response(),
        }
    }
}
