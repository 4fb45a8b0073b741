//! Workflows: definitions, executions and what people do to them.
//!
//! | Route | What it does |
//! |---|---|
//! | `GET`, `POST /api/v1/workflows` | lists the workflows; puts a project's own one there |
//! | `GET`, `PUT /api/v1/workflows/{id}` | reads one; replaces a project's own one by its next version |
//! | `GET /api/v1/workflows/{id}/mermaid` | its graph, with `execution=` where that one is |
//! | `POST /api/v1/workflows/start` | starts one for a bead |
//! | `GET /api/v1/workflows/executions` | lists executions, newest first |
//! | `GET /api/v1/workflows/executions/{id}` | reads one |
//! | `GET /api/v1/workflows/executions/{id}/history` | its records, oldest first |
//! | `POST /api/v1/workflows/executions/{id}/signal` | tells it that something happened outside |
//! | `POST /api/v1/workflows/executions/{id}/pause` | has it stay where it is |
//! | `POST /api/v1/workflows/executions/{id}/resume` | has it go on, after a pause or an escalation |
//! | `POST /api/v1/workflows/executions/{id}/cancel` | stops it for good |
//! | `POST /api/v1/workflows/executions/{id}/restart` | puts it to a node |
//! | `GET /api/v1/workflows/analytics` | counts over all executions |
//!
//! A definition is YAML, sent as it is or as a text within JSON. The workflows that Loom ships cannot be changed; a
//! project's own one with the same match goes before them.

mod analytics;
mod body;
mod define;
mod executions;
mod list;
mod start;
mod steer;

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
    use Permission::{WorkflowsRead, WorkflowsWrite};
    Routes::new()
        .get("/api/v1/workflows", WorkflowsRead, list::list::<P>)
        .post("/api/v1/workflows", WorkflowsWrite, define::create::<P>)
        .get("/api/v1/workflows/{id}", WorkflowsRead, list::read::<P>)
        .put(
            "/api/v1/workflows/{id}",
            WorkflowsWrite,
            define::replace::<P>,
        )
        .get(
            "/api/v1/workflows/{id}/mermaid",
            WorkflowsRead,
            list::graph::<P>,
        )
        .post("/api/v1/workflows/start", WorkflowsWrite, start::start::<P>)
        .get(
            "/api/v1/workflows/executions",
            WorkflowsRead,
            executions::list::<P>,
        )
        .get(
            "/api/v1/workflows/executions/{id}",
            WorkflowsRead,
            executions::read::<P>,
        )
        .get(
            "/api/v1/workflows/executions/{id}/history",
            WorkflowsRead,
            executions::history::<P>,
        )
        .post(
            "/api/v1/workflows/executions/{id}/signal",
            WorkflowsWrite,
            steer::signal::<P>,
        )
        .post(
            "/api/v1/workflows/executions/{id}/pause",
            WorkflowsWrite,
            steer::pause::<P>,
        )
        .post(
            "/api/v1/workflows/executions/{id}/resume",
            WorkflowsWrite,
            steer::resume::<P>,
        )
        .post(
            "/api/v1/workflows/executions/{id}/cancel",
            WorkflowsWrite,
            steer::cancel::<P>,
        )
        .post(
            "/api/v1/workflows/executions/{id}/restart",
            WorkflowsWrite,
            steer::restart::<P>,
        )
        .get(
            "/api/v1/workflows/analytics",
            WorkflowsRead,
            analytics::analytics::<P>,
        )
}
