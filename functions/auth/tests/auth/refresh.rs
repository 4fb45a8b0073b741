use futures_util::future::join_all;
use loom_api::testing::{SERVICE_TOKEN, platform};
use loom_platform::{Platform, Statements};
use serde_json::json;

use crate::{admin, get, post};

#[tokio::test]
async fn a_refresh_token_is_exchanged_once() {
    let platform = platform();
    let (_, first) = admin(&platform).await;
    let answer = post(&platform, "", "refresh", json!({"refresh_token": first})).await;
    assert_eq!(answer.status, 200, "{}", answer.json());
    assert_eq!(answer.header("cache-control"), "no-store");
    let token = answer.json()["token"].as_str().unwrap().to_owned();
    let second = answer.json()["refresh_token"].as_str().unwrap().to_owned();
    assert_ne!(first, second);
    assert_eq!(get(&platform, &token, "me").await.status, 200);
    let answer = post(&platform, "", "refresh", json!({"refresh_token": second})).await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn a_refresh_token_used_twice_ends_the_session() {
    let platform = platform();
    let (_, stolen) = admin(&platform).await;
    let other_session = admin(&platform).await;
    let answer = post(&platform, "", "refresh", json!({"refresh_token": stolen})).await;
    let token = answer.json()["token"].as_str().unwrap().to_owned();
    let newest = answer.json()["refresh_token"].as_str().unwrap().to_owned();

    let answer = post(&platform, "", "refresh", json!({"refresh_token": stolen})).await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (401, "token_revoked")
    );

    let answer = post(&platform, "", "refresh", json!({"refresh_token": newest})).await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (401, "token_revoked"),
        "the whole family is dead"
    );
    assert_eq!(
        get(&platform, &token, "me").await.code(),
        "token_revoked",
        "and its access tokens"
    );
    assert_eq!(
        get(&platform, &other_session.0, "me").await.status,
        200,
        "other sessions live on"
    );
}

#[tokio::test]
async fn of_many_exchanges_at_once_at_most_one_succeeds() {
    let platform = platform();
    let (_, token) = admin(&platform).await;
    let all = (0..8).map(|_| post(&platform, "", "refresh", json!({"refresh_token": token})));
    let answers = join_all(all).await;
    assert_eq!(
        answers.iter().filter(|answer| answer.status == 200).count(),
        1
    );
    assert_eq!(
        answers
            .iter()
            .filter(|answer| answer.code() == "token_revoked")
            .count(),
        7
    );
}

#[tokio::test]
async fn unknown_and_old_refresh_tokens_are_refused() {
    let platform = platform();
    let (token, refresh) = admin(&platform).await;
    for unknown in ["", "x", &token] {
        let answer = post(&platform, "", "refresh", json!({"refresh_token": unknown})).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (401, "token_invalid")
        );
    }
    assert_eq!(
        get(&platform, &refresh, "me").await.code(),
        "token_invalid",
        "it is no access token"
    );
    platform
        .database()
        .execute("UPDATE session SET expires_at = 1", vec![])
        .await
        .unwrap();
    let answer = post(&platform, "", "refresh", json!({"refresh_token": refresh})).await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (401, "token_revoked")
    );
}

#[tokio::test]
async fn no_secret_is_in_the_database() {
    let platform = platform();
    let (_, refresh) = admin(&platform).await;
    let row = platform
        .database()
        .query_one("SELECT hex(digest) FROM refresh_token", vec![])
        .await
        .unwrap()
        .unwrap();
    assert_eq!(row.text(0).unwrap().len(), 64);
    assert!(!row.text(0).unwrap().contains(&refresh));
}

#[tokio::test]
async fn logging_out_ends_the_session() {
    let platform = platform();
    let (token, refresh) = admin(&platform).await;
    let (other, _) = admin(&platform).await;
    assert_eq!(
        post(&platform, &token, "logout", json!({})).await.status,
        204
    );
    assert_eq!(get(&platform, &token, "me").await.code(), "token_revoked");
    let answer = post(&platform, "", "refresh", json!({"refresh_token": refresh})).await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (401, "token_revoked")
    );
    assert_eq!(get(&platform, &other, "me").await.status, 200);
    let answer = post(&platform, SERVICE_TOKEN, "logout", json!({})).await;
    assert_eq!((answer.status, answer.code().as_str()), (409, "no_session"));
}
