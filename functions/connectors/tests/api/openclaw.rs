use hmac::{Hmac, KeyInit, Mac};
use loom_api::testing::{Answer, call, token};
use loom_domain::{
    account::Role,
    decision::{DecisionKind, NewDecision},
    hex,
    time::{MINUTE, Timestamp},
};
use loom_platform::{Clock, Platform};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::world::World;

const PATH: &str = "/api/v1/webhooks/openclaw";

fn sign(key: &str, body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).unwrap();
    mac.update(body.as_bytes());
    hex::encode(&mac.finalize().into_bytes())
}

/// A reply of ann's to a decision, but for what `change` says.
fn reply(world: &World, decision: &str, change: Value) -> String {
    let mut body = json!({
        "session_key": format!("loom:decision:{decision}"), "sender": "ann", "channel": "signal", "text": "approve",
        "timestamp": Timestamp(world.platform.clock().now()).to_rfc3339(), "message_id": "m-1",
    });
    for (name, value) in change.as_object().unwrap() {
        body[name] = value.clone();
    }
    body.to_string()
}

async fn post(world: &World, body: &str, signature: Option<&str>) -> Answer {
    let request = call("POST", PATH)
        .header("content-type", "application/json")
        .body(body.to_owned());
    let request = match signature {
        Some(signature) => request.header("x-openclaw-signature", signature),
        None => request,
    };
    request.send(&world.platform, loom_connectors::handle).await
}

async fn signed(world: &World, body: &str) -> Answer {
    post(world, body, Some(&sign(&world.secrets.replies, body))).await
}

async fn asked(world: &World, options: &[&str]) -> String {
    let options = options.iter().map(|&option| option.to_owned()).collect();
    let new =
        NewDecision::new(DecisionKind::Escalation, "escalation:1", "Drop it?").options(options);
    world.ask(new).await
}

#[tokio::test]
async fn a_reply_decides_once_with_all_that_follows() {
    let world = World::new().await;
    let id = asked(&world, &[]).await;
    let body = reply(&world, &id, json!({"text": "deny: too early"}));
    let answer = signed(&world, &body).await;
    assert_eq!(answer.status, 200, "{}", answer.json());
    let expected =
        json!({"processed": true, "status": "resolved", "decision_id": id, "decision": "deny"});
    assert_eq!(answer.json(), expected);
    let decided = world.decision(&id).await;
    assert_eq!(decided.decider.as_deref(), Some("openclaw:ann"));
    assert_eq!(decided.rationale.as_deref(), Some("too early"));
    let told =
        "SELECT COUNT(*) FROM event WHERE kind = 'decision.decided' AND actor = 'openclaw:ann'";
    assert_eq!(world.count(told).await, 1);
    assert_eq!(
        world
            .count("SELECT COUNT(*) FROM bead WHERE open_decisions > 0")
            .await,
        0
    );
    // The gateway sends it again: the same answer, and nothing happens.
    let before = world.everything().await;
    let again = signed(&world, &body).await;
    assert_eq!(
        (again.status, again.json()["duplicate"].clone()),
        (200, json!(true))
    );
    assert_eq!(again.json()["decision"], "deny");
    let other = reply(&world, &id, json!({"text": "approve"}));
    let reused = signed(&world, &other).await;
    assert_eq!(
        (reused.status, reused.code().as_str()),
        (409, "message_id_reused")
    );
    assert_eq!(world.everything().await, before);
}

