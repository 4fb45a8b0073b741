//! Reviews and comments on lines.

use serde_json::json;

use crate::api::{Api, SHOP, shop};
use crate::pulls::pull;

#[test]
fn a_review_has_a_verdict_and_comments() {
    let (github, api) = shop();
    let number = pull(&github, &api, "one");
    let ada = Api::new(&github, Some(&github.token("ada")));
    let url = format!("{SHOP}/pulls/{number}/reviews");
    let body = json!({
        "event": "REQUEST_CHANGES", "body": "One thing",
        "comments": [{"path": "one", "line": 1, "side": "RIGHT", "body": "Why?"}],
    });
    let review = ada.post(&url, body).with(200);
    assert_eq!(review["state"], "CHANGES_REQUESTED");
    let comments = api
        .get(&format!("{SHOP}/pulls/{number}/comments"))
        .with(200);
    assert_eq!(
        (&comments[0]["path"], &comments[0]["line"]),
        (&json!("one"), &json!(1))
    );
    assert_eq!(comments[0]["pull_request_review_id"], review["id"]);
    let reply = json!({"body": "Because.", "in_reply_to": comments[0]["id"]});
    let reply = api
        .post(&format!("{SHOP}/pulls/{number}/comments"), reply)
        .with(201);
    assert_eq!(reply["in_reply_to_id"], comments[0]["id"]);
    ada.post(&url, json!({"event": "APPROVE"})).with(200);
    let all = api.get(&url).with(200);
    let states: Vec<_> = all
        .as_array()
        .unwrap()
        .iter()
        .map(|review| review["state"].as_str().unwrap())
        .collect();
    assert_eq!(states, ["CHANGES_REQUESTED", "COMMENTED", "APPROVED"]);
}

#[test]
fn what_makes_no_review_is_refused() {
    let (github, api) = shop();
    let number = pull(&github, &api, "one");
    let url = format!("{SHOP}/pulls/{number}/reviews");
    let own = api.post(&url, json!({"event": "APPROVE"})).with(422);
    assert_eq!(own["errors"][0], "Can not approve your own pull request");
    let ada = Api::new(&github, Some(&github.token("ada")));
    let comment = |path: &str, line: u64| json!({"event": "COMMENT", "body": "", "comments": [{"path": path, "line": line, "body": "x"}]});
    let line = ada.post(&url, comment("one", 99)).with(422);
    assert_eq!(line["errors"][0], "Line could not be resolved");
    let path = ada.post(&url, comment("nothing", 1)).with(422);
    assert_eq!(path["errors"][0], "Path could not be resolved");
    ada.post(&url, json!({"event": "REQUEST_CHANGES"}))
        .with(422);
    let single = json!({
        "body": "x", "path": "one", "line": 1, "commit_id": github.branch("acme/shop", "one"),
    });
    ada.post(&format!("{SHOP}/pulls/{number}/comments"), single)
        .with(201);
}

#[test]
fn reviewers_are_asked() {
    let (github, api) = shop();
    let number = pull(&github, &api, "one");
    let url = format!("{SHOP}/pulls/{number}/requested_reviewers");
    let asked = api.post(&url, json!({"reviewers": ["ada"]})).with(201);
    assert_eq!(asked["requested_reviewers"][0]["login"], "ada");
    assert_eq!(api.get(&url).with(200)["users"][0]["login"], "ada");
    api.post(&url, json!({"reviewers": ["nobody"]})).with(422);
    github.review("acme/shop", "ada", number, "APPROVE", "", &json!(null));
    assert_eq!(api.get(&url).with(200)["users"], json!([]));
}
