//! Accounts over HTTP: login, refresh, logout, identity, passwords, API keys, users.
//!
//! Hashing a password takes a tenth of a second in which its instance does nothing else, so it happens here and in no
//! other function.

mod account;
mod api_keys;
mod login;
mod password;
mod session;
mod users;

use loom_api::{Access, Routes, serve};
use loom_domain::account::Permission;
use loom_platform::{Body, Platform};

/// Nothing that is sent here is long.
const BODY_LIMIT: usize = 16 * 1024;

/// The routes, with who may call each.
pub fn routes<P: Platform>() -> Routes<P> {
    use Permission::{AccountRead, AccountWrite, UsersRead, UsersWrite};
    Routes::new()
        .post("/api/v1/auth/login", Access::Public, login::login::<P>)
        .body_limit(BODY_LIMIT)
        .post(
            "/api/v1/auth/refresh",
            Access::Public,
            session::refresh::<P>,
        )
        .body_limit(BODY_LIMIT)
        .post(
            "/api/v1/auth/logout",
            Access::Authenticated,
            session::logout::<P>,
        )
        .body_limit(BODY_LIMIT)
        .get("/api/v1/auth/me", Access::Authenticated, account::me::<P>)
        .post(
            "/api/v1/auth/change-password",
            AccountWrite,
            account::change_password::<P>,
        )
        .body_limit(BODY_LIMIT)
        .get("/api/v1/auth/api-keys", AccountRead, api_keys::list::<P>)
        .post("/api/v1/auth/api-keys", AccountWrite, api_keys::create::<P>)
        .body_limit(BODY_LIMIT)
        .delete(
            "/api/v1/auth/api-keys/{id}",
            AccountWrite,
            api_keys::revoke::<P>,
        )
        .body_limit(BODY_LIMIT)
        .get("/api/v1/auth/users", UsersRead, users::list::<P>)
        .post("/api/v1/auth/users", UsersWrite, users::create::<P>)
        .body_limit(BODY_LIMIT)
        .patch("/api/v1/auth/users/{id}", UsersWrite, users::change::<P>)
        .body_limit(BODY_LIMIT)
}

/// Answers a request.
pub async fn handle<P: Platform>(
    platform: &P,
    request: http::Request<Body>,
) -> http::Response<Body> {
    serve(platform, routes(), request).await
}

loom_platform::function!(handle);
