use futures_util::future::join_all;
use loom_api::testing::{ADMIN_PASSWORD, builder, call, platform};
use loom_auth::handle;
use loom_platform::{Platform, Statements};
use serde_json::json;

use crate::{admin, get, login};

#[tokio::test]
async fn the_first_login_makes_the_admin_and_only_the_first() {
    let platform = platform();
    let (token, _) = admin(&platform).await;
    assert_eq!(get(&platform, &token, "me").await.status, 200);
    platform
        .variables()
        .set("loom_admin_password", "changed later on");
    assert_eq!(
        login(&platform, "admin", "changed later on").await.status,
        401
    );
    assert_eq!(
        login(&platform, "Admin ", ADMIN_PASSWORD).await.status,
        200,
        "usernames are lower case"
    );
}

#[tokio::test]
async fn first_logins_at_once_make_one_admin() {
    let platform = platform();
    let answers = join_all((0..3).map(|_| login(&platform, "admin", ADMIN_PASSWORD))).await;
    assert!(answers.iter().all(|answer| answer.status == 200));
    let row = platform
        .database()
        .query_one("SELECT COUNT(*) FROM user", vec![])
        .await
        .unwrap();
    assert_eq!(row.unwrap().integer(0), Ok(1));
}

#[tokio::test]
async fn without_a_password_for_the_first_admin_it_says_what_to_set() {
    for password in ["", "short"] {
        let platform = builder()
            .variable("loom_admin_password", password)
            .build()
            .unwrap();
        let answer = login(&platform, "admin", password).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (503, "not_configured")
        );
        assert!(
            answer.json()["error"]
                .as_str()
                .unwrap()
                .contains("LOOM_ADMIN_PASSWORD")
        );
    }
}

#[tokio::test]
async fn without_a_token_secret_it_says_what_to_set() {
    let platform = builder().variable("loom_token_secret", "").build().unwrap();
    let answer = login(&platform, "admin", ADMIN_PASSWORD).await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (503, "not_configured")
    );
    assert!(
        answer.json()["error"]
            .as_str()
            .unwrap()
            .contains("loom_token_secret")
    );
}

#[tokio::test]
async fn an_unknown_name_and_a_wrong_password_look_the_same() {
    let platform = platform();
    admin(&platform).await;
    let mut bodies = Vec::new();
    for (username, password) in [
        ("admin", "wrong password"),
        ("nobody", ADMIN_PASSWORD),
        ("no such name!", "x"),
        ("", ""),
    ] {
        let answer = login(&platform, username, password).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (401, "wrong_credentials"),
            "{username}"
        );
        bodies.push(answer.json()["error"].clone());
    }
    assert!(bodies.iter().all(|body| *body == bodies[0]), "{bodies:?}");
}

#[tokio::test]
async fn the_answer_is_not_to_be_stored() {
    let answer = login(&platform(), "admin", ADMIN_PASSWORD).await;
    assert_eq!(answer.header("cache-control"), "no-store");
    let body = answer.json();
    assert_eq!(body["expires_in"], 1800);
    assert_eq!(body["refresh_expires_in"], 30 * 86_400);
    assert_eq!(body["user"]["username"], "admin");
}

#[tokio::test]
async fn after_five_wrong_passwords_the_name_is_closed_for_a_growing_while() {
    let platform = platform();
    admin(&platform).await;
    for _ in 0..5 {
        assert_eq!(
            login(&platform, "admin", "wrong password").await.status,
            401
        );
    }
    let answer = login(&platform, "admin", ADMIN_PASSWORD).await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (429, "too_many_attempts"),
        "the right password neither"
    );
    let first: i64 = answer.header("retry-after").parse().unwrap();
    assert!((1..=30).contains(&first), "{first}");

    let open = "UPDATE login_failure SET closed_until = 0";
    platform.database().execute(open, vec![]).await.unwrap();
    assert_eq!(
        login(&platform, "admin", "wrong password").await.status,
        401
    );
    let answer = login(&platform, "admin", ADMIN_PASSWORD).await;
    let second: i64 = answer.header("retry-after").parse().unwrap();
    assert!((31..=60).contains(&second), "{second}");

    platform.database().execute(open, vec![]).await.unwrap();
    assert_eq!(login(&platform, "admin", ADMIN_PASSWORD).await.status, 200);
    assert_eq!(
        login(&platform, "admin", "wrong password").await.status,
        401,
        "it starts anew"
    );
}

#[tokio::test]
async fn guesses_at_once_are_counted_like_guesses_in_a_row() {
    let platform = platform();
    admin(&platform).await;
    let answers = join_all((0..8).map(|_| login(&platform, "admin", "wrong password"))).await;
    let looked_at = answers.iter().filter(|answer| answer.status == 401).count();
    let closed = answers.iter().filter(|answer| answer.status == 429).count();
    assert_eq!((looked_at, closed), (5, 3));
}

#[tokio::test]
async fn bad_input() {
    let platform = platform();
    for (body, field) in [
        (json!({"username": "admin"}), "password"),
        (json!({"username": "admin", "password": 5}), "password"),
        (
            json!({"username": "admin", "password": "x", "role": "admin"}),
            "role",
        ),
    ] {
        let answer = call("POST", "/api/v1/auth/login")
            .json(body)
            .send(&platform, handle)
            .await;
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
    let long = json!({"username": "admin", "password": "x".repeat(20_000)});
    let answer = call("POST", "/api/v1/auth/login")
        .json(long)
        .send(&platform, handle)
        .await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (413, "body_too_large")
    );
}
