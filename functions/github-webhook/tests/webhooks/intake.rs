//! What is not let in (criterion: refused, recorded, nothing changed), and what is.

use loom_api::testing::call;
use loom_domain::delivery::LARGEST_BODY;
use loom_platform::Platform;
use loom_test_support::sign_webhook;
use serde_json::json;

use crate::world::{PATH, World, issue_event};

const REFUSED: &str = "SELECT COUNT(*) FROM event WHERE kind = 'webhook.refused'";

#[tokio::test]
async fn what_is_not_githubs_is_refused_recorded_and_changes_nothing() {
    let world = World::new().await;
    let body = issue_event("opened", 1, 0).to_string();
    let other = body.replace("It breaks", "It breaks!");
    let signature = sign_webhook(&world.secret, body.as_bytes());
    let forged = sign_webhook("another secret", body.as_bytes());
    let unsigned = || {
        call("POST", PATH)
            .header("content-type", "application/json")
            .header("x-github-event", "issues")
            .header("x-github-delivery", "d-1")
    };
    let good = || world.signed("issues", "d-1", &body);
    let before = world.snapshot().await;
    for (what, request, status, code) in [
        (
            "no signature",
            unsigned().body(body.clone()),
            401,
            "signature_missing",
        ),
        (
            "forged",
            good().header("x-hub-signature-256", &forged),
            401,
            "signature_invalid",
        ),
        ("altered", good().body(other), 401, "signature_invalid"),
        (
            "no hexadecimal",
            good().header("x-hub-signature-256", "sha256=zz"),
            401,
            "signature_invalid",
        ),
        (
            "without its name",
            good().header(
                "x-hub-signature-256",
                signature.trim_start_matches("sha256="),
            ),
            401,
            "signature_invalid",
        ),
        (
            "text",
            good().header("content-type", "text/plain"),
            415,
            "unsupported_media_type",
        ),
        (
            "bad event",
            good().header("x-github-event", "is sues"),
            400,
            "invalid_header",
        ),
        (
            "bad guid",
            good().header("x-github-delivery", &"d".repeat(65)),
            400,
            "invalid_header",
        ),
        (
            "another event",
            good().header("x-github-event", "pull_request"),
            400,
            "event_mismatch",
        ),
        (
            "a comment",
            good().header("x-github-event", "issue_comment"),
            400,
            "event_mismatch",
        ),
        (
            "no JSON",
            world.signed("issues", "d-1", "{\"issue\":"),
            400,
            "invalid_json",
        ),
        (
            "no object",
            world.signed("issues", "d-1", "[]"),
            400,
            "invalid_json",
        ),
        (
            "empty",
            world.signed("issues", "d-1", ""),
            400,
            "invalid_json",
        ),
        (
            "a form without a payload",
            world
                .signed("issues", "d-1", "payloads=%7B%7D")
                .header("content-type", "application/x-www-form-urlencoded"),
            400,
            "invalid_form",
        ),
    ] {
        world.set("UPDATE delivery_refusal SET at = 0").await;
        let recorded = world.count(REFUSED).await;
        let answer = world.send(request).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (status, code),
            "{what}"
        );
        assert_eq!(world.count(REFUSED).await, recorded + 1, "{what}");
    }
    let missing = |name: &'static str| {
        let request = call("POST", PATH)
            .header("content-type", "application/json")
            .header("x-hub-signature-256", &signature)
            .body(body.clone());
        if name == "x-github-event" {
            request.header("x-github-delivery", "d-1")
        } else {
            request.header("x-github-event", "issues")
        }
    };
    for name in ["x-github-event", "x-github-delivery"] {
        let answer = world.send(missing(name)).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (400, "missing_header")
        );
    }
    assert_eq!(world.snapshot().await, before);
    let rows = world
        .count("SELECT COUNT(*) FROM event WHERE data LIKE '%breaks%'")
        .await;
    assert_eq!(rows, 0, "nothing of a body is recorded");
    assert_eq!(
        world.send(good()).await.status,
        202,
        "the same, unharmed, is let in"
    );
}

#[tokio::test]
async fn a_flood_of_forgeries_is_one_event_a_minute() {
    let world = World::new().await;
    for _ in 0..20 {
        let request = world.signed("issues", "d-1", "{}").body("{} ");
        assert_eq!(world.send(request).await.status, 401);
    }
    assert_eq!(world.count(REFUSED).await, 1);
}

#[tokio::test]
async fn a_body_of_26_mib_is_refused_before_it_has_been_read() {
    let world = World::new().await;
    let before = world.snapshot().await;
    let body = " ".repeat(26 * 1024 * 1024);
    let announced = world
        .signed("issues", "d-1", "{}")
        .header("content-length", &body.len().to_string());
    for (what, request) in [
        ("announced", announced),
        (
            "not announced",
            world.signed("issues", "d-1", "{}").body(body),
        ),
    ] {
        let answer = world.send(request).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (413, "body_too_large"),
            "{what}"
        );
    }
    assert_eq!(world.snapshot().await, before);
    assert_eq!(world.count(REFUSED).await, 1);
    // The sender of more than that is not listened to any longer than need be.
    let endless =
        http_body_util::StreamBody::new(futures_util::stream::unfold(0_usize, |sent| async move {
            assert!(
                sent <= LARGEST_BODY + (1 << 20),
                "it still reads after {sent} bytes"
            );
            let frame = http_body::Frame::data(bytes::Bytes::from(vec![b' '; 1 << 20]));
            Some((Ok::<_, loom_platform::BodyError>(frame), sent + (1 << 20)))
        }));
    let mut request = http::Request::new(http_body_util::BodyExt::boxed_unsync(endless));
    *request.method_mut() = http::Method::POST;
    *request.uri_mut() = PATH.parse().unwrap();
    let response = loom_github_webhook::handle(&world.platform, request).await;
    assert_eq!(response.status(), 413);
}

