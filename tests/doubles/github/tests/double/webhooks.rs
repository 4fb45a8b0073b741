//! Webhooks that really arrive.

use loom_github_double::{FileSpec, NewRepository};
use loom_test_support::sign_webhook;
use serde_json::json;

use crate::PATIENCE;
use crate::api::{commit, shop, shop_of};
use crate::pulls::pull;
use crate::receiver::Receiver;

#[test]
fn an_event_is_signed_and_complete() {
    let (github, _api) = shop();
    let receiver = Receiver::start(&[]);
    github.set_webhook(&receiver.url(), "made up");
    github.open_issue("acme/shop", "bob", "It breaks", "Often.", &[]);
    assert!(github.settle(PATIENCE));
    let events = receiver.events();
    let [event] = events.as_slice() else {
        panic!("{} events", events.len())
    };
    assert_eq!(
        event.header("x-hub-signature-256"),
        sign_webhook("made up", &event.body)
    );
    assert!(event.header("user-agent").starts_with("GitHub-Hookshot/"));
    assert_eq!(event.header("content-type"), "application/json");
    assert_eq!(event.header("x-github-delivery").len(), 36);
    assert!(!event.header("x-github-hook-id").is_empty());
    let payload = event.json();
    assert_eq!(
        (&payload["action"], &payload["issue"]["number"]),
        (&json!("opened"), &json!(1))
    );
    assert_eq!(payload["repository"]["full_name"], "acme/shop");
    assert_eq!(payload["sender"]["login"], "bob");
    assert_eq!(
        payload["installation"]["id"],
        json!(github.installation("acme"))
    );
}

#[test]
fn each_deed_has_its_events() {
    let (github, api) = shop();
    let receiver = Receiver::start(&[]);
    github.set_webhook(&receiver.url(), "made up");
    let mut seen = 0;
    let mut told = || {
        assert!(github.settle(PATIENCE));
        let names = receiver.names();
        let new = names[seen..].to_vec();
        seen = names.len();
        new
    };
    let issue = github.open_issue("acme/shop", "bob", "It breaks", "", &["bug"]);
    assert_eq!(told(), ["issues.opened", "issues.labeled"]);
    let comment = github.comment("acme/shop", "ada", issue, "/loom work");
    github.edit_comment("acme/shop", "ada", comment, "/loom stop");
    assert_eq!(told(), ["issue_comment.created", "issue_comment.edited"]);
    github.edit_issue(
        "acme/shop",
        "bob",
        issue,
        &json!({"title": "Other", "state": "closed"}),
    );
    github.edit_issue(
        "acme/shop",
        "bob",
        issue,
        &json!({"state": "open", "labels": []}),
    );
    assert_eq!(
        told(),
        [
            "issues.edited",
            "issues.closed",
            "issues.unlabeled",
            "issues.reopened"
        ]
    );
    let number = pull(&github, &api, "one");
    assert_eq!(told(), ["create", "push", "push", "pull_request.opened"]);
    commit(&api, "one", "More", &[("more", "100644", b"more\n")]);
    assert_eq!(told(), ["push", "pull_request.synchronize"]);
    github.request_review("acme/shop", "bob", number, "ada");
    let line = json!([{"path": "one", "line": 1, "body": "Why?"}]);
    github.review("acme/shop", "ada", number, "REQUEST_CHANGES", "No", &line);
    assert_eq!(
        told(),
        [
            "pull_request.review_requested",
            "pull_request_review.submitted",
            "pull_request_review_comment.created"
        ]
    );
    github.set_draft("acme/shop", "ada", number, true);
    github.set_draft("acme/shop", "ada", number, false);
    assert_eq!(
        told(),
        [
            "pull_request.converted_to_draft",
            "pull_request.ready_for_review"
        ]
    );
    let head = github.branch("acme/shop", "one").unwrap();
    github.status("acme/shop", "ada", &head, "lint", "success");
    assert_eq!(told(), ["status"]);
    github.merge("acme/shop", "ada", number, "squash");
    github.delete_branch("acme/shop", "ada", "one");
    assert_eq!(told(), ["pull_request.closed", "push", "push", "delete"]);
    github.create_repository(&NewRepository::new("acme", "other"));
    github.transfer_issue("acme/shop", "ada", issue, "acme/other");
    github.delete_issue("acme/other", "ada", 1);
    github.send_event(
        "acme/shop",
        "ada",
        "release",
        Some("published"),
        json!({"release": {"id": 1}, "made_up": true}),
    );
    assert_eq!(
        told(),
        [
            "issues.transferred",
            "issues.opened",
            "issues.deleted",
            "release.published"
        ]
    );
    let pushed = receiver
        .events()
        .into_iter()
        .find(|event| event.name() == "push")
        .unwrap();
    assert_eq!(pushed.json()["ref"], "refs/heads/one");
    assert_eq!(pushed.json()["created"], true);
}

#[test]
fn a_run_of_actions_is_told() {
    let repository = NewRepository::new("acme", "shop")
        .file("a", "a")
        .tested_by(&["false"]);
    let (github, _api) = shop_of(&repository);
    let receiver = Receiver::start(&[]);
    github.set_webhook(&receiver.url(), "made up");
    github.commit(
        "acme/shop",
        "agent/one",
        "ada",
        "One",
        &[FileSpec::text("b", "b")],
    );
    assert!(github.settle(PATIENCE));
    assert_eq!(
        receiver.names(),
        [
            "create",
            "push",
            "workflow_run.requested",
            "check_run.created",
            "workflow_run.in_progress",
            "check_run.completed",
            "check_suite.completed",
            "workflow_run.completed"
        ]
    );
    let last = receiver.events().pop().unwrap().json();
    assert_eq!(last["workflow_run"]["conclusion"], "failure");
    assert_eq!(last["workflow_run"]["head_branch"], "agent/one");
}
