use loom_api::testing::{SERVICE_TOKEN, assert_access, platform};
use loom_auth::{handle, routes};
use loom_domain::account::Role;

use crate::{admin, get};

#[tokio::test]
async fn who_reaches_what() {
    let platform = platform();
    let expected = [
        ("POST /api/v1/auth/login", "public"),
        ("POST /api/v1/auth/refresh", "public"),
        ("POST /api/v1/auth/logout", "admin user viewer service"),
        ("GET /api/v1/auth/me", "admin user viewer service"),
        ("POST /api/v1/auth/change-password", "admin user viewer"),
        ("GET /api/v1/auth/api-keys", "admin user viewer"),
        ("POST /api/v1/auth/api-keys", "admin user viewer"),
        ("DELETE /api/v1/auth/api-keys/{id}", "admin user viewer"),
        ("GET /api/v1/auth/users", "admin"),
        ("POST /api/v1/auth/users", "admin"),
        ("PATCH /api/v1/auth/users/{id}", "admin"),
    ];
    assert_access(&platform, routes(), handle, &expected).await;
}

#[tokio::test]
async fn me_is_who_calls() {
    let platform = platform();
    let (token, _) = admin(&platform).await;
    let me = get(&platform, &token, "me").await.json();
    assert_eq!(
        (
            me["username"].as_str(),
            me["role"].as_str(),
            me["via"].as_str()
        ),
        (Some("admin"), Some("admin"), Some("password"))
    );
    assert_eq!(
        me["permissions"].as_array().unwrap().len(),
        Role::Admin.permissions().iter().count()
    );
    assert_eq!(me["user"]["is_active"], true);
    assert!(me["user"]["created_at"].as_str().unwrap().ends_with('Z'));

    let me = get(&platform, SERVICE_TOKEN, "me").await.json();
    assert_eq!(
        (me["role"].as_str(), me["via"].as_str()),
        (Some("service"), Some("service"))
    );
    assert!(me["user"].is_null());
}
