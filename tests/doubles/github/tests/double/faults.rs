//! What goes wrong when a test wants it to.

use std::time::Duration;

use loom_github_double::{Config, Fault, FaultKind, GitHub, NewRepository};
use serde_json::json;

use crate::api::{Api, SHOP, shop};

#[test]
fn a_reply_is_lost_after_the_deed() {
    let (github, api) = shop();
    let issues = format!("{SHOP}/issues");
    let send = || {
        let body = json!({"title": "T"}).to_string().into_bytes();
        api.try_send("POST", &issues, &[], Some(body))
            .map(|reply| reply.status)
    };
    github.fault(Fault::next("POST", "/repos/*/issues", FaultKind::LoseReply));
    assert_eq!(send(), None);
    assert_eq!(github.issue("acme/shop", 1).unwrap()["title"], "T");
    github.fault(Fault::next("POST", "/repos/*/issues", FaultKind::Drop));
    assert_eq!(send(), None);
    assert!(github.issue("acme/shop", 2).is_none());
    github.fault(Fault::next("POST", "", FaultKind::ServerError).times(2));
    assert_eq!([send(), send(), send()], [Some(500), Some(500), Some(201)]);
    let seen = github.requests();
    let lost: Vec<bool> = seen.iter().map(|request| request.reply_lost).collect();
    assert_eq!(lost, [true, false, false, false, false]);
    assert_eq!(seen[0].login, "loom-test[bot]");
    assert_eq!(seen[0].body, "{\"title\":\"T\"}");
    let authorization = seen[0]
        .headers
        .iter()
        .find(|(name, _)| name == "authorization");
    assert_eq!(
        authorization.unwrap().1,
        "Bearer",
        "the ledger holds no secrets"
    );
}

#[test]
fn limits_are_told_as_github_tells_them() {
    let (github, api) = shop();
    github.fault(Fault::next(
        "",
        "",
        FaultKind::SecondaryLimit {
            status: 429,
            retry_after: Some(7),
        },
    ));
    let slow = api.get(SHOP);
    assert_eq!(slow.header("retry-after"), "7");
    assert!(slow.error(429).contains("secondary rate limit"));
    github.fault(Fault::next(
        "",
        "",
        FaultKind::PrimaryLimit { reset_seconds: 90 },
    ));
    let refused = api.get(SHOP);
    assert_eq!(refused.header("x-ratelimit-remaining"), "0");
    let reset = refused.header("x-ratelimit-reset").to_owned();
    assert!(refused.error(403).contains("API rate limit exceeded"));
    assert_eq!(api.get(SHOP).status, 403);
    let told = api.get("/rate_limit").with(200);
    assert_eq!(told["rate"]["remaining"], 0);
    assert_eq!(told["rate"]["reset"].to_string(), reset);
    github.advance(Duration::from_secs(91));
    api.get(SHOP).with(200);
}

#[test]
fn requests_are_counted() {
    let config = Config {
        rate_limit: 3,
        ..Config::default()
    };
    let github = GitHub::start(config).unwrap();
    github.create_repository(&NewRepository::new("acme", "shop").file("a", "a"));
    let api = Api::new(&github, Some(&github.app_token("acme")));
    let other = Api::new(&github, Some(&github.app_token("acme")));
    let left: Vec<String> = (0..3)
        .map(|_| api.get(SHOP).header("x-ratelimit-remaining").to_owned())
        .collect();
    assert_eq!(left, ["2", "1", "0"]);
    assert_eq!(api.get(SHOP).status, 403);
    other.get(SHOP).with(200);
}

#[test]
fn another_process_can_set_everything() {
    let (github, api) = shop();
    let control = |what: &str, body: serde_json::Value| {
        api.post(&format!("/_control/{what}"), body).with(200)
    };
    control(
        "repositories",
        json!({
            "owner": "other", "name": "made", "private": false,
            "files": [{"path": "run", "mode": "100755", "content": "x"}],
        }),
    );
    control(
        "permissions",
        json!({"repository": "other/made", "login": "eve", "permission": "admin"}),
    );
    let number = control(
        "issues",
        json!({"repository": "other/made", "login": "eve", "title": "T", "body": "B"}),
    );
    assert_eq!(number["number"], 1);
    let token = control("tokens", json!({"login": "eve"}))["token"].clone();
    let eve = Api::new(&github, token.as_str());
    assert_eq!(
        eve.get("/repos/other/made/issues/1").with(200)["user"]["login"],
        "eve"
    );
    control(
        "faults",
        json!({"method": "GET", "path": "/user", "kind": {"secondary_limit": {"status": 403, "retry_after": 1}}}),
    );
    assert_eq!(eve.get("/user").status, 403);
    control(
        "commits",
        json!({
            "repository": "other/made", "login": "eve", "branch": "b", "message": "M",
            "files": [{"path": "new", "content": "n"}], "deleted": ["run"],
        }),
    );
    let pull = control(
        "pulls",
        json!({"repository": "other/made", "login": "eve", "title": "T", "head": "b", "base": "main"}),
    );
    control(
        "reviews",
        json!({
            "repository": "other/made", "login": "bob", "number": pull["number"], "event": "COMMENT", "body": "Hm",
            "comments": [{"path": "new", "line": 1, "body": "x"}],
        }),
    );
    control(
        "merges",
        json!({"repository": "other/made", "login": "eve", "number": pull["number"], "method": "squash"}),
    );
    assert_eq!(control("settle", json!({"seconds": 60}))["settled"], true);
    let path = control("path", json!({"repository": "other/made"}));
    assert_eq!(
        path["path"].as_str(),
        github.git_path("other/made").unwrap().to_str()
    );
    let seen = control("requests", json!({}));
    assert_eq!(
        seen.as_array().unwrap().len(),
        2,
        "what tests set is no request to GitHub"
    );
}
