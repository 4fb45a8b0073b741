//! Probes every provider that is due, whenever and however it was registered.
//!
//! `POST /internal/heartbeat` is called by a schedule every thirty seconds, after a registration, and by
//! `POST /api/v1/system/heartbeat`. It may run any number of times at once: each provider is taken by one of them.
//! On a fresh Loom it first registers TokenHub, from the variable `tokenhub_url`.

mod bootstrap;
mod heartbeat;
mod probe;

use loom_api::{Access, Routes};
use loom_platform::{Body, Platform};

/// Answers one request.
pub async fn handle<P: Platform>(
    platform: &P,
    request: http::Request<Body>,
) -> http::Response<Body> {
    loom_api::serve(platform, routes(), request).await
}

loom_platform::function!(handle);

/// The one route. It has no credentials to check: in the manifest it is private, so only the app's own functions reach
/// it.
pub fn routes<P: Platform>() -> Routes<P> {
    Routes::new().post(
        "/internal/heartbeat",
        Access::Private,
        heartbeat::heartbeat::<P>,
    )
}
