//! What happens when the answer to a write is lost, or a write is made twice: the client looks.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod common;

use std::collections::BTreeMap;

use common::{Asked, Stub, Told, code, lost, message, told};
use loom_github::{
    Dispatch, Dispatched, GithubError, Merge, MergeMethod, NewIssue, NewPull, NewReview,
    ReviewEvent, Upsert, marker,
};
use serde_json::{Value, json};

fn reference(sha: &str) -> Told {
    told(
        200,
        &json!({"ref": "refs/heads/agent/x", "object": {"sha": sha, "type": "commit"}}),
    )
}

fn pull(sha: &str, merged: bool) -> Value {
    json!({
        "number": 7, "state": if merged { "closed" } else { "open" }, "title": "t", "body": "b",
        "merged_at": merged.then_some("2026-11-24T08:00:00Z"), "merge_commit_sha": "mm",
        "head": {"ref": "agent/x", "sha": sha, "repo": {"full_name": "acme/widget"}},
        "base": {"ref": "main", "sha": "bb", "repo": {"full_name": "acme/widget"}},
        "user": {"login": "loom-bot", "type": "Bot"}, "html_url": "http://x/7",
    })
}

/// An answer after which the write may or may not have happened.
const UNKNOWN: [fn() -> Told; 2] = [lost, || message(502, "Server Error")];

#[tokio::test]
async fn create_ref() {
    const CREATE: &str = "POST /repos/acme/widget/git/refs";
    let there = || message(422, "Reference already exists");
    for (created, then, expected) in [
        (there as fn() -> Told, Some("aa"), Ok("aa")),
        (there, Some("zz"), Err("github_conflict")),
        (UNKNOWN[0], Some("aa"), Ok("aa")),
        (UNKNOWN[1], Some("aa"), Ok("aa")),
        (UNKNOWN[0], Some("zz"), Err("github_conflict")),
        (UNKNOWN[0], None, Err("github_unavailable")),
        (
            || message(422, "Object does not exist"),
            Some("aa"),
            Err("github_unprocessable"),
        ),
    ] {
        let stub = Stub::new(move |asked, _| {
            if asked.is(CREATE) {
                assert_eq!(
                    asked.body,
                    json!({"ref": "refs/heads/agent/x", "sha": "aa"})
                );
                return created();
            }
            assert_eq!(asked.line, "GET /repos/acme/widget/git/ref/heads/agent/x");
            then.map_or_else(|| message(404, "Not Found"), reference)
        });
        let outcome = stub
            .repository()
            .await
            .create_ref("heads/agent/x", "aa")
            .await;
        let outcome = outcome.map(|made| made.sha).map_err(|error| error.code());
        assert_eq!(outcome, expected.map(String::from), "{then:?}");
        assert_eq!(stub.count(CREATE), 1);
    }
}

#[tokio::test]
async fn update_ref() {
    let refused = || message(422, "Update is not a fast forward");
    for (updated, now, status, expected) in [
        (
            (|| reference("bb")) as fn() -> Told,
            "bb",
            "identical",
            Ok("bb"),
        ),
        (refused, "zz", "diverged", Err("github_conflict")),
        // Done before, and somebody went on.
        (refused, "zz", "ahead", Ok("zz")),
        (UNKNOWN[0], "bb", "identical", Ok("bb")),
        (UNKNOWN[1], "zz", "ahead", Ok("zz")),
        // Not done.
        (UNKNOWN[0], "aa", "behind", Err("github_unavailable")),
        (
            || message(422, "Reference does not exist"),
            "aa",
            "behind",
            Err("github_not_found"),
        ),
        (
            || message(403, "Protected branch"),
            "aa",
            "behind",
            Err("github_forbidden"),
        ),
    ] {
        let stub = Stub::new(move |asked, _| match asked.line.as_str() {
            "PATCH /repos/acme/widget/git/refs/heads/agent/x" => {
                assert_eq!(asked.body, json!({"sha": "bb", "force": false}));
                updated()
            }
            "GET /repos/acme/widget/git/ref/heads/agent/x" => reference(now),
            line if line.starts_with("GET /repos/acme/widget/compare/bb...") => {
                told(200, &json!({"status": status}))
            }
            other => panic!("{other}"),
        });
        let outcome = stub
            .repository()
            .await
            .update_ref("heads/agent/x", "bb")
            .await;
        let outcome = outcome.map(|made| made.sha).map_err(|error| error.code());
        assert_eq!(outcome, expected.map(String::from), "{now} {status}");
        assert_eq!(stub.count("PATCH"), 1);
    }
}

