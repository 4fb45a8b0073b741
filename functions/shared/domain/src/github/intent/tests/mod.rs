//! What deliveries ask for, by example: one file for each kind of thing that they are about.

mod checks;
mod comments;
mod issues;
mod payloads;
mod pull_requests;
mod repository;
mod sender;

use serde_json::json;

use super::*;

const SHA: &str = "1111111111111111111111111111111111111111";

fn verdict_with(settings: &GithubSettings, event: &str, payload: &Value) -> Verdict {
    let known = Known {
        settings,
        own_login: Some("loom[bot]"),
        branch: "main",
    };
    of(event, payload, known)
}

fn verdict(event: &str, payload: &Value) -> Verdict {
    verdict_with(&GithubSettings::default(), event, payload)
}

/// What is asked for, without the event that every delivery of a person is.
fn intents(event: &str, payload: &Value) -> Vec<Intent> {
    match verdict(event, payload) {
        Verdict::Act(intents) => intents
            .into_iter()
            .filter(|intent| {
                !matches!(intent, Intent::Announce(told) if told.kind == EventKind::WebhookReceived)
            })
            .collect(),
        Verdict::Ignore(ignored) => panic!("{event}: {ignored:?}"),
    }
}

fn code(event: &str, payload: &Value) -> &'static str {
    match verdict(event, payload) {
        Verdict::Ignore(ignored) => ignored.code,
        Verdict::Act(intents) => panic!("{event}: {intents:?}"),
    }
}

fn merged(mut base: Value, over: Value) -> Value {
    fn put(base: &mut Value, over: Value) {
        match (base, over) {
            (Value::Object(base), Value::Object(over)) => {
                for (key, value) in over {
                    put(base.entry(key).or_insert(Value::Null), value);
                }
            }
            (base, over) => *base = over,
        }
    }
    put(&mut base, over);
    base
}

fn from(login: &str, kind: &str) -> Value {
    json!({"sender": {"login": login, "type": kind}, "repository": {"full_name": "acme/widget"}})
}

fn issue(action: &str, over: Value) -> Value {
    let payload = merged(
        from("ann", "User"),
        json!({"action": action, "issue": {
            "number": 7, "title": "It breaks", "body": "Always.", "state": "open",
            "html_url": "https://github.com/acme/widget/issues/7", "user": {"login": "ann"},
            "labels": [{"name": "bug"}], "updated_at": "2026-11-24T10:00:00Z"}}),
    );
    merged(payload, over)
}

fn comment(body: &str, over: Value) -> Value {
    let said = json!({"comment": {"id": 5, "body": body, "user": {"login": "ann"},
        "html_url": "https://github.com/acme/widget/issues/7#issuecomment-5"}});
    merged(merged(issue("created", json!({})), said), over)
}

fn pull_request(action: &str, over: Value) -> Value {
    let payload = merged(
        from("ann", "User"),
        json!({"action": action, "pull_request": {
            "number": 9, "title": "Mend it", "body": null, "state": "open", "draft": false, "merged": false,
            "html_url": "https://github.com/acme/widget/pull/9", "user": {"login": "ann"},
            "head": {"ref": "mend", "sha": SHA, "repo": {"full_name": "acme/widget"}},
            "base": {"ref": "main", "sha": SHA}, "updated_at": "2026-11-24T10:00:00Z"}}),
    );
    merged(payload, over)
}

fn checks(event: &str, over: Value) -> Value {
    let payload = merged(
        from("github-actions[bot]", "Bot"),
        json!({"action": "completed", event: {"name": "CI", "head_sha": SHA, "head_branch": "main", "conclusion": "failure",
            "html_url": "https://github.com/acme/widget/actions/runs/1", "updated_at": "2026-11-24T10:00:00Z",
            "completed_at": "2026-11-24T10:00:00Z", "event": "push", "head_repository": {"full_name": "acme/widget"},
            "check_suite": {"head_branch": "main"}, "app": {"slug": "other-ci"}}}),
    );
    merged(payload, json!({ event: over }))
}

fn the_issue(intents: &[Intent]) -> &Issue {
    intents
        .iter()
        .find_map(|intent| match intent {
            Intent::Issue(issue) => Some(issue),
            _ => None,
        })
        .unwrap()
}

fn the_pull_request(intents: &[Intent]) -> &PullRequest {
    intents
        .iter()
        .find_map(|intent| match intent {
            Intent::PullRequest(found) => Some(found),
            _ => None,
        })
        .unwrap()
}

fn the_comment(intents: &[Intent]) -> &Comment {
    intents
        .iter()
        .find_map(|intent| match intent {
            Intent::Comment(said) => Some(said),
            _ => None,
        })
        .unwrap()
}

fn told(intents: &[Intent]) -> Vec<&'static str> {
    intents
        .iter()
        .filter_map(|intent| match intent {
            Intent::Announce(told) => Some(told.kind.as_str()),
            _ => None,
        })
        .collect()
}
