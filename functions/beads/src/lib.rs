//! Beads: file, read, change, claim, redispatch, escalate, import and export.
//!
//! | Route | What it does |
//! |---|---|
//! | `GET /api/v1/beads` | lists beads, newest first, narrowed by `project_id`, `status`, `type`, `priority`, `assigned_to`, `tag`, `parent`, `q` |
//! | `POST /api/v1/beads` | files one |
//! | `GET /api/v1/beads/ready` | lists what could be dispatched, most urgent first |
//! | `GET`, `PUT`, `PATCH`, `DELETE /api/v1/beads/{id}` | reads, changes, deletes one; `PUT` and `PATCH` are the same: what is absent stays |
//! | `POST /api/v1/beads/{id}/claim` | gives it to an agent and starts the run |
//! | `POST /api/v1/beads/{id}/redispatch` | gives it another chance at once |
//! | `POST /api/v1/beads/{id}/escalate` | stops work on it and asks a person |
//! | `GET /api/v1/beads/{id}/why` | says why it is dispatched, or is not |
//! | `GET /api/v1/beads/{id}/runs`, `…/runs/{run_id}` | what agents did about it |
//! | `GET /api/v1/beads/{id}/conversation` | what was said between agents and models |
//! | `GET /api/v1/beads/{id}/decisions` | the questions put to people about it |
//! | `GET`, `POST /api/v1/beads/{id}/comments` | its comments |
//! | `POST /api/v1/beads/auto-file` | files an error that a program met, once |
//! | `POST /api/v1/beads/import`, `GET /api/v1/beads/export` | JSONL in the format of the `bd` tool |
//! | `GET /api/v1/work-graph` | beads and the links between them |
//!
//! A write that may make a bead ready tells the dispatcher, which does not wait for its next tick then.

mod auto_file;
mod change;
mod claim;
mod comments;
mod conversation;
mod decisions;
mod escalate;
mod export;
mod file;
mod import;
mod list;
mod read;
mod ready;
mod redispatch;
mod runs;
mod why;
mod work;
mod work_graph;

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
    use Permission::{BeadsDelete, BeadsRead, BeadsWrite, DecisionsRead};
    Routes::new()
        .get("/api/v1/beads", BeadsRead, list::list::<P>)
        .post("/api/v1/beads", BeadsWrite, file::file::<P>)
        .get("/api/v1/beads/ready", BeadsRead, ready::ready::<P>)
        .post(
            "/api/v1/beads/auto-file",
            BeadsWrite,
            auto_file::auto_file::<P>,
        )
        .post("/api/v1/beads/import", BeadsWrite, import::import::<P>)
        .body_limit(import::LARGEST)
        .get("/api/v1/beads/export", BeadsRead, export::export::<P>)
        .get("/api/v1/beads/{id}", BeadsRead, read::read::<P>)
        .put("/api/v1/beads/{id}", BeadsWrite, change::change::<P>)
        .patch("/api/v1/beads/{id}", BeadsWrite, change::change::<P>)
        .delete("/api/v1/beads/{id}", BeadsDelete, change::delete::<P>)
        .post("/api/v1/beads/{id}/claim", BeadsWrite, claim::claim::<P>)
        .post(
            "/api/v1/beads/{id}/redispatch",
            BeadsWrite,
            redispatch::redispatch::<P>,
        )
        .post(
            "/api/v1/beads/{id}/escalate",
            BeadsWrite,
            escalate::escalate::<P>,
        )
        .get("/api/v1/beads/{id}/why", BeadsRead, why::why::<P>)
        .get("/api/v1/beads/{id}/runs", BeadsRead, runs::list::<P>)
        .get(
            "/api/v1/beads/{id}/runs/{run_id}",
            BeadsRead,
            runs::read::<P>,
        )
        .get(
            "/api/v1/beads/{id}/conversation",
            BeadsRead,
            conversation::conversation::<P>,
        )
        .get(
            "/api/v1/beads/{id}/decisions",
            DecisionsRead,
            decisions::decisions::<P>,
        )
        .get(
            "/api/v1/beads/{id}/comments",
            BeadsRead,
            comments::list::<P>,
        )
        .post(
            "/api/v1/beads/{id}/comments",
            BeadsWrite,
            comments::write::<P>,
        )
        .get("/api/v1/work-graph", BeadsRead, work_graph::work_graph::<P>)
}
