//! Pull requests, reviews and issues as they are read and changed.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod common;

use common::{Stub, message, told};
use loom_github::{
    FileStatus, IssueChange, LineComment, NewReview, PullChange, ReviewEvent, ReviewState, Side,
    State, StateReason,
};
use serde_json::{Value, json};

fn pull() -> Value {
    json!({
        "number": 7, "state": "closed", "title": "t", "body": null, "draft": false,
        "merged_at": "2026-11-24T08:00:00Z", "merge_commit_sha": "mm", "mergeable": null, "mergeable_state": "unknown",
        "head": {"ref": "agent/x", "sha": "aa", "repo": null},
        "base": {"ref": "main", "sha": "bb", "repo": {"full_name": "acme/widget", "unknown": {}}},
        "user": null, "requested_reviewers": [{"login": "ann", "type": "User"}],
        "labels": [{"name": "bug", "color": "f00"}], "html_url": "http://x/7", "updated_at": "2026-11-24T09:00:00+01:00",
    })
}

fn issue() -> Value {
    json!({
        "id": 1, "number": 3, "title": "t", "body": null, "state": "closed", "state_reason": "some_new_reason",
        "labels": [{"name": "P1"}], "user": {"login": "dependabot[bot]", "type": "Bot"}, "assignees": null,
        "html_url": "http://x/3",
    })
}

#[tokio::test]
async fn pull_requests_are_read_and_changed() {
    let stub = Stub::new(|asked, _| match asked.line.as_str() {
        "GET /repos/acme/widget/pulls/7" => told(200, &pull()),
        "PATCH /repos/acme/widget/pulls/7" => {
            assert_eq!(asked.body, json!({"body": "new", "state": "closed"}));
            told(200, &pull())
        }
        "GET /repos/acme/widget/pulls/7/files?per_page=100" => told(
            200,
            &json!([{"filename": "a.rs", "status": "modified", "sha": "f", "additions": 3, "deletions": 1}]),
        ),
        "POST /repos/acme/widget/pulls/7/requested_reviewers" => {
            assert_eq!(
                asked.body,
                json!({"reviewers": ["ann"], "team_reviewers": []})
            );
            told(201, &pull())
        }
        "GET /repos/acme/widget/pulls/7/comments?per_page=100" => told(
            200,
            &json!([{"id": 5, "path": "a.rs", "line": null, "body": "why?", "user": {"login": "ann", "type": "User"},
                "pull_request_review_id": 4, "in_reply_to_id": 3}]),
        ),
        other => panic!("{other}"),
    });
    let repository = stub.repository().await;
    let pull = repository.get_pull(7).await.unwrap();
    assert!(pull.is_merged() && pull.state == State::Closed);
    assert_eq!(pull.author.login, "ghost");
    assert_eq!(pull.body, "");
    assert_eq!(
        (pull.head.repository(), pull.base.repository()),
        (None, Some("acme/widget"))
    );
    assert_eq!(
        (
            pull.labels[0].as_str(),
            pull.requested_reviewers[0].login.as_str()
        ),
        ("bug", "ann")
    );
    assert_eq!(
        pull.updated_at.unwrap().to_rfc3339(),
        "2026-11-24T08:00:00.000Z"
    );
    let change = PullChange {
        body: Some("new"),
        state: Some(State::Closed),
        ..PullChange::default()
    };
    repository.update_pull(7, &change).await.unwrap();
    let files = repository.list_pull_files(7).await.unwrap();
    assert_eq!(
        (files.items[0].status, files.items[0].patch.as_deref()),
        (FileStatus::Modified, None)
    );
    repository
        .request_reviewers(7, &["ann"], &[])
        .await
        .unwrap();
    let comment = repository
        .list_review_comments(7)
        .await
        .unwrap()
        .items
        .remove(0);
    assert_eq!(
        (comment.line, comment.review_id, comment.in_reply_to),
        (None, Some(4), Some(3))
    );
}

#[tokio::test]
async fn reviews_carry_their_lines_and_their_mark() {
    let stub = Stub::new(|asked, _| {
        if asked.is("GET") {
            return told(
                200,
                &json!([{"id": 1, "state": "CHANGES_REQUESTED", "body": null, "user": {"login": "ann", "type": "User"},
                    "commit_id": "aa", "submitted_at": "2026-11-24T08:00:00Z", "html_url": "u"}]),
            );
        }
        assert_eq!(
            asked.body,
            json!({
                "commit_id": "aa", "event": "REQUEST_CHANGES",
                "body": "Please look again.\n\n<!-- loom:run/r-1 -->",
                "comments": [
                    {"path": "a.rs", "line": 7, "side": "RIGHT", "body": "off by one"},
                    {"path": "b.rs", "line": 9, "side": "LEFT", "start_line": 8, "body": "why gone?"},
                ],
            })
        );
        told(
            200,
            &json!({"id": 2, "state": "CHANGES_REQUESTED", "body": "x"}),
        )
    });
    let repository = stub.repository().await;
    let line = |path: &str, line, side, start_line, body: &str| LineComment {
        path: path.to_owned(),
        line,
        side,
        start_line,
        body: body.to_owned(),
    };
    let review = NewReview {
        commit_id: "aa",
        event: ReviewEvent::RequestChanges,
        body: "Please look again.",
        marker: "run/r-1",
        comments: &[
            line("a.rs", 7, Side::Right, None, "off by one"),
            line("b.rs", 9, Side::Left, Some(8), "why gone?"),
        ],
    };
    let given = repository.create_review(7, &review).await.unwrap();
    assert_eq!(given.id, 2);
    let listed = repository.list_reviews(7).await.unwrap();
    assert_eq!(listed.items[0].state, ReviewState::ChangesRequested);
}

#[tokio::test]
async fn issues_are_read_and_changed() {
    let stub = Stub::new(|asked, _| match asked.line.as_str() {
        "GET /repos/acme/widget/issues/3" => told(200, &issue()),
        "GET /repos/acme/widget/issues/7" => {
            let mut pull = issue();
            pull["pull_request"] = json!({"url": "x"});
            told(200, &pull)
        }
        "GET /repos/acme/widget/issues/4" => message(410, "This issue was deleted"),
        "PATCH /repos/acme/widget/issues/3" => {
            assert_eq!(
                asked.body,
                json!({"state": "closed", "state_reason": "not_planned"})
            );
            told(200, &issue())
        }
        other => panic!("{other}"),
    });
    let repository = stub.repository().await;
    let issue = repository.get_issue(3).await.unwrap().unwrap();
    assert_eq!(issue.state_reason, Some(StateReason::Other));
    assert!(issue.author.is_bot() && !issue.is_pull_request());
    assert_eq!(issue.labels, ["P1"]);
    assert!(
        repository
            .get_issue(7)
            .await
            .unwrap()
            .unwrap()
            .is_pull_request()
    );
    assert_eq!(repository.get_issue(4).await.unwrap(), None);
    let change = IssueChange {
        state: Some(State::Closed),
        state_reason: Some(StateReason::NotPlanned),
        ..IssueChange::default()
    };
    repository.update_issue(3, &change).await.unwrap();
}
