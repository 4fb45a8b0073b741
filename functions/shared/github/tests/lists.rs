//! Pages and conditional requests.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod common;

use common::{Stub, message, told};
use serde_json::{Value, json};

fn comment(id: usize) -> Value {
    json!({"id": id, "body": format!("comment {id}"), "user": {"login": "ann", "type": "User"}})
}

#[tokio::test]
async fn pages_are_followed_to_the_end() {
    let stub = Stub::new(|asked, _| {
        match asked.line.as_str() {
        "GET /repos/acme/widget/issues/3/comments?per_page=100" => told(200, &json!([comment(1), comment(2)]))
            // The host of the link means nothing: behind a proxy it may be another.
            .header(
                "link",
                "<https://elsewhere.test/repositories/9/issues/3/comments?per_page=100&page=2>; rel=\"next\", \
                 <https://elsewhere.test/repositories/9/issues/3/comments?per_page=100&page=2>; rel=\"last\"",
            ),
        "GET /repositories/9/issues/3/comments?per_page=100&page=2" => told(200, &json!([comment(3)]))
            .header("link", "<https://elsewhere.test/x?page=1>; rel=\"prev\""),
        other => panic!("{other}"),
    }
    });
    let listed = stub.repository().await.list_comments(3).await.unwrap();
    assert!(listed.complete);
    let ids: Vec<i64> = listed.items.iter().map(|comment| comment.id).collect();
    assert_eq!(ids, [1, 2, 3]);
    assert_eq!(listed.items[0].author.login, "ann");
}

#[tokio::test]
async fn an_endless_list_ends() {
    let stub = Stub::new(|asked, _| {
        told(200, &json!([comment(1)])).header(
            "link",
            format!("<{}>; rel=\"next\"", asked.line.replace("GET ", "")),
        )
    });
    let repository = stub.repository().await;
    let listed = repository.list_comments(3).await.unwrap();
    assert!(!listed.complete);
    assert_eq!(stub.asked().len(), 20);
    // Rather no comment than a second one.
    let refused = repository
        .upsert_marked_comment(3, "bead/b-1", "text")
        .await;
    assert_eq!(common::code(refused), "github_too_large");
    assert_eq!(stub.count("POST"), 0);
}

#[tokio::test]
async fn lists_inside_objects_have_pages_too() {
    let run = json!({"id": 1, "name": "test", "status": "completed", "conclusion": "failure", "head_sha": "aa",
        "app": {"slug": "github-actions"}, "output": {"title": null, "summary": null, "text": null}});
    let stub = Stub::new(move |asked, _| {
        let page = told(200, &json!({"total_count": 2, "check_runs": [run]}));
        if asked.line.ends_with("page=2") {
            page
        } else {
            page.header(
                "link",
                "</repos/acme/widget/commits/aa/check-runs?page=2>; rel=next",
            )
        }
    });
    let listed = stub.repository().await.check_runs("aa").await.unwrap();
    assert_eq!((listed.items.len(), listed.complete), (2, true));
    assert_eq!(listed.items[0].app(), Some("github-actions"));
    assert!(!listed.items[0].conclusion.unwrap().is_passing());
}

#[tokio::test]
async fn commits_are_cut_at_the_limit() {
    let stub = Stub::new(|asked, _| {
        assert!(asked.is("GET /repos/acme/widget/commits?sha=main&path=src%2Fa.rs&per_page=100"));
        let commit = json!({"sha": "c", "html_url": "u", "parents": [{"sha": "p"}], "commit": {
            "message": "m", "tree": {"sha": "t"},
            "author": {"name": "Ann", "email": "ann@example.test", "date": "2026-11-24T08:00:00Z"},
            "committer": null, "verification": {"verified": true}}});
        told(200, &json!([commit, commit, commit]))
    });
    let repository = stub.repository().await;
    let listed = repository
        .list_commits("main", Some("src/a.rs"), 2)
        .await
        .unwrap();
    assert_eq!((listed.items.len(), listed.complete), (2, false));
    let commit = &listed.items[0];
    assert_eq!(
        (commit.tree.as_str(), commit.parents.as_slice()),
        ("t", &[String::from("p")][..])
    );
    assert_eq!(commit.author.date.to_rfc3339(), "2026-11-24T08:00:00.000Z");
    assert!(commit.verified);
}

#[tokio::test]
async fn what_has_not_changed_is_not_sent_again() {
    let stub = Stub::new(|asked, before| {
        let state =
            |sha: &str| json!({"ref": "refs/heads/main", "object": {"sha": sha, "type": "commit"}});
        match (before, asked.header("if-none-match")) {
            (0, "") => told(200, &state("aa")).header("etag", "W/\"one\""),
            (1, "W/\"one\"") => told(304, &Value::Null).raw(""),
            (2, "W/\"one\"") => told(200, &state("bb")).header("etag", "W/\"two\""),
            (3, "W/\"two\"") => told(304, &Value::Null).raw(""),
            (4, "W/\"two\"") => message(404, "Not Found"),
            other => panic!("{other:?}"),
        }
    });
    let repository = stub.repository().await;
    for sha in ["aa", "aa", "bb", "bb"] {
        let found = repository.get_ref("heads/main").await.unwrap().unwrap();
        assert_eq!(
            (found.name.as_str(), found.sha.as_str()),
            ("heads/main", sha)
        );
    }
    assert_eq!(repository.get_ref("heads/main").await.unwrap(), None);
}

#[tokio::test]
async fn pages_that_have_not_changed_still_lead_on() {
    let stub = Stub::new(|asked, _| {
        let is_second = asked.line.contains("page=2");
        let etag = if is_second { "\"b\"" } else { "\"a\"" };
        let answer = if asked.header("if-none-match") == etag {
            told(304, &Value::Null).raw("")
        } else {
            told(200, &json!([comment(usize::from(is_second) + 1)]))
        };
        let answer = answer.header("etag", etag);
        // GitHub gives no links with a 304.
        if is_second || asked.header("if-none-match") == etag {
            answer
        } else {
            answer.header(
                "link",
                "</repos/acme/widget/issues/3/comments?page=2>; rel=\"next\"",
            )
        }
    });
    let repository = stub.repository().await;
    let first = repository.list_comments(3).await.unwrap();
    let second = repository.list_comments(3).await.unwrap();
    assert_eq!(first, second);
    assert_eq!(first.items.len(), 2);
    assert_eq!(stub.asked().len(), 4);
    assert!(
        stub.asked()
            .iter()
            .skip(2)
            .all(|asked| !asked.header("if-none-match").is_empty())
    );
}

#[tokio::test]
async fn two_repositories_do_not_share_answers() {
    let stub = Stub::new(|asked, _| {
        assert_eq!(asked.header("if-none-match"), "", "{}", asked.line);
        let sha = if asked.line.contains("other") {
            "bb"
        } else {
            "aa"
        };
        told(
            200,
            &json!({"ref": "refs/heads/main", "object": {"sha": sha}}),
        )
        .header("etag", "\"same\"")
    });
    let github = stub.github().await;
    for (name, sha) in [("widget", "aa"), ("other", "bb")] {
        let repository = github.repository("acme", name, None);
        assert_eq!(
            repository.get_ref("heads/main").await.unwrap().unwrap().sha,
            sha
        );
    }
}
