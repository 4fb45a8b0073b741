//! Providers: register, read, change, remove, list models.
//!
//! | Route | What it does |
//! |---|---|
//! | `GET`, `POST /api/v1/providers` | lists providers; registers one, which is probed at once |
//! | `GET`, `PUT`, `DELETE /api/v1/providers/{id}` | reads, changes, removes one; on `PUT` what is absent stays |
//! | `GET /api/v1/providers/{id}/models` | asks the provider which models it has |
//!
//! A provider's key is the Spin variable `tokenhub_api_key`; it is never in a request, an answer or the database.

mod body;
mod change;
mod heartbeat;
mod list;
mod models;
mod register;

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
    use Permission::{ProvidersDelete, ProvidersRead, ProvidersWrite};
    Routes::new()
        .get("/api/v1/providers", ProvidersRead, list::list::<P>)
        .post("/api/v1/providers", ProvidersWrite, register::register::<P>)
        .get("/api/v1/providers/{id}", ProvidersRead, list::read::<P>)
        .put(
            "/api/v1/providers/{id}",
            ProvidersWrite,
            change::change::<P>,
        )
        .delete(
            "/api/v1/providers/{id}",
            ProvidersDelete,
            change::delete::<P>,
        )
        .get(
            "/api/v1/providers/{id}/models",
            ProvidersRead,
            models::models::<P>,
        )
}
