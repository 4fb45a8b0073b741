//! Health, status, and the schedules over HTTP.
//!
//! | Route | What it does |
//! |---|---|
//! | `GET /health` | how Loom and what it depends on are; 503 when it cannot work |
//! | `GET /health/live` | that the function runs |
//! | `GET /health/ready` | whether it can serve; 503 when not |
//! | `GET /api/v1/health` | `{"status":"ok"}` |
//! | `GET /api/v1/system/status` | what the dispatcher does, and why what is skipped is skipped |
//! | `POST /api/v1/system/tick` | one tick of the dispatcher, for any scheduler |
//! | `POST /api/v1/system/heartbeat` | one round of probes of the providers, likewise |

mod forward;
mod health;
mod status;

use loom_api::{Access, Routes};
use loom_domain::account::Permission;
use loom_platform::{Body, Platform};

/// Answers one request.
pub async fn handle<P: Platform>(
    platform: &P,
    request: http::Request<Body>,
) -> http::Response<Body> {
    loom_api::serve(platform, routes(), request).await
}

loom_platform::function!(handle);

/// The routes, each with who may call it. Health is public, and answers where there is no database, since that is what
/// it is asked about.
pub fn routes<P: Platform>() -> Routes<P> {
    use Permission::{ProvidersHeartbeat, SystemRead, SystemTick};
    Routes::new()
        .get("/health", Access::Public, health::health::<P>)
        .without_database()
        .get("/health/live", Access::Public, health::live::<P>)
        .without_database()
        .get("/health/ready", Access::Public, health::ready::<P>)
        .without_database()
        .get("/api/v1/health", Access::Public, health::ok)
        .without_database()
        .get("/api/v1/system/status", SystemRead, status::status::<P>)
        .post("/api/v1/system/tick", SystemTick, forward::tick::<P>)
        .post(
            "/api/v1/system/heartbeat",
            ProvidersHeartbeat,
            forward::heartbeat::<P>,
        )
}
