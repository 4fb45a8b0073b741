//! As much of GitHub as the function calls, in memory, with the failures that tests ask for.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Method, StatusCode};
use loom_platform::{Body, body_from};
use serde_json::{Value, json};

#[derive(Debug, Default)]
pub(crate) struct State {
    /// What logins may do in the repository.
    pub(crate) permissions: BTreeMap<String, &'static str>,
    /// Comments by id: the number that they are on, who wrote them, and the text.
    pub(crate) comments: BTreeMap<i64, (i64, String, String)>,
    /// Issues by number: whether they are open.
    pub(crate) issues: BTreeMap<i64, bool>,
    /// Attempts to deliver, as GitHub lists them, newest first.
    pub(crate) attempts: Vec<Value>,
    /// Which attempts were asked for again.
    pub(crate) redelivered: Vec<i64>,
    /// Pull requests by number.
    pub(crate) pulls: BTreeMap<i64, Pull>,
    /// Every request: method and path.
    pub(crate) calls: Vec<String>,
    /// The next requests whose path contains this text are answered with this status; how often.
    pub(crate) failing: Option<(&'static str, u16, usize)>,
    /// The next comment that is created is created, but its answer is lost.
    pub(crate) loses_answer: bool,
}

/// A pull request, with its reviews and the checks of its head.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pull {
    pub(crate) head: String,
    /// GitHub's word for what is in the way.
    pub(crate) mergeable_state: &'static str,
    /// Who says what, in this order: `APPROVED`, `CHANGES_REQUESTED`, …
    pub(crate) reviews: Vec<(&'static str, &'static str)>,
    /// Checks of Apps by name, with their conclusion if they are over.
    pub(crate) checks: Vec<(&'static str, Option<&'static str>)>,
    /// As which commits it was merged: more than one would be a fault.
    pub(crate) merged_as: Vec<String>,
    /// The next merge is made, but its answer is lost, and GitHub does not answer to the next looks either.
    pub(crate) loses_answer: bool,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Fake(Arc<Mutex<State>>);

impl Fake {
    pub(crate) fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.0.lock().unwrap())
    }

    pub(crate) fn calls(&self, text: &str) -> usize {
        self.with(|state| {
            state
                .calls
                .iter()
                .filter(|call| call.contains(text))
                .count()
        })
    }

    /// The texts of Loom's own comments on an issue.
    pub(crate) fn own_comments(&self, number: i64) -> Vec<String> {
        self.with(|state| {
            state
                .comments
                .values()
                .filter(|(on, by, _)| *on == number && by == "loom-bot")
                .map(|(_, _, text)| text.clone())
                .collect()
        })
    }

    pub(crate) fn answer(&self, request: &http::Request<Bytes>) -> http::Response<Body> {
        let (method, path) = (request.method(), request.uri().path());
        let body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
        self.with(|state| {
            state.calls.push(format!("{method} {path}"));
            if let Some((text, status, left)) = &mut state.failing
                && path.contains(*text)
                && *left > 0
            {
                *left -= 1;
                return reply(*status, json!({"message": "as asked"}));
            }
            route(state, method, path, &body)
        })
    }
}

