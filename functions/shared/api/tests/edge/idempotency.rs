use futures_util::future::join_all;
use loom_api::testing::{Answer, Call, call, platform, token, user};
use loom_domain::account::Role;
use loom_platform::native::NativePlatform;
use loom_platform::{Clock, Platform, Statements};
use loom_store::idempotency;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::function::handle;

fn file(token: &str, key: &str, title: &str) -> Call {
    call("POST", "/things")
        .token(token)
        .header("idempotency-key", key)
        .json(json!({"title": title}))
}

async fn times(platform: &NativePlatform) -> i64 {
    let row = platform
        .database()
        .query_one("SELECT COUNT(*) FROM done", vec![])
        .await;
    row.map_or(0, |row| row.unwrap().integer(0).unwrap())
}

fn essence(answer: &Answer) -> (u16, Value, String) {
    (
        answer.status,
        answer.json(),
        answer.header("location").to_owned(),
    )
}

#[tokio::test]
async fn a_repetition_gets_the_first_answer() {
    let platform = platform();
    let user = token(&platform, Role::User).await;
    let first = file(&user, "k", "x").send(&platform, handle).await;
    let second = file(&user, "k", "x").send(&platform, handle).await;
    assert_eq!(first.status, 201);
    assert_eq!(essence(&first), essence(&second));
    assert_eq!(
        (
            first.header("idempotency-replay"),
            second.header("idempotency-replay")
        ),
        ("", "true")
    );
    assert_eq!(second.header("content-type"), "application/json");
    assert_eq!(times(&platform).await, 1);
}

#[tokio::test]
async fn requests_are_the_same_only_by_caller_method_path_and_key() {
    let platform = platform();
    let (user, admin) = (
        token(&platform, Role::User).await,
        token(&platform, Role::Admin).await,
    );
    file(&user, "k", "x").send(&platform, handle).await;
    file(&user, "other", "x").send(&platform, handle).await;
    file(&admin, "k", "x").send(&platform, handle).await;
    let elsewhere = call("POST", "/things?a=1")
        .token(&user)
        .header("idempotency-key", "k")
        .json(json!({"title": "x"}));
    assert_eq!(elsewhere.send(&platform, handle).await.status, 201);
    assert_eq!(times(&platform).await, 4);
}

#[tokio::test]
async fn a_key_is_not_used_for_another_body() {
    let platform = platform();
    let user = token(&platform, Role::User).await;
    file(&user, "k", "x").send(&platform, handle).await;
    let answer = file(&user, "k", "y").send(&platform, handle).await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (422, "idempotency_key_reused")
    );
    assert_eq!(times(&platform).await, 1);
}

#[tokio::test]
async fn a_client_s_error_is_kept_and_ours_is_not() {
    let platform = platform();
    let user = token(&platform, Role::User).await;
    for replay in ["", "true"] {
        let answer = file(&user, "bad", "").send(&platform, handle).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (422, "invalid_fields")
        );
        assert_eq!(answer.header("idempotency-replay"), replay);
    }
    let fail = || {
        call("POST", "/things/fail")
            .token(&user)
            .header("idempotency-key", "k")
    };
    assert_eq!(fail().send(&platform, handle).await.status, 500);
    assert_eq!(fail().send(&platform, handle).await.status, 200);
    assert_eq!(times(&platform).await, 2);
}

#[tokio::test]
async fn of_many_at_once_one_is_carried_out() {
    let platform = platform();
    let user = token(&platform, Role::User).await;
    let all = (0..16).map(|_| file(&user, "k", "x").send(&platform, handle));
    let answers = join_all(all).await;
    assert_eq!(times(&platform).await, 1);
    for answer in answers {
        assert!(
            answer.status == 201 || answer.code() == "idempotency_in_progress",
            "{answer:?}"
        );
    }
}

#[tokio::test]
async fn a_crashed_request_blocks_its_key_only_for_a_while() {
    let platform = platform();
    let user_token = token(&platform, Role::User).await;
    let user = user(&platform, Role::User).await;
    let digest = Sha256::digest(json!({"title": "x"}).to_string()).into();
    let request = idempotency::Request {
        caller_id: &user.id,
        key: "k",
        method: "POST",
        path: "/things",
        body_digest: &digest,
    };
    let now = platform.clock().now();
    idempotency::begin(platform.database(), request, "crashed", now, now + 60_000)
        .await
        .unwrap();

    let answer = file(&user_token, "k", "x").send(&platform, handle).await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (409, "idempotency_in_progress")
    );
    assert!(answer.header("retry-after").parse::<u32>().unwrap() >= 1);

    platform
        .database()
        .execute("UPDATE idempotency_record SET expires_at = 1", vec![])
        .await
        .unwrap();
    assert_eq!(
        file(&user_token, "k", "x")
            .send(&platform, handle)
            .await
            .status,
        201
    );

    // The one that seemed to have crashed comes back: it must not overwrite what its successor answered.
    let late = idempotency::Answer {
        status: 500,
        headers: "{}".to_owned(),
        body: Some(Vec::new()),
    };
    idempotency::finish(platform.database(), request, "crashed", late, now + 60_000)
        .await
        .unwrap();
    idempotency::release(platform.database(), request, "crashed")
        .await
        .unwrap();
    assert_eq!(
        file(&user_token, "k", "x")
            .send(&platform, handle)
            .await
            .header("idempotency-replay"),
        "true"
    );
}

#[tokio::test]
async fn an_answer_is_forgotten_after_its_time() {
    let platform = platform();
    let user = token(&platform, Role::User).await;
    file(&user, "k", "x").send(&platform, handle).await;
    platform
        .database()
        .execute("UPDATE idempotency_record SET expires_at = 1", vec![])
        .await
        .unwrap();
    let answer = file(&user, "k", "y").send(&platform, handle).await;
    assert_eq!((answer.status, times(&platform).await), (201, 2));
    platform
        .database()
        .execute("UPDATE idempotency_record SET expires_at = 1", vec![])
        .await
        .unwrap();
    file(&user, "other", "y").send(&platform, handle).await;
    let row = platform
        .database()
        .query_one("SELECT COUNT(*) FROM idempotency_record", vec![])
        .await
        .unwrap();
    assert_eq!(
        row.unwrap().integer(0).unwrap(),
        1,
        "the swept record is gone"
    );
}

#[tokio::test]
async fn a_secret_is_not_kept() {
    let platform = platform();
    let user = token(&platform, Role::User).await;
    let make = || {
        call("POST", "/things/secret")
            .token(&user)
            .header("idempotency-key", "k")
    };
    assert_eq!(make().send(&platform, handle).await.status, 200);
    let row = platform
        .database()
        .query_one("SELECT body IS NULL FROM idempotency_record", vec![])
        .await
        .unwrap();
    assert!(row.unwrap().boolean(0).unwrap());
    let answer = make().send(&platform, handle).await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (409, "idempotency_answer_not_kept")
    );
    assert_eq!(times(&platform).await, 1);
}

#[tokio::test]
async fn keys_that_cannot_be_are_refused() {
    let platform = platform();
    let user = token(&platform, Role::User).await;
    for key in ["", " ", "ż", &"x".repeat(256)] {
        let answer = file(&user, key, "x").send(&platform, handle).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (400, "invalid_idempotency_key"),
            "{key:?}"
        );
    }
    assert_eq!(times(&platform).await, 0);
}