#[tokio::test]
async fn words_of_people_are_understood_and_what_is_unclear_is_not_guessed() {
    for (options, text, decision) in [
        (vec![], "LGTM", Some("approve")),
        (vec![], "rejected", Some("deny")),
        (
            vec![],
            "yes, but only the first half",
            Some("needs_more_info"),
        ),
        (vec!["red", "blue"], "Blue", Some("blue")),
        (vec!["red", "blue"], "approved", Some("approve")),
        (vec!["red", "blue"], "green please", None),
        (vec!["red", "blue"], "ok?", None),
    ] {
        let world = World::new().await;
        let id = asked(&world, &options).await;
        let answer = signed(&world, &reply(&world, &id, json!({"text": text}))).await;
        match decision {
            Some(decision) => assert_eq!(answer.json()["decision"], decision, "{text}"),
            None => {
                assert_eq!(
                    (answer.status, answer.code().as_str()),
                    (422, "unknown_answer"),
                    "{text}"
                );
                assert_eq!(
                    answer.json()["details"]["possible"],
                    json!(["approve", "deny", "needs_more_info", "red", "blue"])
                );
                // Said again properly, it counts.
                let better = reply(&world, &id, json!({"text": "red"}));
                assert_eq!(signed(&world, &better).await.json()["decision"], "red");
            }
        }
    }
}

#[tokio::test]
async fn who_is_late_learns_who_decided_what() {
    let world = World::new().await;
    let id = asked(&world, &[]).await;
    signed(&world, &reply(&world, &id, json!({}))).await;
    let late = reply(
        &world,
        &id,
        json!({"sender": "bob", "text": "deny", "message_id": "m-2"}),
    );
    let answer = signed(&world, &late).await;
    assert_eq!(answer.status, 200);
    let told = answer.json();
    assert_eq!(
        (&told["processed"], &told["code"]),
        (&json!(false), &json!("already_decided"))
    );
    assert_eq!(
        (&told["decision"], &told["decider"]),
        (&json!("approve"), &json!("openclaw:ann"))
    );
    assert!(told["decided_at"].is_string());
    assert_eq!(
        world.decision(&id).await.decision.as_deref(),
        Some("approve")
    );
    world.sql("UPDATE decision SET status = 'expired'").await;
    let too_late = reply(&world, &id, json!({"message_id": "m-3"}));
    assert_eq!(
        signed(&world, &too_late).await.json()["code"],
        "decision_expired"
    );
}

#[tokio::test]
async fn what_is_about_nothing_is_taken_and_changes_nothing() {
    let world = World::new().await;
    for (key, code) in [
        ("loom:decision:none", "decision_not_found"),
        ("loom:bead:bd-1", "unknown_session_key"),
        ("agent:main", "unknown_session_key"),
        ("", "unknown_session_key"),
    ] {
        let body = reply(
            &world,
            "",
            json!({"session_key": key, "message_id": key.to_owned() + "x"}),
        );
        let answer = signed(&world, &body).await;
        assert_eq!(answer.status, 200);
        assert_eq!(
            (&answer.json()["processed"], &answer.json()["code"]),
            (&json!(false), &json!(code))
        );
    }
}