#[tokio::test]
async fn delete_ref() {
    let gone = |status, text: &'static str| {
        Stub::new(move |_, before| match before {
            0 => lost(),
            _ => message(status, text),
        })
    };
    for stub in [
        gone(422, "Reference does not exist"),
        gone(404, "Not Found"),
    ] {
        assert!(
            !stub
                .repository()
                .await
                .delete_ref("heads/agent/x")
                .await
                .unwrap()
        );
    }
    let stub = Stub::new(|_, _| told(204, &Value::Null).raw(""));
    assert!(
        stub.repository()
            .await
            .delete_ref("heads/agent/x")
            .await
            .unwrap()
    );
}

#[tokio::test]
async fn create_pull() {
    const NEW: NewPull<'_> = NewPull {
        title: "t",
        body: "b",
        head: "agent/x",
        base: "main",
        draft: false,
    };
    let there = || {
        told(
            422,
            &json!({"message": "Validation Failed", "errors": [
        {"resource": "PullRequest", "code": "custom", "message": "A pull request already exists for acme:agent/x."}]}),
        )
    };
    let created = || told(201, &pull("aa", false));
    // Open before it is asked for; what the creation says; open afterwards.
    for (before, creation, after, expected, sent) in [
        (true, created as fn() -> Told, true, Ok(7), 0),
        (false, created, true, Ok(7), 1),
        (false, there, true, Ok(7), 1),
        (false, there, false, Err("github_unprocessable"), 1),
        (false, UNKNOWN[0], true, Ok(7), 1),
        (false, UNKNOWN[1], true, Ok(7), 1),
        (false, UNKNOWN[0], false, Err("github_unavailable"), 1),
        (
            false,
            || message(422, "No commits between main and agent/x"),
            true,
            Err("github_unprocessable"),
            1,
        ),
    ] {
        let stub = Stub::new(move |asked, nth| {
            if asked.is("POST /repos/acme/widget/pulls") {
                assert_eq!(asked.body["head"], "agent/x");
                return creation();
            }
            assert!(
                asked.is("GET /repos/acme/widget/pulls?state=open&head=acme%3Aagent%2Fx&base=main")
            );
            let open = if nth == 0 { before } else { after };
            told(
                200,
                &if open {
                    json!([pull("aa", false)])
                } else {
                    json!([])
                },
            )
        });
        let outcome = stub.repository().await.create_pull(&NEW).await;
        let outcome = outcome
            .map(|pull| pull.number)
            .map_err(|error| error.code());
        assert_eq!(outcome, expected);
        assert_eq!(stub.count("POST"), sent);
    }
}

#[tokio::test]
async fn merge() {
    const MERGE: Merge<'_> = Merge {
        sha: "aa",
        method: MergeMethod::Squash,
        title: "t",
        message: "m",
    };
    let merged = || told(200, &json!({"sha": "mm", "merged": true}));
    for (answer, head, is_merged, expected) in [
        (merged as fn() -> Told, "aa", true, Ok(false)),
        (UNKNOWN[0], "aa", true, Ok(true)),
        (UNKNOWN[1], "aa", false, Err("github_unavailable")),
        // GitHub says the same to "merged already" and to "checks are missing".
        (
            || message(405, "Pull Request is not mergeable"),
            "aa",
            true,
            Ok(true),
        ),
        (
            || message(405, "Pull Request is not mergeable"),
            "aa",
            false,
            Err("github_conflict"),
        ),
        // Merged, but not what was asked for.
        (
            || message(405, "Pull Request is not mergeable"),
            "zz",
            true,
            Err("github_conflict"),
        ),
        (
            || message(409, "Head branch was modified"),
            "zz",
            false,
            Err("github_conflict"),
        ),
    ] {
        let stub = Stub::new(move |asked, _| {
            if asked.is("PUT /repos/acme/widget/pulls/7/merge") {
                assert_eq!(
                    asked.body,
                    json!({
                    "sha": "aa", "merge_method": "squash", "commit_title": "t", "commit_message": "m"})
                );
                return answer();
            }
            told(200, &pull(head, is_merged))
        });
        let outcome = stub.repository().await.merge_pull(7, &MERGE).await;
        if let Ok(merged) = &outcome {
            assert_eq!(merged.sha, "mm");
        }
        let outcome = outcome
            .map(|merged| merged.before)
            .map_err(|error| error.code());
        assert_eq!(outcome, expected);
        assert_eq!(stub.count("PUT"), 1);
    }
}