fn route(state: &mut State, method: &Method, path: &str, body: &Value) -> http::Response<Body> {
    let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    match (method.as_str(), parts.as_slice()) {
        ("GET", ["user"]) => reply(200, json!({"login": "loom-bot", "type": "User"})),
        ("GET", ["repos", _, _, "collaborators", login, "permission"]) => {
            match state.permissions.get(*login) {
                Some(role) => {
                    // GitHub's `permission` knows neither triage nor maintain, its `role_name` does.
                    let permission = match *role {
                        "triage" => "read",
                        "maintain" => "write",
                        other => other,
                    };
                    reply(200, json!({"permission": permission, "role_name": role}))
                }
                None => reply(404, json!({"message": "Not Found"})),
            }
        }
        ("GET", ["repos", _, _, "issues", number]) => {
            let number: i64 = number.parse().unwrap();
            match state.issues.get(&number) {
                Some(is_open) => reply(200, issue(number, *is_open)),
                None => reply(404, json!({"message": "Not Found"})),
            }
        }
        ("PATCH", ["repos", _, _, "issues", number]) => {
            let number: i64 = number.parse().unwrap();
            let is_open = body["state"] == "open";
            state.issues.insert(number, is_open);
            reply(200, issue(number, is_open))
        }
        ("GET", ["repos", _, _, "issues", number, "comments"]) => {
            let number: i64 = number.parse().unwrap();
            let found = state.comments.iter().filter(|(_, (on, ..))| *on == number);
            let list: Vec<Value> = found.map(|(id, comment)| shown(*id, comment)).collect();
            reply(200, json!(list))
        }
        ("POST", ["repos", _, _, "issues", number, "comments"]) => {
            let id = i64::try_from(state.comments.len()).unwrap() + 900;
            let text = body["body"].as_str().unwrap().to_owned();
            let comment = (number.parse().unwrap(), "loom-bot".to_owned(), text);
            let answer = shown(id, &comment);
            state.comments.insert(id, comment);
            if std::mem::take(&mut state.loses_answer) {
                return reply(502, json!({"message": "lost"}));
            }
            reply(201, answer)
        }
        ("PATCH", ["repos", _, _, "issues", "comments", id]) => {
            let id: i64 = id.parse().unwrap();
            let Some(comment) = state.comments.get_mut(&id) else {
                return reply(404, json!({"message": "Not Found"}));
            };
            comment.2 = body["body"].as_str().unwrap().to_owned();
            reply(200, shown(id, comment))
        }
        ("GET", ["repos", _, _, "pulls", number, rest @ ..]) => {
            match (state.pulls.get(&number.parse().unwrap()), rest) {
                (Some(pull), []) => reply(200, pull.shown(number)),
                (Some(pull), ["reviews"]) => reply(200, pull.reviews()),
                _ => reply(404, json!({"message": "Not Found"})),
            }
        }
        ("PUT", ["repos", _, _, "pulls", number, "merge"]) => {
            let pull = state.pulls.get_mut(&number.parse().unwrap()).unwrap();
            if body["sha"] != pull.head.as_str() {
                return reply(409, json!({"message": "Head branch was modified."}));
            }
            let sha = format!("{:040}", pull.merged_as.len() + 1);
            pull.merged_as.push(sha.clone());
            if std::mem::take(&mut pull.loses_answer) {
                state.failing = Some(("/pulls/", 502, usize::MAX));
                return reply(502, json!({"message": "lost"}));
            }
            reply(
                200,
                json!({"sha": sha, "merged": true, "message": "Merged"}),
            )
        }
        ("GET", ["repos", _, _, "commits", sha, "check-runs"]) => {
            let checks = state.pulls.values().find(|pull| pull.head == *sha);
            let checks = checks.map(Pull::checks).unwrap_or_default();
            reply(
                200,
                json!({"total_count": checks.len(), "check_runs": checks}),
            )
        }
        ("GET", ["repos", _, _, "commits", sha, "status"]) => {
            reply(200, json!({"state": "pending", "sha": sha, "statuses": []}))
        }
        ("GET", ["repos", _, _, "actions", "runs"]) => {
            reply(200, json!({"total_count": 0, "workflow_runs": []}))
        }
        ("GET", ["repos", _, _, "hooks"]) => reply(
            200,
            json!([
                {"id": 5, "active": true, "events": ["*"],
                 "config": {"url": "https://loom.test/api/v1/webhooks/github"}},
                {"id": 6, "active": true, "events": ["*"], "config": {"url": "https://other.test/"}},
            ]),
        ),
        ("GET", ["repos", _, _, "hooks", "5", "deliveries"]) => reply(200, json!(state.attempts)),
        ("POST", ["repos", _, _, "hooks", "5", "deliveries", id, "attempts"]) => {
            state.redelivered.push(id.parse().unwrap());
            reply(202, json!({}))
        }
        _ => reply(404, json!({"message": format!("no {method} {path}")})),
    }
}

impl Pull {
    fn shown(&self, number: &str) -> Value {
        let number: i64 = number.parse().unwrap();
        let is_merged = !self.merged_as.is_empty();
        json!({"id": number, "number": number, "title": "Mend it", "body": "", "draft": false,
            "state": if is_merged { "closed" } else { "open" }, "merged": is_merged,
            "merged_at": is_merged.then_some("2026-11-20T11:00:00Z"),
            "merge_commit_sha": self.merged_as.first(),
            "mergeable": self.mergeable_state != "dirty", "mergeable_state": self.mergeable_state,
            "head": {"ref": "agent", "sha": self.head}, "base": {"ref": "main", "sha": "0".repeat(40)},
            "user": {"login": "loom-bot", "type": "User"},
            "html_url": format!("http://github.test/acme/widget/pull/{number}")})
    }

    fn reviews(&self) -> Value {
        let reviews = self.reviews.iter().zip(1..).map(|((by, state), id)| {
            json!({"id": id, "state": state, "body": "So.", "commit_id": self.head,
                "user": {"login": by, "type": "User"}})
        });
        Value::Array(reviews.collect())
    }

    fn checks(&self) -> Vec<Value> {
        let checks = self.checks.iter().zip(1..).map(|((name, conclusion), id)| {
            json!({"id": id, "name": name, "conclusion": conclusion, "head_sha": self.head,
                "status": if conclusion.is_some() { "completed" } else { "in_progress" }})
        });
        checks.collect()
    }
}

fn issue(number: i64, is_open: bool) -> Value {
    json!({"id": number, "number": number, "title": "It breaks", "body": "",
        "state": if is_open { "open" } else { "closed" }, "labels": [],
        "html_url": "http://github.test/acme/widget/issues/1"})
}

fn shown(id: i64, (_, by, text): &(i64, String, String)) -> Value {
    json!({"id": id, "body": text, "user": {"login": by, "type": "User"}, "html_url": ""})
}

fn reply(status: u16, body: Value) -> http::Response<Body> {
    let mut response = http::Response::new(body_from(body.to_string()));
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    let json = http::HeaderValue::from_static("application/json; charset=utf-8");
    response.headers_mut().insert("content-type", json);
    response
}
