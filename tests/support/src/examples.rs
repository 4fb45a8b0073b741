//! GitHub's own example payloads of webhooks, and the beads that must be there once all of them were delivered.

use std::collections::{BTreeMap, BTreeSet};

use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;

use crate::npm_package;

/// The package that the examples are from, and its version.
const PACKAGE: (&str, &str) = ("@octokit/webhooks-examples", "7.6.1");

/// One delivery, as GitHub would send it.
#[derive(Debug, Clone)]
pub struct Example {
    /// `X-GitHub-Event`.
    pub event: String,
    /// `X-GitHub-Delivery`.
    pub guid: String,
    /// The body.
    pub body: String,
    /// The same, read.
    pub payload: Value,
}

impl Example {
    /// The repository that it is about, as `owner/name`.
    pub fn repository(&self) -> Option<&str> {
        self.payload["repository"]["full_name"].as_str()
    }
}

/// A bead that must be there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ExpectedBead {
    /// The repository, as `owner/name`.
    pub repository: String,
    /// The issue, or the pull request, of this number.
    pub number: i64,
    /// Whether it is a pull request.
    pub is_pull_request: bool,
    /// What its title ends with.
    pub title: String,
    /// Whether it is closed.
    pub is_closed: bool,
}

/// Every example of GitHub's (github.com), each with a GUID of its own.
pub fn github_examples() -> Vec<Example> {
    let folder = npm_package(PACKAGE.0, PACKAGE.1);
    let text = std::fs::read_to_string(folder.join("api.github.com/index.json")).unwrap();
    let events: Vec<Value> = serde_json::from_str(&text).unwrap();
    let mut examples = Vec::new();
    for event in events {
        let name = event["name"].as_str().unwrap();
        for payload in event["examples"].as_array().unwrap() {
            examples.push(Example {
                event: name.to_owned(),
                guid: format!("e0000000-0000-0000-0000-{:012}", examples.len()),
                body: payload.to_string(),
                payload: payload.clone(),
            });
        }
    }
    assert!(
        examples.len() > 300,
        "there are {} examples",
        examples.len()
    );
    examples
}

/// The value of `X-Hub-Signature-256` for a body.
pub fn sign_webhook(secret: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body);
    let bytes = mac.finalize().into_bytes();
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256={digits}")
}

/// What is the last word on an issue or pull request.
struct Last<'a> {
    order: (String, u8),
    shown: &'a Value,
    is_open: bool,
}

/// The beads that all of these deliveries leave behind in projects with default settings, in whatever order and number
/// they come. By other means than Loom's: the latest state of each issue and pull request, and whether somebody ever
/// opened it.
pub fn expected_beads(examples: &[Example]) -> BTreeSet<ExpectedBead> {
    let mut last: BTreeMap<(String, i64, bool), Last> = BTreeMap::new();
    let mut wanted = BTreeSet::new();
    for example in examples {
        let Some((is_pull_request, shown)) = shown(example) else {
            continue;
        };
        let action = example.payload["action"].as_str().unwrap_or_default();
        let own = matches!(example.event.as_str(), "issues" | "pull_request");
        let repository = example.repository().unwrap().to_owned();
        let key = (
            repository,
            shown["number"].as_i64().unwrap(),
            is_pull_request,
        );
        let is_gone = own && matches!(action, "deleted" | "transferred");
        let is_open = !is_gone && shown["state"] != "closed";
        let is_person = example.payload["sender"]["type"] == "User";
        if own && is_person && begins(is_pull_request, action) && is_open && shown["draft"] != true
        {
            wanted.insert(key.clone());
        }
        // What happened within the same second, by what is likelier to be the end of it.
        let rank = match action {
            _ if !own => 1,
            "opened" => 0,
            "closed" => 3,
            "reopened" => 4,
            "deleted" | "transferred" => 5,
            "synchronize" => 2,
            _ => 1,
        };
        let order = (shown["updated_at"].as_str().unwrap().to_owned(), rank);
        let newest = last.entry(key).or_insert(Last {
            order: order.clone(),
            shown,
            is_open,
        });
        if order > newest.order {
            *newest = Last {
                order,
                shown,
                is_open,
            };
        }
    }
    wanted
        .into_iter()
        .map(|key| {
            let last = &last[&key];
            let (repository, number, is_pull_request) = key;
            ExpectedBead {
                repository,
                number,
                is_pull_request,
                title: last.shown["title"].as_str().unwrap().to_owned(),
                is_closed: !last.is_open,
            }
        })
        .collect()
}

/// The issue or pull request that an event shows and that is followed, and whether it is a pull request.
fn shown(example: &Example) -> Option<(bool, &Value)> {
    let payload = &example.payload;
    match (example.event.as_str(), payload["action"].as_str()?) {
        ("issues", _) | ("issue_comment", "created") => Some((false, &payload["issue"])),
        ("pull_request", _)
        | ("pull_request_review", "submitted")
        | ("pull_request_review_comment", "created") => Some((true, &payload["pull_request"])),
        _ => None,
    }
}

/// Whether such an action is what a bead is filed for.
fn begins(is_pull_request: bool, action: &str) -> bool {
    if is_pull_request {
        matches!(
            action,
            "opened" | "reopened" | "ready_for_review" | "synchronize" | "review_requested"
        )
    } else {
        matches!(action, "opened" | "reopened")
    }
}
