//! Agents: spawn, clone, read, change, reset, delete.
//!
//! | Route | What it does |
//! |---|---|
//! | `GET`, `POST /api/v1/agents` | lists agents, oldest first, narrowed by `project_id`; spawns one |
//! | `GET`, `PUT`, `DELETE /api/v1/agents/{id}` | reads, changes, deletes one; on `PUT` what is absent stays and `null` removes |
//! | `POST /api/v1/agents/{id}/clone` | adds another one like it, with another persona if one is asked for |
//! | `POST /api/v1/agents/{id}/reset` | sets one that is stuck idle again |
//!
//! Whoever joins must find room: in Loom (the variable `max_agents`), in its project (`max_agents`), and in the position of
//! the project's org chart (`max_instances`).
//!
//! An agent needs no provider of its own: without one it calls the first that is healthy.

mod change;
mod clone;
mod input;
mod list;
mod reset;
mod spawn;

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
    use Permission::{AgentsDelete, AgentsRead, AgentsWrite};
    Routes::new()
        .get("/api/v1/agents", AgentsRead, list::list::<P>)
        .post("/api/v1/agents", AgentsWrite, spawn::spawn::<P>)
        .get("/api/v1/agents/{id}", AgentsRead, list::read::<P>)
        .put("/api/v1/agents/{id}", AgentsWrite, change::change::<P>)
        .delete("/api/v1/agents/{id}", AgentsDelete, change::delete::<P>)
        .post("/api/v1/agents/{id}/clone", AgentsWrite, clone::clone::<P>)
        .post("/api/v1/agents/{id}/reset", AgentsWrite, reset::reset::<P>)
}
