//! Connectors: what happens is told outside, and replies decide.
//!
//! | Route | What it does |
//! |---|---|
//! | `GET`, `POST /api/v1/connectors` | lists connectors; makes one |
//! | `GET`, `PUT`, `PATCH`, `DELETE /api/v1/connectors/{id}` | reads, changes, deletes one; what is absent stays |
//! | `POST /api/v1/connectors/{id}/test` | sends a test message now, and says what came of it |
//! | `POST /api/v1/connectors/{id}/pause` | has it send nothing; it remembers where it stopped |
//! | `POST /api/v1/connectors/{id}/resume` | has it go on from there, or with `{"skip": true}` from now on |
//! | `GET /api/v1/connectors/{id}/deliveries` | what was sent, and what came of it, newest first |
//! | `POST /api/v1/webhooks/openclaw` | a reply from a messenger: it answers the decision that it replies to |
//! | `GET /api/v1/webhooks/openclaw/status` | whether replies are possible |
//! | `POST /internal/sweep` | sends what is due; reached by the app's own functions alone |
//!
//! # Variables
//!
//! - `connector_secrets`: secrets by name, as `{"team-slack": "https://hooks.slack.com/…"}` or as `name=value` parts with
//!   spaces or line breaks between them. A connector's URL holds `{{secret:team-slack}}`, its `secret` the name of the key
//!   that signs or the bearer token; the values are in the request that is sent and nowhere else.
//! - `connector_host_1` to `connector_host_4`: where connectors may send, one `https://host[:port]` each (the host may
//!   begin with `*.`). They are the component's `allowed_outbound_hosts` too. Each entry of that list, templated or not, is
//!   one host, on Spin as on the embedded host, so a list in one variable is not possible; four is the limit. A name that
//!   resolves to a private address is the platform's to refuse; addresses written out are refused here.
//! - `openclaw_secret`: the key of the replies' signatures; without it there are none (404).
//! - `openclaw_senders`: who may reply: `sender` or `channel:sender`, with commas; nobody unless somebody is named.
//!
//! # What receivers get
//!
//! `X-Loom-Delivery` (the same for each attempt: drop what you have seen), `X-Loom-Event`, `X-Loom-Timestamp` (seconds), and
//! from a `webhook` connector `X-Loom-Signature-256: sha256=<hex>`, the HMAC-SHA-256 of the timestamp, a dot and the body.
//! 2xx accepts. Redirects and other refusals end a delivery; 408, 425, 429, 5xx, silence and broken connections have it sent
//! again, up to eight times within an hour, not before `Retry-After`. Five failed deliveries in a row pause the connector.

mod change;
mod list;
mod openclaw;
mod send;
mod settings;
mod sign;
mod state;
mod sweep;
mod test;

use loom_api::{Access, Routes};
use loom_domain::account::Permission;
use loom_platform::{Body, Platform};

pub use sign::signature;
pub use sweep::{Report, sweep};

/// The largest reply, in bytes.
const LARGEST_REPLY: usize = 64 * 1024;

/// Answers one request.
pub async fn handle<P: Platform>(
    platform: &P,
    request: http::Request<Body>,
) -> http::Response<Body> {
    loom_api::serve(platform, routes(), request).await
}

loom_platform::function!(handle);

/// The routes, each with the permission that it needs. Replies prove by their signature from where they come. The
/// manifest routes the public paths here and nothing else, so the sweep is reached through the app's own functions alone.
pub fn routes<P: Platform>() -> Routes<P> {
    use Permission::{SystemAdmin, SystemRead};
    Routes::new()
        .get("/api/v1/connectors", SystemAdmin, list::list::<P>)
        .post("/api/v1/connectors", SystemAdmin, change::create::<P>)
        .get("/api/v1/connectors/{id}", SystemAdmin, list::read::<P>)
        .put("/api/v1/connectors/{id}", SystemAdmin, change::change::<P>)
        .patch("/api/v1/connectors/{id}", SystemAdmin, change::change::<P>)
        .delete("/api/v1/connectors/{id}", SystemAdmin, change::delete::<P>)
        .post("/api/v1/connectors/{id}/test", SystemAdmin, test::test::<P>)
        .post(
            "/api/v1/connectors/{id}/pause",
            SystemAdmin,
            state::pause::<P>,
        )
        .post(
            "/api/v1/connectors/{id}/resume",
            SystemAdmin,
            state::resume::<P>,
        )
        .get(
            "/api/v1/connectors/{id}/deliveries",
            SystemAdmin,
            list::deliveries::<P>,
        )
        .post(
            "/api/v1/webhooks/openclaw",
            Access::Public,
            openclaw::receive::<P>,
        )
        .body_limit(LARGEST_REPLY)
        .get(
            "/api/v1/webhooks/openclaw/status",
            SystemRead,
            openclaw::status::<P>,
        )
        .post("/internal/sweep", Access::Private, sweep::answer::<P>)
}
