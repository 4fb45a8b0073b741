//! Webhooks that come twice, late, in another order, or not at all.

use loom_github_double::{Config, GitHub, NewRepository, WebhookFault, WebhookFaultKind};
use serde_json::json;

use crate::PATIENCE;
use crate::api::{Api, SHOP, shop};
use crate::receiver::Receiver;

#[test]
fn events_are_duplicated_held_and_late() {
    let (github, _api) = shop();
    let receiver = Receiver::start(&[]);
    github.set_webhook(&receiver.url(), "made up");
    github.webhook_fault(WebhookFault::new(
        "issues",
        WebhookFaultKind::Duplicate(2),
        1,
    ));
    github.open_issue("acme/shop", "bob", "One", "", &[]);
    assert!(github.settle(PATIENCE));
    let events = receiver.events();
    assert_eq!(events.len(), 3);
    assert_eq!(
        events[0].header("x-github-delivery"),
        events[2].header("x-github-delivery")
    );

    github.webhook_fault(WebhookFault::new("", WebhookFaultKind::Hold, 3));
    for title in ["Two", "Three", "Four"] {
        github.open_issue("acme/shop", "bob", title, "", &[]);
    }
    assert_eq!(github.held(), 3);
    github.webhook_fault(WebhookFault::new(
        "issue_comment.created",
        WebhookFaultKind::Delay(1),
        1,
    ));
    github.comment("acme/shop", "bob", 1, "meanwhile");
    assert!(github.settle(PATIENCE));
    github.release(&[2, 0]);
    assert!(github.settle(PATIENCE));
    let titles: Vec<String> = receiver.events()[3..]
        .iter()
        .map(|event| match event.json()["comment"]["body"].as_str() {
            Some(text) => text.to_owned(),
            None => event.json()["issue"]["title"].as_str().unwrap().to_owned(),
        })
        .collect();
    assert_eq!(titles, ["meanwhile", "Four", "Two", "Three"]);
}

#[test]
fn what_was_lost_is_found_and_delivered_again() {
    let (github, _api) = shop();
    let receiver = Receiver::start(&[200, 500]);
    let id = github.add_hook("acme/shop", &receiver.url(), "made up", &["issues"]);
    assert!(github.settle(PATIENCE));
    github.open_issue("acme/shop", "bob", "One", "", &[]);
    github.webhook_fault(WebhookFault::new(
        "issues.opened",
        WebhookFaultKind::Lose,
        1,
    ));
    github.open_issue("acme/shop", "bob", "Two", "", &[]);
    github.comment("acme/shop", "bob", 1, "not for this hook");
    assert!(github.settle(PATIENCE));
    assert_eq!(receiver.names(), ["ping", "issues.opened"]);
    let admin = Api::new(&github, Some(&github.token("acme")));
    let hooks = admin.get(&format!("{SHOP}/hooks")).with(200);
    assert_eq!(hooks[0]["id"], json!(id));
    let url = format!("{SHOP}/hooks/{id}/deliveries");
    let failed = admin.get(&format!("{url}?status=failure&per_page=1"));
    let link = failed.header("link").to_owned();
    let lost = failed.with(200)[0].clone();
    assert_eq!(
        (&lost["status_code"], &lost["event"]),
        (&json!(0), &json!("issues"))
    );
    let cursor = link
        .split("cursor=")
        .nth(1)
        .unwrap()
        .split('>')
        .next()
        .unwrap();
    let next = admin.get(&format!("{url}?status=failure&per_page=1&cursor={cursor}"));
    assert!(!next.header("link").contains("next"));
    assert_eq!(next.with(200)[0]["status_code"], 500);
    let whole = admin.get(&format!("{url}/{}", lost["id"])).with(200);
    assert_eq!(whole["request"]["payload"]["issue"]["title"], "Two");
    admin
        .post(&format!("{url}/{}/attempts", lost["id"]), json!({}))
        .with(202);
    assert!(github.settle(PATIENCE));
    let events = receiver.events();
    assert_eq!(
        events[2].header("x-github-delivery"),
        lost["guid"].as_str().unwrap()
    );
    let newest = admin.get(&format!("{url}?per_page=1")).with(200)[0].clone();
    assert_eq!(
        (&newest["redelivery"], &newest["status_code"]),
        (&json!(true), &json!(200))
    );
    let bob = Api::new(&github, Some(&github.token("bob")));
    bob.get(&format!("{SHOP}/hooks")).with(404);
}

#[test]
fn a_slow_receiver_has_timed_out() {
    let config = Config {
        webhook_timeout_ms: 50,
        ..Config::default()
    };
    let github = GitHub::start(config).unwrap();
    github.create_repository(&NewRepository::new("acme", "shop"));
    // It listens and never answers.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    github.set_webhook(&url, "made up");
    github.open_issue("acme/shop", "bob", "One", "", &[]);
    assert!(github.settle(PATIENCE));
    let delivered = github.deliveries();
    assert_eq!(
        (delivered[0].status, delivered[0].event.as_str()),
        (0, "issues")
    );
}

#[test]
fn the_app_finds_its_own_deliveries() {
    let (github, api) = shop();
    let receiver = Receiver::start(&[503]);
    github.set_webhook(&receiver.url(), "made up");
    github.open_issue("acme/shop", "bob", "One", "", &[]);
    github.open_issue("acme/shop", "bob", "Two", "", &[]);
    assert!(github.settle(PATIENCE));
    let app = Api::new(&github, Some(&crate::access::good(&github.app())));
    let all = app.get("/app/hook/deliveries").with(200);
    assert_eq!(all.as_array().unwrap().len(), 2);
    let failed = app.get("/app/hook/deliveries?status=failure").with(200);
    let [one] = failed.as_array().unwrap().as_slice() else {
        panic!("{failed}")
    };
    assert_eq!(
        (&one["status_code"], &one["action"]),
        (&json!(503), &json!("opened"))
    );
    let url = format!("/app/hook/deliveries/{}", one["id"]);
    let whole = app.get(&url).with(200);
    assert_eq!(whole["request"]["payload"]["issue"]["title"], "One");
    app.post(&format!("{url}/attempts"), json!({})).with(202);
    assert!(github.settle(PATIENCE));
    assert_eq!(receiver.events().len(), 3);
    // Three days later they are gone, and nobody but the App sees them at all.
    api.get("/app/hook/deliveries").with(401);
    github.advance(std::time::Duration::from_secs(4 * 86_400));
    let late = crate::access::at(&github.app(), 4 * 86_400);
    let app = Api::new(&github, Some(&late));
    assert_eq!(app.get("/app/hook/deliveries").with(200), json!([]));
    app.get(&url).with(404);
}
