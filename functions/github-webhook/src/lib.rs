//! GitHub's webhooks: taken in, kept, handled once (invariant I8); and what GitHub is told in return.
//!
//! | Route | What it does |
//! |---|---|
//! | `POST /api/v1/webhooks/github` | takes a delivery in: no login, but always a valid signature |
//! | `GET /api/v1/webhooks/deliveries` | what came, newest first, narrowed by `status`, `event`, `project_id` |
//! | `GET /api/v1/webhooks/deliveries/{id}` | one of them with its headers and payload, which are kept for 7 days |
//! | `POST /api/v1/webhooks/deliveries/{id}/replay` | handles one again |
//! | `GET /api/v1/webhooks/status` | whether a secret is set, and what came |
//! | `POST /internal/github/sweep` | what is due; reached by the app's own functions alone |
//!
//! A delivery is kept and answered first, and handled afterwards: GitHub waits ten seconds for an answer and does not try
//! again by itself. What an event does is a table in `loom_domain::github`. The sweep, which the tick asks for, handles
//! what was left over, asks GitHub to send again what never arrived, writes the status comments of issues that changed,
//! and forgets what is old.

mod accept;
mod afterwards;
mod ask;
mod list;
mod merge;
mod packed;
mod process;
mod redeliver;
mod refuse;
mod report;
mod secrets;
mod sweep;

use http::{Method, StatusCode};
use loom_api::{Access, Routes};
use loom_domain::{account::Permission, delivery::LARGEST_BODY};
use loom_platform::{Body, Platform};

pub use sweep::{Report, sweep};

/// Where GitHub delivers.
pub const ROUTE: &str = "/api/v1/webhooks/github";

const ACTOR: &str = "github-webhook";

/// Answers one request.
pub async fn handle<P: Platform>(
    platform: &P,
    request: http::Request<Body>,
) -> http::Response<Body> {
    let is_delivery = request.method() == Method::POST && request.uri().path() == ROUTE;
    let response = loom_api::serve(platform, routes(), request).await;
    // The one refusal that comes before the handler.
    if is_delivery && response.status() == StatusCode::PAYLOAD_TOO_LARGE {
        refuse::record(platform, "body_too_large", None, None).await;
    }
    response
}

loom_platform::function!(handle);

/// The routes, each with who may call it. The manifest routes the public ones here and nothing else, so the sweep is
/// reached through the app's own functions alone.
pub fn routes<P: Platform>() -> Routes<P> {
    use Permission::{SystemAdmin, SystemRead};
    Routes::new()
        .post(ROUTE, Access::Public, accept::accept::<P>)
        .body_limit(LARGEST_BODY)
        .get("/api/v1/webhooks/deliveries", SystemAdmin, list::list::<P>)
        .get(
            "/api/v1/webhooks/deliveries/{id}",
            SystemAdmin,
            list::read::<P>,
        )
        .post(
            "/api/v1/webhooks/deliveries/{id}/replay",
            SystemAdmin,
            list::replay::<P>,
        )
        .get("/api/v1/webhooks/status", SystemRead, list::status::<P>)
        .post(
            "/internal/github/sweep",
            Access::Private,
            sweep::answer::<P>,
        )
}