#[tokio::test]
async fn a_body_of_25_mib_is_taken() {
    let world = World::new().await;
    let mut payload = issue_event("opened", 1, 0);
    let padding = LARGEST_BODY - payload.to_string().len() - r#","padding":"""#.len();
    payload["padding"] = "x".repeat(padding).into();
    assert_eq!(payload.to_string().len(), LARGEST_BODY);
    assert_eq!(world.deliver("issues", "d-1", &payload).await.status, 202);
    assert_eq!(world.only_bead().await.title, "It breaks");
}

#[tokio::test]
async fn without_a_secret_nothing_is_let_in() {
    let world = World::new().await;
    world
        .platform
        .variables()
        .set("github_webhook_secrets", " , ");
    let answer = world.send(world.signed("ping", "d-1", "{}")).await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (503, "webhook_not_configured")
    );
    assert_eq!(world.count("SELECT COUNT(*) FROM delivery").await, 0);
}

#[tokio::test]
async fn while_a_secret_is_replaced_both_are_good() {
    let world = World::new().await;
    let body = issue_event("opened", 1, 0).to_string();
    let both = format!("{}, the-next-{}", world.secret, world.secret);
    world
        .platform
        .variables()
        .set("github_webhook_secrets", both);
    let next = sign_webhook(&format!("the-next-{}", world.secret), body.as_bytes());
    let by_next = world
        .signed("issues", "d-1", &body)
        .header("x-hub-signature-256", &next);
    assert_eq!(world.send(by_next.clone()).await.status, 202);
    assert_eq!(
        world
            .send(world.signed("star", "d-2", r#"{"action":"created"}"#))
            .await
            .status,
        202
    );
    world
        .platform
        .variables()
        .set("github_webhook_secrets", &world.secret);
    assert_eq!(world.send(by_next).await.status, 401);
}

#[tokio::test]
async fn a_form_is_signed_as_it_comes_and_means_what_is_in_it() {
    let world = World::new().await;
    let payload = issue_event("opened", 1, 0);
    let encoded: String = payload
        .to_string()
        .bytes()
        .map(|byte| format!("%{byte:02X}"))
        .collect();
    let request = world
        .signed("issues", "d-1", &format!("payload={encoded}"))
        .header(
            "content-type",
            "application/x-www-form-urlencoded; charset=utf-8",
        );
    assert_eq!(world.send(request).await.status, 202);
    world.platform.tasks().finished().await;
    assert_eq!(world.only_bead().await.title, "It breaks");
    // The same event by another webhook, as JSON this time.
    let answer = world.deliver("issues", "d-2", &payload).await;
    assert_eq!(
        (answer.status, &answer.json()["status"]),
        (200, &json!("duplicate"))
    );
}

#[tokio::test]
async fn a_ping_is_answered_each_time() {
    let world = World::new().await;
    let payload = json!({"zen": "Keep it logically awesome.", "hook_id": 1});
    for guid in ["d-1", "d-2", "d-2"] {
        let answer = world.deliver("ping", guid, &payload).await;
        assert_eq!(
            (answer.status, &answer.json()["status"]),
            (200, &json!("pong"))
        );
    }
    assert_eq!(world.github.calls(""), 0);
}

#[tokio::test]
async fn events_that_nobody_knows_and_repositories_of_nobody_are_recorded() {
    let world = World::new().await;
    let mut unknown = issue_event("opened", 1, 0);
    unknown["repository"]["full_name"] = json!("acme/other");
    for (guid, event, payload, status, outcome) in [
        ("d-1", "issues", unknown, "ignored", "unknown_repository"),
        (
            "d-2",
            "installation",
            json!({"action": "created", "installation": {"id": 7}}),
            "ignored",
            "no_repository",
        ),
        (
            "d-3",
            "brand_new_event",
            json!({"repository": {"full_name": "Acme/Widget"}, "sender": {"login": "ann", "type": "User"}}),
            "processed",
            "recorded",
        ),
    ] {
        let answer = world.deliver(event, guid, &payload).await;
        assert_eq!(answer.status, 202, "{event}");
        let delivery = world.delivery(guid).await;
        assert_eq!(
            (delivery.status.as_str(), delivery.outcome.as_deref()),
            (status, Some(outcome)),
            "{event}"
        );
    }
    assert_eq!(world.count("SELECT COUNT(*) FROM bead").await, 0);
    assert_eq!(world.nudges(), 0);
}
