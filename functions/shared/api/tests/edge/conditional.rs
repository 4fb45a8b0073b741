use loom_api::testing::{Call, call, platform, token};
use loom_domain::account::Role;

use crate::function::handle;

#[tokio::test]
async fn a_client_that_has_the_version_is_not_sent_it_again() {
    let platform = platform();
    let viewer = token(&platform, Role::Viewer).await;
    let read = || call("GET", "/things/a").token(&viewer);
    let answer = read().send(&platform, handle).await;
    assert_eq!((answer.status, answer.header("etag")), (200, "\"v7\""));
    assert_eq!(answer.header("cache-control"), "private, no-cache");
    for (tag, status) in [
        ("\"v7\"", 304),
        ("W/\"v7\"", 304),
        ("\"v1\", \"v7\"", 304),
        ("*", 304),
        ("\"v8\"", 200),
        ("v7", 200),
    ] {
        let answer = read()
            .header("if-none-match", tag)
            .send(&platform, handle)
            .await;
        assert_eq!(answer.status, status, "{tag}");
        assert_eq!(answer.header("etag"), "\"v7\"", "{tag}");
        assert_eq!(answer.body.is_empty(), status == 304, "{tag}");
    }
}

#[tokio::test]
async fn a_change_of_another_version_is_refused() {
    let platform = platform();
    let user = token(&platform, Role::User).await;
    let replace = || call("PUT", "/things/a").token(&user);
    let with = |tag: &str| -> Call { replace().header("if-match", tag) };
    assert_eq!(replace().send(&platform, handle).await.status, 204);
    assert_eq!(with("*").send(&platform, handle).await.status, 204);
    assert_eq!(with("\"v7\"").send(&platform, handle).await.status, 204);
    let answer = with("\"v6\"").send(&platform, handle).await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (412, "version_conflict")
    );
    assert_eq!(answer.json()["details"]["current"], 7);
    let answer = with("7").send(&platform, handle).await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (400, "invalid_if_match")
    );
}
