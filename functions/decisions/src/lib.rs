//! Decisions: the one place where questions to people are asked, read and answered.
//!
//! | Route | What it does |
//! |---|---|
//! | `GET /api/v1/decisions` | lists decisions, narrowed by `status`, `kind`, `priority`, `project_id`, `bead_id`, `assignee`; with `status=open` urgent and old first, else newest first |
//! | `POST /api/v1/decisions` | asks about a bead or a project |
//! | `GET /api/v1/decisions/{id}` | reads one: `effects` says what each answer will do |
//! | `POST /api/v1/decisions/{id}/decide` | answers it, exactly once |
//!
//! The decider is the caller, never a field. The answer and everything that it does are one transaction; the dispatcher
//! is told after it, so that what goes on goes on at once.

mod ask;
mod decide;
mod list;

use loom_api::Routes;
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

/// The routes, each with the permission that it needs.
pub fn routes<P: Platform>() -> Routes<P> {
    use Permission::{DecisionsRead, DecisionsWrite};
    Routes::new()
        .get("/api/v1/decisions", DecisionsRead, list::list::<P>)
        .post("/api/v1/decisions", DecisionsWrite, ask::ask::<P>)
        .get("/api/v1/decisions/{id}", DecisionsRead, list::read::<P>)
        .post(
            "/api/v1/decisions/{id}/decide",
            DecisionsWrite,
            decide::decide::<P>,
        )
}
