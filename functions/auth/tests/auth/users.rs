use loom_api::testing::{Answer, call, platform};
use loom_auth::handle;
use loom_platform::Platform;
use serde_json::{Value, json};

use crate::{admin, get, login, post};

const PASSWORD: &str = "ada's password";

async fn patch<P: Platform>(platform: &P, token: &str, id: &str, body: Value) -> Answer {
    call("PATCH", &format!("/api/v1/auth/users/{id}"))
        .token(token)
        .json(body)
        .send(platform, handle)
        .await
}

async fn create_ada<P: Platform>(platform: &P, token: &str, role: &str) -> String {
    let body =
        json!({"username": "ada", "role": role, "password": PASSWORD, "email": "ada@example.org"});
    let answer = post(platform, token, "users", body).await;
    assert_eq!(answer.status, 201, "{}", answer.json());
    answer.json()["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_account_is_created_and_logs_in() {
    let platform = platform();
    let (token, _) = admin(&platform).await;
    let id = create_ada(&platform, &token, "viewer").await;
    let list = get(&platform, &token, "users").await;
    assert!(!String::from_utf8_lossy(&list.body).contains("argon2"));
    let names: Vec<_> = list
        .json()
        .as_array()
        .unwrap()
        .iter()
        .map(|user| user["username"].clone())
        .collect();
    assert_eq!(names, ["ada", "admin"]);
    assert_eq!(list.json()[0]["id"], id.as_str());
    let answer = login(&platform, "ada", PASSWORD).await;
    assert_eq!(answer.json()["user"]["role"], "viewer");

    let body = json!({"username": "ada", "role": "admin", "password": PASSWORD});
    let answer = post(&platform, &token, "users", body).await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (409, "username_taken")
    );
    assert_eq!(
        login(&platform, "ada", PASSWORD).await.json()["user"]["role"],
        "viewer"
    );
}

#[tokio::test]
async fn a_role_is_changed_at_once() {
    let platform = platform();
    let (token, _) = admin(&platform).await;
    let id = create_ada(&platform, &token, "viewer").await;
    let ada = login(&platform, "ada", PASSWORD).await.json()["token"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(get(&platform, &ada, "users").await.status, 403);
    assert_eq!(
        patch(&platform, &token, &id, json!({"role": "admin"}))
            .await
            .status,
        200
    );
    assert_eq!(get(&platform, &ada, "users").await.status, 200);
}

#[tokio::test]
async fn a_disabled_account_is_out_at_once() {
    let platform = platform();
    let (token, _) = admin(&platform).await;
    let id = create_ada(&platform, &token, "user").await;
    let tokens = login(&platform, "ada", PASSWORD).await.json();
    let ada = tokens["token"].as_str().unwrap();
    let key = post(&platform, ada, "api-keys", json!({"name": "a"}))
        .await
        .json()["key"]
        .as_str()
        .unwrap()
        .to_owned();
    let answer = patch(&platform, &token, &id, json!({"is_active": false})).await;
    assert_eq!(answer.json()["is_active"], false);
    assert_eq!(get(&platform, ada, "me").await.code(), "token_revoked");
    assert_eq!(get(&platform, &key, "me").await.code(), "token_revoked");
    let answer = post(
        &platform,
        "",
        "refresh",
        json!({"refresh_token": tokens["refresh_token"]}),
    )
    .await;
    assert_eq!(answer.code(), "token_revoked");
    assert_eq!(
        login(&platform, "ada", PASSWORD).await.code(),
        "wrong_credentials"
    );

    assert_eq!(
        patch(&platform, &token, &id, json!({"is_active": true}))
            .await
            .status,
        200
    );
    assert_eq!(login(&platform, "ada", PASSWORD).await.status, 200);
    assert_eq!(
        get(&platform, ada, "me").await.code(),
        "token_revoked",
        "what was revoked stays so"
    );
}

#[tokio::test]
async fn the_last_admin_stays_one() {
    let platform = platform();
    let (token, _) = admin(&platform).await;
    let id = get(&platform, &token, "me").await.json()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    for change in [json!({"role": "user"}), json!({"is_active": false})] {
        let answer = patch(&platform, &token, &id, change).await;
        assert_eq!((answer.status, answer.code().as_str()), (409, "last_admin"));
    }
    create_ada(&platform, &token, "admin").await;
    assert_eq!(
        patch(&platform, &token, &id, json!({"role": "user"}))
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn a_password_set_by_an_admin_ends_the_sessions() {
    let platform = platform();
    let (token, _) = admin(&platform).await;
    let id = create_ada(&platform, &token, "user").await;
    let ada = login(&platform, "ada", PASSWORD).await.json()["token"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(
        patch(
            &platform,
            &token,
            &id,
            json!({"password": "another password"})
        )
        .await
        .status,
        200
    );
    assert_eq!(get(&platform, &ada, "me").await.code(), "token_revoked");
    assert_eq!(
        login(&platform, "ada", "another password").await.status,
        200
    );
}

#[tokio::test]
async fn bad_input_changes_nothing() {
    let platform = platform();
    let (token, _) = admin(&platform).await;
    for (body, field) in [
        (
            json!({"username": "A B", "role": "user", "password": PASSWORD}),
            "username",
        ),
        (
            json!({"username": "ada", "role": "service", "password": PASSWORD}),
            "role",
        ),
        (
            json!({"username": "ada", "role": "root", "password": PASSWORD}),
            "role",
        ),
        (
            json!({"username": "ada", "role": "user", "password": "short"}),
            "password",
        ),
        (
            json!({"username": "ada", "role": "user", "password": PASSWORD, "email": "ada"}),
            "email",
        ),
        (json!({"username": "ada", "role": "user"}), "password"),
        (
            json!({"username": "ada", "role": "user", "password": PASSWORD, "id": "1"}),
            "id",
        ),
    ] {
        let answer = post(&platform, &token, "users", body).await;
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
    let answer = patch(&platform, &token, "nobody", json!({"role": "user"})).await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (404, "user_not_found")
    );
    assert_eq!(
        get(&platform, &token, "users")
            .await
            .json()
            .as_array()
            .unwrap()
            .len(),
        1
    );
}
