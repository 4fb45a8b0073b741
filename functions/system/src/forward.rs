use std::time::Duration;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use loom_api::{Error, Json, RequestId};
use loom_platform::{HttpClient, HttpError, Platform, read_body};
use serde_json::Value;

const TICK: &str = "http://dispatch-tick.spin.internal/internal/tick";
const HEARTBEAT: &str = "http://provider-heartbeat.spin.internal/internal/heartbeat";
/// A tick never waits for a model, and a heartbeat for each provider at most ten seconds.
const LONGEST: Duration = Duration::from_secs(60);
const LARGEST: usize = 1024 * 1024;

/// One tick, whoever asks: it is idempotent, and safe beside any number of others.
pub(crate) async fn tick<P: Platform>(
    State(platform): State<P>,
    id: RequestId,
) -> Result<Response, Error> {
    forward(&platform, &id, TICK, "dispatch-tick").await
}

/// One round of probes of the providers that are due.
pub(crate) async fn heartbeat<P: Platform>(
    State(platform): State<P>,
    id: RequestId,
) -> Result<Response, Error> {
    forward(&platform, &id, HEARTBEAT, "provider-heartbeat").await
}

/// Asks another function of the app and passes on its answer.
async fn forward<P: Platform>(
    platform: &P,
    id: &RequestId,
    url: &str,
    name: &str,
) -> Result<Response, Error> {
    let request = http::Request::post(url)
        .header(CONTENT_TYPE, "application/json")
        .header("x-request-id", &id.0)
        .body(Bytes::from_static(br#"{"cause":"api"}"#))
        .map_err(Error::internal)?;
    let (parts, body) = platform
        .http()
        .send(request, LONGEST)
        .await
        .map_err(|error| unreachable(name, &error))?
        .into_parts();
    let body = read_body(body, LARGEST)
        .await
        .map_err(|error| unreachable(name, &error))?;
    let answer: Value = serde_json::from_slice(&body).map_err(|error| {
        let message = format!(
            "The function {name} answered {} without JSON.",
            parts.status
        );
        Error::bad_gateway("function_failed", message).cause(error)
    })?;
    Ok((parts.status, Json(answer)).into_response())
}

fn unreachable(name: &str, error: &HttpError) -> Error {
    let message = format!(
        "The function {name} could not be reached: {error}. It runs by itself too, so nothing is lost."
    );
    match error {
        HttpError::Timeout(_) => Error::gateway_timeout("function_timeout", message),
        _ => Error::bad_gateway("function_unreachable", message),
    }
}
