//! Personas: list, read, override.
//!
//! | Route | What it does |
//! |---|---|
//! | `GET /api/v1/personas` | every persona in force, and every text that is not right with its file and line |
//! | `GET`, `PUT`, `DELETE /api/v1/personas/{name}` | reads one; puts a text in force; puts the shipped text in force again |
//!
//! A name has one to four parts, such as `default/qa-engineer`; the `/` may also be sent as `%2F`. What is shipped lies
//! in the files mounted at `/personas`; what replaces it, in the database. A text is checked before it is put in force.

mod list;
mod read;
mod replace;
mod reset;

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
    use Permission::{PersonasRead, PersonasWrite};
    Routes::new()
        .get("/api/v1/personas", PersonasRead, list::list::<P>)
        .get("/api/v1/personas/{*name}", PersonasRead, read::read::<P>)
        .put(
            "/api/v1/personas/{*name}",
            PersonasWrite,
            replace::replace::<P>,
        )
        .delete("/api/v1/personas/{*name}", PersonasWrite, reset::reset::<P>)
}
