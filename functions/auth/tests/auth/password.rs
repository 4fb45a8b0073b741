use loom_api::testing::{ADMIN_PASSWORD, platform};
use serde_json::json;

use crate::{admin, get, login, post};

const NEW: &str = "a better password";

#[tokio::test]
async fn a_changed_password_ends_the_other_sessions() {
    let platform = platform();
    let (token, _) = admin(&platform).await;
    let (other, other_refresh) = admin(&platform).await;
    let body = json!({"current_password": ADMIN_PASSWORD, "new_password": NEW});
    assert_eq!(
        post(&platform, &token, "change-password", body)
            .await
            .status,
        204
    );
    assert_eq!(get(&platform, &token, "me").await.status, 200);
    assert_eq!(get(&platform, &other, "me").await.code(), "token_revoked");
    let answer = post(
        &platform,
        "",
        "refresh",
        json!({"refresh_token": other_refresh}),
    )
    .await;
    assert_eq!(answer.code(), "token_revoked");
    assert_eq!(login(&platform, "admin", ADMIN_PASSWORD).await.status, 401);
    assert_eq!(login(&platform, "admin", NEW).await.status, 200);
}

#[tokio::test]
async fn what_can_not_be_a_password_is_refused() {
    let platform = platform();
    let (token, _) = admin(&platform).await;
    for (current, new, field) in [
        (ADMIN_PASSWORD, "short", "new_password"),
        (ADMIN_PASSWORD, ADMIN_PASSWORD, "new_password"),
        ("wrong password", NEW, "current_password"),
    ] {
        let body = json!({"current_password": current, "new_password": new});
        let answer = post(&platform, &token, "change-password", body).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (422, "invalid_fields")
        );
        assert!(
            answer.json()["fields"].get(field).is_some(),
            "{}",
            answer.json()
        );
    }
    let body = json!({"old_password": ADMIN_PASSWORD, "new_password": NEW});
    assert_eq!(
        post(&platform, &token, "change-password", body)
            .await
            .status,
        422
    );
    assert_eq!(
        login(&platform, "admin", ADMIN_PASSWORD).await.status,
        200,
        "nothing was changed"
    );
}

#[tokio::test]
async fn a_stolen_session_cannot_guess_the_password() {
    let platform = platform();
    let (token, _) = admin(&platform).await;
    let guess = || {
        post(
            &platform,
            &token,
            "change-password",
            json!({"current_password": "guess", "new_password": NEW}),
        )
    };
    for _ in 0..5 {
        assert_eq!(guess().await.status, 422);
    }
    assert_eq!(guess().await.status, 429);
}