#[tokio::test]
async fn what_is_forged_replayed_unnamed_or_broken_is_refused_and_changes_nothing() {
    let world = World::new().await;
    let id = asked(&world, &[]).await;
    let good = reply(&world, &id, json!({}));
    let at = |minutes: i64| Timestamp(world.platform.clock().now() + minutes * MINUTE).to_rfc3339();
    let before = world.everything().await;
    let right = sign(&world.secrets.replies, &good);
    for (body, signature, status, code) in [
        (good.clone(), None, 401, "signature_missing"),
        (good.clone(), Some(String::new()), 401, "signature_invalid"),
        (
            good.clone(),
            Some(sign("another key", &good)),
            401,
            "signature_invalid",
        ),
        (
            good.clone(),
            Some(right[..62].to_owned()),
            401,
            "signature_invalid",
        ),
        (
            good.replace("approve", "deny"),
            Some(right.clone()),
            401,
            "signature_invalid",
        ),
        (
            format!("{good} "),
            Some(right.clone()),
            401,
            "signature_invalid",
        ),
    ] {
        let answer = post(&world, &body, signature.as_deref()).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (status, code),
            "{signature:?}"
        );
    }
    for (body, status, code) in [
        (
            reply(&world, &id, json!({"timestamp": at(-6)})),
            401,
            "message_outside_window",
        ),
        (
            reply(&world, &id, json!({"timestamp": at(6)})),
            401,
            "message_outside_window",
        ),
        (
            reply(&world, &id, json!({"sender": "mallory"})),
            403,
            "sender_not_allowed",
        ),
        (
            reply(&world, &id, json!({"sender": "bob", "channel": "telegram"})),
            403,
            "sender_not_allowed",
        ),
        (
            reply(&world, &id, json!({"sender": ""})),
            403,
            "sender_not_allowed",
        ),
        (
            reply(&world, &id, json!({"sender": "ann\n"})),
            422,
            "invalid_fields",
        ),
        (
            reply(&world, &id, json!({"text": ""})),
            422,
            "invalid_fields",
        ),
        (
            reply(&world, &id, json!({"text": "x".repeat(5000)})),
            422,
            "invalid_fields",
        ),
        (
            reply(&world, &id, json!({"message_id": null})),
            422,
            "invalid_fields",
        ),
        (
            reply(&world, &id, json!({"timestamp": null})),
            422,
            "invalid_fields",
        ),
        ("{".to_owned(), 400, "invalid_json"),
        ("x".repeat(70_000), 413, "body_too_large"),
    ] {
        let answer = signed(&world, &body).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (status, code),
            "{}",
            answer.json()
        );
    }
    let variables = world.platform.variables();
    variables.set("openclaw_senders", "");
    assert_eq!(signed(&world, &good).await.code(), "sender_not_allowed");
    variables.set("openclaw_secret", "");
    let answer = post(&world, &good, Some(&sign("", &good))).await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (404, "openclaw_not_configured")
    );
    assert_eq!(world.everything().await, before);
    variables.set("openclaw_senders", "ann");
    variables.set("openclaw_secret", &world.secrets.replies);
    let with_prefix = post(&world, &good, Some(&format!("sha256={right}"))).await;
    assert_eq!(with_prefix.json()["processed"], true);
}

#[tokio::test]
async fn replies_at_the_same_time_decide_once() {
    let world = World::new().await;
    let id = asked(&world, &[]).await;
    let texts = ["approve", "deny", "no", "yes"];
    let bodies: Vec<String> = texts
        .iter()
        .map(|text| reply(&world, &id, json!({"text": text, "message_id": text})))
        .collect();
    let answers =
        futures_util::future::join_all(bodies.iter().map(|body| signed(&world, body))).await;
    let won = answers
        .iter()
        .filter(|answer| answer.json()["processed"] == true)
        .count();
    assert_eq!(won, 1);
    let late = answers
        .iter()
        .filter(|answer| answer.json()["code"] == "already_decided")
        .count();
    assert_eq!(late, 3);
}

#[tokio::test]
async fn the_status_says_what_is_possible_and_no_more() {
    let world = World::new().await;
    world
        .connect(
            json!({"kind": "openclaw", "secret": "token", "url": "http://127.0.0.1:18789",
            "channel": "signal", "recipient": "+49"}),
        )
        .await;
    world.connect(json!({"name": "other"})).await;
    let viewer = token(&world.platform, Role::Viewer).await;
    let ask = || call("GET", &format!("{PATH}/status")).token(&viewer);
    let status = ask()
        .send(&world.platform, loom_connectors::handle)
        .await
        .json();
    assert_eq!(
        status,
        json!({"enabled": true, "senders": 2, "last_reply_at": null,
            "connectors": [{"name": "Team", "status": "active", "escalations_only": true, "is_usable": true}]})
    );
    world.platform.variables().set("openclaw_secret", "");
    let status = ask()
        .send(&world.platform, loom_connectors::handle)
        .await
        .json();
    assert_eq!(status["enabled"], false);
}
