//! The way in: as little as can be is done before the answer, since GitHub waits ten seconds and does not try again.

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header::CONTENT_TYPE};
use http_body_util::BodyExt;
use loom_api::{Error, Json};
use loom_domain::{
    delivery::{Envelope, is_event_name, is_guid, missing_member, payload_of_form},
    hex,
};
use loom_platform::{Database, Platform, Transaction};
use loom_store::{
    Change,
    delivery::{self, Accepted, NewDelivery, Payload},
    project,
};
use serde::Serialize;

use crate::{ACTOR, afterwards, packed, refuse, secrets::Secrets};

const EVENT: &str = "x-github-event";
const GUID: &str = "x-github-delivery";

/// The headers that are kept with a payload.
const KEPT: &[&str] = &[
    EVENT,
    GUID,
    "x-github-hook-id",
    "x-github-hook-installation-target-id",
    "x-github-hook-installation-target-type",
    "x-github-enterprise-host",
    "x-github-enterprise-version",
    "user-agent",
    "content-type",
];
/// The longest value of a header that is kept, in bytes.
const LONGEST_HEADER: usize = 200;

/// The answer to a delivery.
#[derive(Debug, Serialize)]
struct Taken<'a> {
    /// `accepted`, `ignored` or `pong`; `duplicate` when it is known.
    status: &'static str,
    /// Under which id it is kept.
    delivery_id: &'a str,
}

/// Takes a delivery in: checks its signature, keeps it, answers, and has it handled afterwards.
///
/// 202 for a new one and for a redelivery of one that failed, 200 for a ping and for one that is known.
pub(crate) async fn accept<P: Platform>(
    State(platform): State<P>,
    request: Request,
) -> Result<Response, Error> {
    let (parts, body) = request.into_parts();
    // `serve` has read it within the route's limit; this only takes it.
    let body = body.collect().await.map_err(Error::internal)?.to_bytes();
    match take_in(&platform, &parts.headers, body).await {
        Err(error) if error.status().is_client_error() => {
            let (event, guid) = (named(&parts.headers, EVENT), named(&parts.headers, GUID));
            refuse::record(&platform, error.code(), event, guid).await;
            Err(error)
        }
        other => other,
    }
}

async fn take_in<P: Platform>(
    platform: &P,
    headers: &HeaderMap,
    body: Bytes,
) -> Result<Response, Error> {
    Secrets::load(platform).await?.verify(headers, &body)?;
    let body = payload(headers, body)?;
    let event = header(headers, EVENT, is_event_name)?;
    let guid = header(headers, GUID, is_guid)?;
    let envelope = Envelope::read(&body).map_err(|problem| {
        let message = format!("The payload is not the JSON object that GitHub sends: {problem}.");
        Error::unreadable("invalid_json", message)
    })?;
    if let Some(member) = missing_member(&event, &envelope) {
        let message = format!(
            "The payload has no `{member}`, so it is not that of the event {event} that X-GitHub-Event names."
        );
        return Err(Error::unreadable("event_mismatch", message));
    }
    let new = new_delivery(platform, headers, event, guid, envelope, &body).await?;
    let (is_ping, is_over) = (new.event == "ping", new.outcome.is_some());
    let tx = platform.database().transaction().await?;
    let change = Change::new(&tx, platform.random(), ACTOR).await?;
    let accepted = delivery::accept(&change, new).await?;
    tx.commit().await?;
    let (code, status) = match &accepted {
        _ if is_ping => (StatusCode::OK, "pong"),
        Accepted::Duplicate(_) => (StatusCode::OK, "duplicate"),
        Accepted::New(_) if is_over => (StatusCode::ACCEPTED, "ignored"),
        Accepted::New(_) | Accepted::Retry(_) => {
            afterwards::handle(platform);
            (StatusCode::ACCEPTED, "accepted")
        }
    };
    let taken = Taken {
        status,
        delivery_id: accepted.id(),
    };
    Ok((code, Json(taken)).into_response())
}

async fn new_delivery<P: Platform>(
    platform: &P,
    headers: &HeaderMap,
    event: String,
    guid: String,
    envelope: Envelope,
    body: &Bytes,
) -> Result<NewDelivery, Error> {
    let project = match envelope.owner_and_name() {
        Some((owner, name)) => project::by_repository(platform.database(), owner, name).await?,
        None => None,
    };
    let outcome = match event.as_str() {
        "ping" => Some("pong"),
        // A project may know the repository by the name that it had before.
        "repository" => None,
        _ if project.is_some() => None,
        _ if envelope.repository.is_none() => Some("no_repository"),
        _ => Some("unknown_repository"),
    };
    let (encoding, packed) = packed::pack(body);
    Ok(NewDelivery {
        sha256: hex::sha256(body),
        guid,
        event,
        action: envelope.action,
        repository: envelope.repository,
        project_id: project.map(|project| project.id),
        installation_id: envelope.installation_id,
        outcome,
        size: body.len(),
        payload: Payload {
            headers: kept(headers),
            encoding: encoding.to_owned(),
            body: packed,
        },
    })
}

/// The payload itself, whichever way it was sent.
fn payload(headers: &HeaderMap, body: Bytes) -> Result<Bytes, Error> {
    let given = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let essence = given.split(';').next().unwrap_or_default().trim();
    match essence.to_ascii_lowercase().as_str() {
        "application/json" => Ok(body),
        "application/x-www-form-urlencoded" => {
            payload_of_form(&body).map(Bytes::from).ok_or_else(|| {
                let message = "The form has no `payload`, or its encoding is broken.";
                Error::unreadable("invalid_form", message)
            })
        }
        _ => {
            let message = format!(
                "The Content-Type is {essence:?}; a webhook of GitHub sends application/json or \
                 application/x-www-form-urlencoded."
            );
            let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
            Err(Error::new(status, "unsupported_media_type", message))
        }
    }
}

fn named<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let fits = match name {
        EVENT => is_event_name,
        _ => is_guid,
    };
    let value = headers.get(name)?.to_str().ok()?;
    Some(value).filter(|value| fits(value))
}

fn header(
    headers: &HeaderMap,
    name: &'static str,
    fits: fn(&str) -> bool,
) -> Result<String, Error> {
    let value = headers.get(name).and_then(|value| value.to_str().ok());
    match value {
        Some(value) if fits(value) => Ok(value.to_owned()),
        Some(_) => {
            let message = format!("The header {name} does not hold what GitHub puts there.");
            Err(Error::unreadable("invalid_header", message))
        }
        None => {
            let message =
                format!("The header {name} is missing; GitHub sends it with every event.");
            Err(Error::unreadable("missing_header", message))
        }
    }
}

fn kept(headers: &HeaderMap) -> String {
    let kept: serde_json::Map<String, serde_json::Value> = KEPT
        .iter()
        .filter_map(|name| {
            let value = headers.get(*name)?.to_str().ok()?;
            (value.len() <= LONGEST_HEADER).then(|| ((*name).to_owned(), value.into()))
        })
        .collect();
    serde_json::Value::Object(kept).to_string()
}
