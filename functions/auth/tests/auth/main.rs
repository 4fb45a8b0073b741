//! The function `auth`, seen by its clients.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected fails"
)]

mod access;
mod api_keys;
mod login;
mod password;
mod refresh;
mod users;

use loom_api::testing::{ADMIN_PASSWORD, Answer, call};
use loom_auth::handle;
use loom_platform::Platform;
use serde_json::{Value, json};

async fn post<P: Platform>(platform: &P, token: &str, path: &str, body: Value) -> Answer {
    let request = call("POST", &format!("/api/v1/auth/{path}")).json(body);
    let request = if token.is_empty() {
        request
    } else {
        request.token(token)
    };
    request.send(platform, handle).await
}

async fn get<P: Platform>(platform: &P, token: &str, path: &str) -> Answer {
    call("GET", &format!("/api/v1/auth/{path}"))
        .token(token)
        .send(platform, handle)
        .await
}

async fn login<P: Platform>(platform: &P, username: &str, password: &str) -> Answer {
    post(
        platform,
        "",
        "login",
        json!({"username": username, "password": password}),
    )
    .await
}

/// Logs the admin in: access token and refresh token.
async fn admin<P: Platform>(platform: &P) -> (String, String) {
    let answer = login(platform, "admin", ADMIN_PASSWORD).await;
    assert_eq!(answer.status, 200, "{}", answer.json());
    let text = |name: &str| answer.json()[name].as_str().unwrap().to_owned();
    (text("token"), text("refresh_token"))
}
