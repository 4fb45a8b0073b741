//! Projects: register, read, change, close.
//!
//! | Route | What it does |
//! |---|---|
//! | `GET`, `POST /api/v1/projects` | lists projects, oldest first; registers one with its org chart and team |
//! | `POST /api/v1/projects/bootstrap` | registers one and has it built from a requirements document |
//! | `GET`, `PUT`, `DELETE /api/v1/projects/{id}` | reads, changes, deletes one; on `PUT` what is absent stays |
//! | `POST /api/v1/projects/{id}/close` | stops all work on it |
//! | `POST /api/v1/projects/{id}/reopen` | starts it again |
//! | `GET /api/v1/projects/{id}/state` | counts of its beads, its runs, its money |
//! | `GET`, `PUT /api/v1/org-charts/{project_id}` | its positions and who fills them; replaces the positions |

mod body;
mod bootstrap;
mod change;
mod close;
mod list;
mod org_chart;
mod register;
mod reopen;
mod repository;
mod state;
mod team;

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
    use Permission::{ProjectsDelete, ProjectsRead, ProjectsWrite};
    Routes::new()
        .get("/api/v1/projects", ProjectsRead, list::list::<P>)
        .post("/api/v1/projects", ProjectsWrite, register::register::<P>)
        .post(
            "/api/v1/projects/bootstrap",
            ProjectsWrite,
            bootstrap::bootstrap::<P>,
        )
        .body_limit(bootstrap::BODY_LIMIT)
        .get("/api/v1/projects/{id}", ProjectsRead, list::read::<P>)
        .put("/api/v1/projects/{id}", ProjectsWrite, change::change::<P>)
        .delete("/api/v1/projects/{id}", ProjectsDelete, change::delete::<P>)
        .post(
            "/api/v1/projects/{id}/close",
            ProjectsWrite,
            close::close::<P>,
        )
        .post(
            "/api/v1/projects/{id}/reopen",
            ProjectsWrite,
            reopen::reopen::<P>,
        )
        .get(
            "/api/v1/projects/{id}/state",
            ProjectsRead,
            state::state::<P>,
        )
        .get(
            "/api/v1/org-charts/{project_id}",
            ProjectsRead,
            org_chart::read::<P>,
        )
        .put(
            "/api/v1/org-charts/{project_id}",
            ProjectsWrite,
            org_chart::change::<P>,
        )
}
