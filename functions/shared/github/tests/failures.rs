//! What GitHub may answer instead of a success, and what the client makes of it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod common;

use common::{Stub, lost, message, told};
use loom_github::{FieldError, GithubError};
use serde_json::json;

#[tokio::test]
async fn each_status_has_its_meaning() {
    for (status, code) in [
        (400, "github_unprocessable"),
        (401, "github_unauthorized"),
        (403, "github_forbidden"),
        (404, "github_not_found"),
        (405, "github_conflict"),
        (409, "github_conflict"),
        (410, "github_not_found"),
        (413, "github_too_large"),
        (418, "github_unreadable"),
        (422, "github_unprocessable"),
        (451, "github_not_found"),
        (500, "github_unavailable"),
        (502, "github_unavailable"),
        (503, "github_unavailable"),
    ] {
        let stub = Stub::new(move |_, _| message(status, "No"));
        let repository = stub.repository().await;
        let error = repository.get_pull(1).await.unwrap_err();
        assert_eq!(error.code(), code, "{status}");
        assert_eq!(error.is_retryable(), status >= 500, "{status}");
        assert_eq!(error.retry_at(), None);
        // A read is repeated once, and only where GitHub failed.
        assert_eq!(stub.asked().len(), if status >= 500 { 2 } else { 1 });
    }
}

#[tokio::test]
async fn errors_say_what_github_says() {
    let stub = Stub::new(|asked, _| match asked.line.as_str() {
        "GET /repos/acme/widget/pulls/1" => told(
            422,
            &json!({"message": "Validation Failed", "errors": [
                {"resource": "PullRequest", "code": "custom", "message": "No commits between main and x"},
                "a plain sentence",
            ]}),
        ),
        "GET /repos/acme/widget/pulls/2" => message(403, "Resource not accessible by integration")
            .header("x-accepted-github-permissions", "pull_requests=read"),
        _ => told(502, &json!(null)).raw("<html>\n  <h1>Bad   gateway</h1></html>"),
    });
    let repository = stub.repository().await;
    let GithubError::Unprocessable {
        what,
        message,
        errors,
    } = repository.get_pull(1).await.unwrap_err()
    else {
        panic!("not unprocessable");
    };
    assert_eq!(what, "GET /repos/acme/widget/pulls/1");
    assert_eq!(message, "Validation Failed");
    let sentence = FieldError {
        resource: String::new(),
        field: String::new(),
        code: String::new(),
        message: String::from("a plain sentence"),
    };
    assert_eq!(errors[1], sentence);
    let text = |error: GithubError| error.to_string();
    let shown = text(repository.get_pull(1).await.unwrap_err());
    assert!(
        shown.contains("PullRequest custom No commits between main and x"),
        "{shown}"
    );
    let shown = text(repository.get_pull(2).await.unwrap_err());
    assert!(shown.contains("pull_requests=read"), "{shown}");
    let shown = text(repository.get_pull(3).await.unwrap_err());
    assert!(shown.contains("502: <html> <h1>Bad gateway"), "{shown}");
}

#[tokio::test]
async fn a_read_survives_one_failure() {
    let pull = pull();
    let stub = Stub::new(move |_, before| match before {
        0 => message(503, "try later"),
        _ => told(200, &pull),
    });
    assert_eq!(stub.repository().await.get_pull(7).await.unwrap().number, 7);
    let pull = self::pull();
    let stub = Stub::new(move |_, before| match before {
        0 => lost(),
        _ => told(200, &pull),
    });
    assert_eq!(stub.repository().await.get_pull(7).await.unwrap().number, 7);
}

#[tokio::test]
async fn a_write_is_not_repeated_blindly() {
    for answer in [|| message(500, "Server Error"), lost] {
        let stub = Stub::new(move |_, _| answer());
        let error = stub
            .repository()
            .await
            .create_comment(1, "hello")
            .await
            .unwrap_err();
        assert!(
            matches!(
                error,
                GithubError::Unavailable {
                    may_have_acted: true,
                    ..
                }
            ),
            "{error:?}"
        );
        assert_eq!(stub.asked().len(), 1);
    }
}

