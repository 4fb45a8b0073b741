//! The event log: history and live stream.
//!
//! | Route | What it does |
//! |---|---|
//! | `GET /api/v1/events` | history as JSON; with `Accept: text/event-stream` the live stream |
//! | `GET /api/v1/events/stream` | the live stream, whatever is accepted |
//!
//! Both take `project_id`, `bead_id` and `type` (with commas: any of these) to narrow. History goes forward from
//! `after`, or backward from `before` or from the newest, `limit` events at a time. The stream starts after the event
//! `Last-Event-ID` (which a browser sends when it reconnects, so it counts for more) or `after`, else with what happens
//! from now on; its `id` is the event's sequence number, so no event is missed or seen twice.

mod filter;
mod history;
mod live;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use http::header::ACCEPT;
use loom_api::{Error, Query, Routes};
use loom_domain::account::Permission;
use loom_platform::{Body, Platform};

use filter::Parameters;

/// Answers one request.
pub async fn handle<P: Platform>(
    platform: &P,
    request: http::Request<Body>,
) -> http::Response<Body> {
    loom_api::serve(platform, routes(), request).await
}

loom_platform::function!(handle);

/// The routes, each with the permission that it needs.
pub fn routes<P: Platform>() -> Routes<P> {
    Routes::new()
        .get("/api/v1/events", Permission::EventsRead, events::<P>)
        .get("/api/v1/events/stream", Permission::EventsRead, stream::<P>)
}

async fn events<P: Platform>(
    State(platform): State<P>,
    headers: HeaderMap,
    Query(parameters): Query<Parameters>,
) -> Result<Response, Error> {
    let wants_stream = headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|one| one.split(';').next())
        .any(|essence| essence.trim().eq_ignore_ascii_case("text/event-stream"));
    if wants_stream {
        live::stream(&platform, &headers, parameters).await
    } else {
        Ok(history::page(&platform, parameters).await?.into_response())
    }
}

async fn stream<P: Platform>(
    State(platform): State<P>,
    headers: HeaderMap,
    Query(parameters): Query<Parameters>,
) -> Result<Response, Error> {
    live::stream(&platform, &headers, parameters).await
}
