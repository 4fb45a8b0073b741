//! Motivations: what makes work begin by itself, and the sweep that looks at them.
//!
//! | Route | What it does |
//! |---|---|
//! | `GET`, `POST /api/v1/motivations` | lists templates and the motivations of projects; makes one of a project |
//! | `GET`, `PUT`, `PATCH`, `DELETE /api/v1/motivations/{id}` | reads, changes, deletes one; what is absent stays |
//! | `POST /api/v1/motivations/{id}/enable` | has it fire; a template with `{"project_id": …}` makes that project's |
//! | `POST /api/v1/motivations/{id}/disable` | has it fire no more |
//! | `POST /api/v1/motivations/{id}/trigger` | fires it now, whatever its condition and cool-down say |
//! | `GET /api/v1/motivations/history` | what fired, and what did not and why, newest first |
//! | `GET /api/v1/motivations/idle` | who works, and since when nobody does |
//! | `GET /api/v1/motivations/roles` | the canonical roles, and what Loom ships for each |
//! | `POST /api/v1/motivations/defaults` | gives projects the default motivations that they lack |
//! | `POST /internal/sweep` | one sweep, if one is due; reached by the app's own functions alone |
//!
//! What Loom ships are templates without a project: they never fire. The sweep gives every open project those that are
//! enabled by default; the others, all perpetual tasks among them, a project has when somebody enables them for it.

mod change;
mod create;
mod history;
mod list;
mod roles;
mod state;
mod sweep;
mod trigger;

use loom_api::{Access, Routes};
use loom_domain::account::Permission;
use loom_platform::{Body, Platform};

pub use sweep::{Report, pass};

/// Answers one request.
pub async fn handle<P: Platform>(
    platform: &P,
    request: http::Request<Body>,
) -> http::Response<Body> {
    loom_api::serve(platform, routes(), request).await
}

loom_platform::function!(handle);

/// The routes, each with the permission that it needs. The manifest routes `/api/v1/motivations` here and nothing else,
/// so the sweep is reached through the app's own functions alone.
pub fn routes<P: Platform>() -> Routes<P> {
    use Permission::{MotivationsRead, MotivationsWrite};
    Routes::new()
        .get("/api/v1/motivations", MotivationsRead, list::list::<P>)
        .post("/api/v1/motivations", MotivationsWrite, create::create::<P>)
        .get(
            "/api/v1/motivations/history",
            MotivationsRead,
            history::history::<P>,
        )
        .get(
            "/api/v1/motivations/idle",
            MotivationsRead,
            state::idle::<P>,
        )
        .get(
            "/api/v1/motivations/roles",
            MotivationsRead,
            roles::roles::<P>,
        )
        .post(
            "/api/v1/motivations/defaults",
            MotivationsWrite,
            create::defaults::<P>,
        )
        .get("/api/v1/motivations/{id}", MotivationsRead, list::read::<P>)
        .put(
            "/api/v1/motivations/{id}",
            MotivationsWrite,
            change::change::<P>,
        )
        .patch(
            "/api/v1/motivations/{id}",
            MotivationsWrite,
            change::change::<P>,
        )
        .delete(
            "/api/v1/motivations/{id}",
            MotivationsWrite,
            change::delete::<P>,
        )
        .post(
            "/api/v1/motivations/{id}/enable",
            MotivationsWrite,
            state::enable::<P>,
        )
        .post(
            "/api/v1/motivations/{id}/disable",
            MotivationsWrite,
            state::disable::<P>,
        )
        .post(
            "/api/v1/motivations/{id}/trigger",
            MotivationsWrite,
            trigger::trigger::<P>,
        )
        .post("/internal/sweep", Access::Private, sweep::sweep::<P>)
}