#[tokio::test]
async fn a_write_that_sets_a_value_is_repeated_once() {
    let stub = Stub::new(|_, _| message(502, "Server Error"));
    let repository = stub.repository().await;
    assert!(repository.update_comment(1, "hello").await.is_err());
    assert_eq!(stub.asked().len(), 2);
    let rejected = Stub::new(|_, _| message(422, "no"));
    assert!(
        rejected
            .repository()
            .await
            .update_comment(1, "x")
            .await
            .is_err()
    );
    assert_eq!(rejected.asked().len(), 1);
}

#[tokio::test]
async fn where_nobody_listens_a_write_has_not_acted() {
    let platform = loom_platform::native::NativePlatform::builder()
        .variable("github_url", "http://127.0.0.1:1")
        .variable("github_token", "fake")
        .build()
        .unwrap();
    let github = loom_github::GitHub::load(&platform).await.unwrap();
    let repository = github.repository("acme", "widget", None);
    let error = repository.create_comment(1, "x").await.unwrap_err();
    assert!(
        matches!(
            error,
            GithubError::Unavailable {
                may_have_acted: false,
                ..
            }
        ),
        "{error:?}"
    );
}

#[tokio::test]
async fn an_answer_that_is_too_large_or_no_json_is_an_error() {
    let stub = Stub::new(|asked, _| {
        if asked.line.ends_with("/pulls/1") {
            told(200, &json!(null)).raw(vec![b' '; 13 * 1024 * 1024])
        } else {
            told(200, &json!(null)).raw("<html>")
        }
    });
    let repository = stub.repository().await;
    assert_eq!(
        common::code(repository.get_pull(1).await),
        "github_too_large"
    );
    assert_eq!(
        common::code(repository.get_pull(2).await),
        "github_unreadable"
    );
}

#[tokio::test]
async fn a_renamed_repository_is_followed_on_the_same_host_only() {
    let pull = pull();
    let stub = Stub::new(move |asked, _| match asked.line.as_str() {
        "GET /repos/acme/widget/pulls/1" => message(301, "Moved Permanently")
            .header("location", "http://elsewhere.test/repositories/9/pulls/1"),
        "GET /repos/acme/widget/pulls/2" => {
            message(301, "Moved Permanently").header("location", "/repositories/9/pulls/1")
        }
        "GET /repos/acme/widget/pulls/3" => {
            message(301, "Moved Permanently").header("location", "/repos/acme/widget/pulls/3")
        }
        "PATCH /repos/acme/widget/issues/comments/4" => {
            message(307, "Temporary Redirect").header("location", "/repositories/9/comments/4")
        }
        "PATCH /repos/acme/widget/issues/comments/5" => {
            message(302, "Found").header("location", "/repositories/9/comments/5")
        }
        "PATCH /repositories/9/comments/4" => {
            told(200, &json!({"id": 4, "body": asked.body["body"]}))
        }
        "GET /repositories/9/pulls/1" => told(200, &pull),
        other => panic!("{other}"),
    });
    let repository = stub.repository().await;
    // Elsewhere, even to a host that exists: the token would go with it.
    assert_eq!(
        common::code(repository.get_pull(1).await),
        "github_unreadable"
    );
    assert_eq!(repository.get_pull(2).await.unwrap().number, 7);
    // In a circle.
    assert_eq!(
        common::code(repository.get_pull(3).await),
        "github_unreadable"
    );
    assert_eq!(stub.count("GET /repos/acme/widget/pulls/3"), 4);
    let comment = repository.update_comment(4, "text").await.unwrap();
    assert_eq!(comment.body, "text");
    assert_eq!(
        common::code(repository.update_comment(5, "text").await),
        "github_unreadable"
    );
}

#[tokio::test]
async fn names_with_dots_reach_nothing_else() {
    let stub = Stub::new(|_, _| panic!("nothing must be sent"));
    let repository = stub.repository().await;
    for name in ["../../../user", "heads/..", "."] {
        assert_eq!(
            common::code(repository.get_ref(name).await),
            "github_unprocessable"
        );
    }
    let outside = stub.github().await.repository("acme", "..", None);
    assert_eq!(common::code(outside.info().await), "github_unprocessable");
}

fn pull() -> serde_json::Value {
    json!({
        "number": 7, "state": "open", "title": "t", "body": null, "draft": false, "merged_at": null,
        "head": {"ref": "agent/x", "sha": "aa", "repo": {"full_name": "acme/widget"}},
        "base": {"ref": "main", "sha": "bb", "repo": null},
        "user": null, "html_url": "http://x/7",
    })
}
