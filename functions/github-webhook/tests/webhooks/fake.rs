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
    /// Every request: method and path.
    pub(crate) calls: Vec<String>,
    /// The next requests whose path contains this text are answered with this status; how often.
    pub(crate) failing: Option<(&'static str, u16, usize)>,
    /// The next comment that is created is created, but its answer is lost.
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
