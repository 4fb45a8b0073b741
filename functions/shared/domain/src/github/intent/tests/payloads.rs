//! Payloads that are not as expected.

use proptest::prelude::*;

use super::*;
use crate::github::TABLE;

#[test]
fn what_cannot_be_read_is_ignored_by_the_name_of_its_field() {
    for (event, payload, field) in [
        (
            "issues",
            issue("opened", json!({"issue": {"number": "7"}})),
            "issue.number",
        ),
        (
            "issues",
            issue("opened", json!({"issue": null})),
            "issue.number",
        ),
        (
            "issues",
            issue("opened", json!({"issue": {"updated_at": "soon"}})),
            "issue.updated_at",
        ),
        (
            "issue_comment",
            comment("x", json!({"comment": {"id": null}})),
            "comment.id",
        ),
        (
            "pull_request",
            pull_request("opened", json!({"pull_request": {"head": {"sha": "xyz"}}})),
            "head.sha",
        ),
        ("push", from("ann", "User"), "ref"),
        (
            "workflow_run",
            checks("workflow_run", json!({"head_sha": null})),
            "head_sha",
        ),
        (
            "repository",
            merged(from("ann", "User"), json!({"action": "renamed"})),
            "html_url",
        ),
    ] {
        match verdict(event, &payload) {
            Verdict::Ignore(ignored) => {
                assert_eq!(ignored.code, "unreadable_payload");
                assert!(ignored.why.contains(field), "{}", ignored.why);
            }
            Verdict::Act(intents) => panic!("{event}: {intents:?}"),
        }
    }
}

#[test]
fn everything_else_is_recorded() {
    for (event, action) in [
        ("ping", ""),
        ("star", "created"),
        ("create", ""),
        ("delete", ""),
        ("installation", "created"),
        ("installation_repositories", "added"),
        ("check_run", "created"),
        ("release", "edited"),
        ("issue_comment", "edited"),
        ("pull_request_review", "dismissed"),
        ("no_such_event", "at_all"),
    ] {
        let payload = merged(from("ann", "User"), json!({"action": action}));
        assert_eq!(intents(event, &payload), [], "{event}");
    }
}

/// Any JSON, with the names that are looked for more often than others.
fn any_json() -> impl Strategy<Value = Value> {
    let names = prop::sample::select(vec![
        "action",
        "issue",
        "number",
        "title",
        "body",
        "state",
        "labels",
        "name",
        "user",
        "login",
        "sender",
        "type",
        "updated_at",
        "pull_request",
        "head",
        "base",
        "ref",
        "sha",
        "repo",
        "repository",
        "full_name",
        "comment",
        "id",
        "review",
        "workflow_run",
        "check_run",
        "check_suite",
        "conclusion",
        "head_sha",
        "release",
        "tag_name",
        "after",
        "changes",
        "owner",
        "from",
        "branches",
        "html_url",
        "commit_id",
        "path",
        "merged",
        "draft",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "(?s).{0,20}".prop_map(Value::from),
        prop::sample::select(vec![
            "opened",
            "closed",
            "created",
            "completed",
            "submitted",
            "2026-11-24T10:00:00Z",
            "refs/heads/main",
            SHA,
            "/loom work",
            "[bot]",
            "agent/a/b",
            "acme/widget",
            "failure",
            "https://github.com/a/b",
        ])
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 64, 12, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((names.clone(), inner), 0..12).prop_map(|pairs| {
                Value::Object(
                    pairs
                        .into_iter()
                        .map(|(name, value)| (name.to_owned(), value))
                        .collect(),
                )
            }),
        ]
    })
}

fn any_event() -> impl Strategy<Value = String> {
    let known: Vec<String> = TABLE.iter().map(|rule| rule.event.to_owned()).collect();
    prop_oneof![prop::sample::select(known), ".{0,12}"]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_payload_of_any_event_is_read_without_harm(event in any_event(), payload in any_json()) {
        let _ = repositories(&event, &payload);
        if let Verdict::Ignore(ignored) = verdict(&event, &payload) {
            prop_assert!(ignored.why.ends_with('.'));
        }
    }

    /// A real payload of which one part is something else.
    #[test]
    fn a_payload_with_one_wrong_part_is_read_without_harm(
        which in 0_usize..6,
        pointer in prop::sample::select(vec![
            "/issue", "/issue/number", "/issue/title", "/issue/labels", "/issue/labels/0", "/issue/user", "/comment",
            "/comment/body", "/comment/user/login", "/pull_request/head", "/pull_request/head/repo", "/pull_request/base/ref",
            "/sender", "/sender/login", "/repository", "/action", "/workflow_run/head_sha", "/workflow_run/event", "/review",
        ]),
        wrong in any_json(),
    ) {
        let review = json!({"review": {"id": 4, "state": "approved", "body": "x", "user": {"login": "b"}}});
        let (event, mut payload) = match which {
            0 => ("issues", issue("opened", json!({}))),
            1 => ("issue_comment", comment("/loom work", json!({}))),
            2 => ("pull_request", pull_request("opened", json!({}))),
            3 => ("pull_request_review", merged(pull_request("submitted", json!({})), review)),
            4 => ("workflow_run", checks("workflow_run", json!({}))),
            _ => ("pull_request_review_comment", merged(pull_request("created", json!({})), comment("x", json!({})))),
        };
        if let Some(part) = payload.pointer_mut(pointer) {
            *part = wrong;
        }
        if let Verdict::Ignore(ignored) = verdict(event, &payload) {
            prop_assert!(!ignored.code.is_empty());
        }
    }
}
