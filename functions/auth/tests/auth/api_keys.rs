use loom_api::testing::{api_key, call, platform, token};
use loom_auth::handle;
use loom_domain::account::{Permission, Permissions, Role};
use loom_platform::{Platform, Statements};
use serde_json::json;

use crate::{get, post};

#[tokio::test]
async fn a_key_is_shown_once_and_works_until_it_is_revoked() {
    let platform = platform();
    let user = token(&platform, Role::User).await;
    let body =
        json!({"name": " ci ", "permissions": ["account:read", "beads:read"], "expires_in": 3600});
    let answer = post(&platform, &user, "api-keys", body).await;
    assert_eq!(answer.status, 201, "{}", answer.json());
    assert_eq!(answer.header("cache-control"), "no-store");
    let made = answer.json();
    let key = made["key"].as_str().unwrap().to_owned();
    assert!(key.starts_with("loom_") && key.len() >= 45, "{key}");
    assert_eq!(made["name"], "ci");
    assert!(made["expires_at"].is_string());
    assert_eq!(
        answer.header("location"),
        format!("/api/v1/auth/api-keys/{}", made["id"].as_str().unwrap())
    );

    let me = get(&platform, &key, "me").await.json();
    assert_eq!(
        (me["username"].as_str(), me["via"].as_str()),
        (Some("user"), Some("api_key"))
    );
    assert_eq!(me["permissions"], json!(["beads:read", "account:read"]));

    let list = get(&platform, &user, "api-keys").await;
    assert!(
        !String::from_utf8_lossy(&list.body).contains(&key),
        "shown once"
    );
    let listed = &list.json()[0];
    assert_eq!(listed["key_prefix"].as_str().unwrap(), &key[..12]);
    assert_eq!(
        (
            listed["is_active"].as_bool(),
            listed["last_used_at"].is_string()
        ),
        (Some(true), true)
    );

    let delete = || {
        call("DELETE", answer.header("location"))
            .token(&user)
            .send(&platform, handle)
    };
    assert_eq!(delete().await.status, 204);
    assert_eq!(get(&platform, &key, "me").await.code(), "token_revoked");
    let again = delete().await;
    assert_eq!(
        (again.status, again.code().as_str()),
        (404, "api_key_not_found")
    );
    assert_eq!(
        get(&platform, &user, "api-keys").await.json()[0]["is_active"],
        false
    );
}

#[tokio::test]
async fn expires_in_of_zero_or_none_is_never() {
    let platform = platform();
    let user = token(&platform, Role::User).await;
    for body in [
        json!({"name": "a"}),
        json!({"name": "b", "expires_in": 0}),
        json!({"name": "c", "expires_in": null}),
    ] {
        let answer = post(&platform, &user, "api-keys", body).await;
        assert_eq!(
            (answer.status, answer.json()["expires_at"].is_null()),
            (201, true)
        );
        let permissions = Permissions::from_iter(
            answer.json()["permissions"]
                .as_array()
                .unwrap()
                .iter()
                .map(|word| Permission::parse(word.as_str().unwrap()).unwrap()),
        );
        assert_eq!(permissions, Role::User.permissions());
    }
}

#[tokio::test]
async fn a_key_cannot_do_more_than_its_creator() {
    let platform = platform();
    let viewer = token(&platform, Role::Viewer).await;
    let answer = post(
        &platform,
        &viewer,
        "api-keys",
        json!({"name": "a", "permissions": ["beads:write"]}),
    )
    .await;
    assert_eq!((answer.status, answer.code().as_str()), (403, "forbidden"));
    assert_eq!(answer.json()["details"]["permission"], "beads:write");

    let narrow = api_key(
        &platform,
        Role::Admin,
        Permissions::from_iter([Permission::AccountWrite]),
    )
    .await;
    let answer = post(
        &platform,
        &narrow,
        "api-keys",
        json!({"name": "a", "permissions": ["users:write"]}),
    )
    .await;
    assert_eq!(answer.status, 403, "a key makes no wider key");
    let answer = post(&platform, &narrow, "api-keys", json!({"name": "a"})).await;
    assert_eq!(answer.json()["permissions"], json!(["account:write"]));
}