/// A list of what bears a mark, by others and by Loom's own account.
fn marked(asked: &Asked, own: bool) -> Value {
    let mark = marker::hidden("bead/b-1");
    let entry = |id: i64, login: &str| {
        json!({"id": id, "number": id, "title": "t", "body": format!("old\n\n{mark}"), "state":
            if asked.line.contains("reviews") { "APPROVED" } else { "open" },
            "html_url": "u", "user": {"login": login, "type": "User"}})
    };
    let mut entries = vec![entry(1, "mallory")];
    if own {
        entries.push(entry(2, "Loom-Bot"));
    }
    Value::Array(entries)
}

/// GitHub with a list that has the own entry from the start, only after the creation, or never.
fn world(list: &'static str, creation: fn() -> Told, at_first: bool, later: bool) -> Stub {
    Stub::new(move |asked, nth| {
        if asked.is("POST") {
            return creation();
        }
        if asked.is("GET /user") {
            return told(200, &json!({"login": "loom-bot", "type": "User"}));
        }
        assert!(asked.is(list), "{}", asked.line);
        told(200, &marked(asked, if nth == 0 { at_first } else { later }))
    })
}

#[tokio::test]
async fn marked_comment() {
    let list = "GET /repos/acme/widget/issues/3/comments?per_page=100";
    let made = || told(201, &json!({"id": 5, "body": "x"}));
    for (creation, at_first, later, expected, sent) in [
        (
            made as fn() -> Told,
            false,
            false,
            Ok((5, Upsert::Created)),
            1,
        ),
        (UNKNOWN[0], false, true, Ok((2, Upsert::Created)), 1),
        (UNKNOWN[1], false, true, Ok((2, Upsert::Created)), 1),
        (UNKNOWN[0], false, false, Err("github_unavailable"), 1),
        (made, true, true, Ok((2, Upsert::Unchanged)), 0),
    ] {
        let stub = world(list, creation, at_first, later);
        let repository = stub.repository().await;
        let outcome = repository.upsert_marked_comment(3, "bead/b-1", "old").await;
        let outcome = outcome
            .map(|(comment, did)| (comment.id, did))
            .map_err(|error| error.code());
        assert_eq!(outcome, expected);
        assert_eq!(stub.count("POST"), sent);
    }
}

#[tokio::test]
async fn a_marked_comment_is_edited_and_its_mark_stays() {
    let stub = Stub::new(|asked, _| {
        if asked.is("PATCH /repos/acme/widget/issues/comments/2") {
            return told(200, &json!({"id": 2, "body": asked.body["body"]}));
        }
        if asked.is("GET /user") {
            return told(200, &json!({"login": "loom-bot", "type": "User"}));
        }
        told(200, &marked(asked, true))
    });
    let repository = stub.repository().await;
    let (comment, did) = repository
        .upsert_marked_comment(3, "bead/b-1", "new")
        .await
        .unwrap();
    assert_eq!((comment.id, did), (2, Upsert::Updated));
    assert_eq!(comment.body, "new\n\n<!-- loom:bead/b-1 -->");
    assert!(marker::has_any(&comment.body));
}

#[tokio::test]
async fn review() {
    let list = "GET /repos/acme/widget/pulls/7/reviews?per_page=100";
    let new = NewReview {
        commit_id: "aa",
        event: ReviewEvent::Approve,
        body: "fine",
        marker: "bead/b-1",
        comments: &[],
    };
    let made = || told(200, &json!({"id": 5, "state": "APPROVED", "body": "x"}));
    for (creation, at_first, later, expected, sent) in [
        (made as fn() -> Told, false, false, Ok(5), 1),
        (UNKNOWN[0], false, true, Ok(2), 1),
        (UNKNOWN[0], false, false, Err("github_unavailable"), 1),
        (made, true, true, Ok(2), 0),
        (
            || message(422, "Can not approve your own pull request"),
            false,
            false,
            Err("github_unprocessable"),
            1,
        ),
    ] {
        let stub = world(list, creation, at_first, later);
        let outcome = stub.repository().await.create_review(7, &new).await;
        assert_eq!(
            outcome
                .map(|review| review.id)
                .map_err(|error| error.code()),
            expected
        );
        assert_eq!(stub.count("POST"), sent);
    }
}