#[tokio::test]
async fn bad_input_changes_nothing() {
    let platform = platform();
    let user = token(&platform, Role::User).await;
    for (body, fields) in [
        (json!({"name": ""}), vec!["name"]),
        (json!({"name": "x".repeat(101)}), vec!["name"]),
        (json!({"name": "a", "expires_in": -1}), vec!["expires_in"]),
        (
            json!({"name": "a", "expires_in": i64::MAX}),
            vec!["expires_in"],
        ),
        (json!({"name": "a", "expires_in": "1h"}), vec!["expires_in"]),
        (json!({"name": "a", "permissions": []}), vec!["permissions"]),
        (
            json!({"name": "", "permissions": [], "expires_in": -1}),
            vec!["expires_in", "name", "permissions"],
        ),
        (
            json!({"name": "a", "permissions": ["beads:read", "*:*"]}),
            vec!["permissions[1]"],
        ),
        (json!({"name": "a", "scope": "all"}), vec!["scope"]),
    ] {
        let answer = post(&platform, &user, "api-keys", body).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (422, "invalid_fields")
        );
        let found: Vec<String> = answer.json()["fields"]
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect();
        assert_eq!(found, fields, "{}", answer.json());
    }
    assert_eq!(get(&platform, &user, "api-keys").await.json(), json!([]));
}

#[tokio::test]
async fn keys_are_listed_in_pages_and_only_to_their_owner() {
    let platform = platform();
    let (user, admin) = (
        token(&platform, Role::User).await,
        token(&platform, Role::Admin).await,
    );
    for name in ["a", "b", "c"] {
        assert_eq!(
            post(&platform, &user, "api-keys", json!({"name": name}))
                .await
                .status,
            201
        );
    }
    // All at the same moment: the order must be total even then.
    platform
        .database()
        .execute("UPDATE api_key SET created_at = 5", vec![])
        .await
        .unwrap();
    let first = get(&platform, &user, "api-keys?limit=2").await;
    let next = first
        .header("link")
        .trim_start_matches("</api/v1/auth/")
        .split('>')
        .next()
        .unwrap()
        .to_owned();
    let second = get(&platform, &user, &next).await;
    let mut names: Vec<String> = [first.json(), second.json()]
        .iter()
        .flat_map(|part| {
            part.as_array()
                .unwrap()
                .iter()
                .map(|key| key["name"].as_str().unwrap().to_owned())
        })
        .collect();
    names.sort();
    assert_eq!(names, ["a", "b", "c"]);
    assert_eq!(second.header("link"), "");

    assert_eq!(get(&platform, &admin, "api-keys").await.json(), json!([]));
    let id = first.json()[0]["id"].as_str().unwrap().to_owned();
    let answer = call("DELETE", &format!("/api/v1/auth/api-keys/{id}"))
        .token(&admin)
        .send(&platform, handle)
        .await;
    assert_eq!(answer.status, 404);
}

#[tokio::test]
async fn a_repeated_creation_makes_one_key_and_keeps_no_secret() {
    let platform = platform();
    let user = token(&platform, Role::User).await;
    let make = || {
        call("POST", "/api/v1/auth/api-keys")
            .token(&user)
            .header("idempotency-key", "k")
            .json(json!({"name": "a"}))
    };
    assert_eq!(make().send(&platform, handle).await.status, 201);
    let answer = make().send(&platform, handle).await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (409, "idempotency_answer_not_kept")
    );
    assert_eq!(
        get(&platform, &user, "api-keys")
            .await
            .json()
            .as_array()
            .unwrap()
            .len(),
        1
    );
}