#[tokio::test]
async fn issue() {
    let list = "GET /repos/acme/widget/issues?state=all&creator=loom-bot&sort=created&direction=desc&per_page=100";
    let new = NewIssue {
        title: "t",
        body: "b",
        labels: &["bug"],
        marker: "bead/b-1",
    };
    let made = || {
        told(
            201,
            &json!({"id": 5, "number": 5, "title": "t", "state": "open", "html_url": "u",
        "labels": [{"name": "bug"}, "old"]}),
        )
    };
    for (creation, at_first, later, expected, sent) in [
        (made as fn() -> Told, false, false, Ok(5), 1),
        (UNKNOWN[0], false, true, Ok(2), 1),
        (UNKNOWN[0], false, false, Err("github_unavailable"), 1),
        (made, true, true, Ok(2), 0),
    ] {
        let stub = world(list, creation, at_first, later);
        let outcome = stub.repository().await.create_issue(&new).await;
        assert_eq!(
            outcome
                .map(|issue| issue.number)
                .map_err(|error| error.code()),
            expected
        );
        assert_eq!(stub.count("POST"), sent);
    }
}

#[tokio::test]
async fn dispatch() {
    let inputs = BTreeMap::from([(String::from("level"), String::from("full"))]);
    let dispatch = Dispatch {
        workflow: "ci.yml",
        branch: "agent/x",
        head_sha: "aa",
        inputs: &inputs,
    };
    let run = |path: &str, event: &str| {
        json!({"id": 4, "name": "CI", "path": path, "head_sha": "aa", "event": event, "status": "queued",
            "conclusion": null, "html_url": "u"})
    };
    let asked_for = || told(204, &Value::Null).raw("");
    // Runs of another file or another event do not count.
    let others = json!([
        run(".github/workflows/ci.yml", "push"),
        run(".github/workflows/x.yml", "workflow_dispatch")
    ]);
    let own = json!([run(".github/workflows/ci.yml@main", "workflow_dispatch")]);
    for (creation, at_first, later, expected, sent) in [
        (asked_for as fn() -> Told, &others, &others, Ok(None), 1),
        (asked_for, &own, &own, Ok(Some(4)), 0),
        (UNKNOWN[0], &others, &own, Ok(Some(4)), 1),
        (UNKNOWN[1], &others, &others, Err("github_unavailable"), 1),
    ] {
        let (at_first, later) = (at_first.clone(), later.clone());
        let stub = Stub::new(move |asked, nth| {
            if asked.is("POST /repos/acme/widget/actions/workflows/ci.yml/dispatches") {
                assert_eq!(
                    asked.body,
                    json!({"ref": "agent/x", "inputs": {"level": "full"}})
                );
                return creation();
            }
            assert_eq!(
                asked.line,
                "GET /repos/acme/widget/actions/runs?head_sha=aa&per_page=100"
            );
            told(
                200,
                &json!({"workflow_runs": if nth == 0 { &at_first } else { &later }}),
            )
        });
        let outcome = stub.repository().await.dispatch_workflow(&dispatch).await;
        let outcome = outcome
            .map(|dispatched| match dispatched {
                Dispatched::Requested => None,
                Dispatched::Before(run) => Some(run.id),
            })
            .map_err(|error| error.code());
        assert_eq!(outcome, expected);
        assert_eq!(stub.count("POST"), sent);
    }
}

#[tokio::test]
async fn labels() {
    let stub = Stub::new(|asked, before| match (asked.line.as_str(), before) {
        (_, 0) => message(502, "Server Error"),
        ("POST /repos/acme/widget/issues/3/labels", _) => {
            told(200, &json!([{"name": "a b"}, {"name": "c"}]))
        }
        ("DELETE /repos/acme/widget/issues/3/labels/a%20b", _) => {
            message(404, "Label does not exist")
        }
        other => panic!("{other:?}"),
    });
    let repository = stub.repository().await;
    assert_eq!(
        repository.add_labels(3, &["c"]).await.unwrap(),
        ["a b", "c"]
    );
    assert!(!repository.remove_label(3, "a b").await.unwrap());
}

#[tokio::test]
async fn the_error_of_a_lost_write_says_so() {
    let stub = Stub::new(|asked, _| {
        if asked.is("GET") {
            told(200, &json!([]))
        } else {
            lost()
        }
    });
    let repository = stub.repository().await;
    let new = NewPull {
        title: "t",
        body: "b",
        head: "x",
        base: "main",
        draft: false,
    };
    let error: GithubError = repository.create_pull(&new).await.unwrap_err();
    assert!(error.may_have_acted() && error.is_retryable());
    // The look that fails is the error that counts: nothing is known.
    let blind = Stub::new(|asked, nth| match (asked.is("GET"), nth) {
        (true, 0) => told(200, &json!([])),
        (true, _) => message(403, "You have exceeded a secondary rate limit"),
        (false, _) => lost(),
    });
    assert_eq!(
        code(blind.repository().await.create_pull(&new).await),
        "github_rate_limited"
    );
}
