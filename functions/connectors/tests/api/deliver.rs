use hmac::{Hmac, KeyInit, Mac};
use loom_domain::{
    decision::{DecisionKind, NewDecision},
    event::EventKind,
    hex,
};
use loom_platform::Platform;
use serde_json::json;
use sha2::Sha256;

use crate::world::{BASE, LOOM, World};

fn question() -> NewDecision {
    NewDecision::new(
        DecisionKind::Escalation,
        "escalation:1",
        "Drop it, @everyone? <!channel> https://evil.example",
    )
}

#[tokio::test]
async fn a_webhook_gets_the_event_signed() {
    let world = World::new().await;
    world.connect(json!({})).await;
    let id = world.ask(question()).await;
    assert_eq!(
        world.sweep().await,
        json!({"connectors": 1, "delivered": 2, "failed": 0})
    );
    let got = world.receiver.got();
    let asked = got
        .iter()
        .find(|one| one.header("x-loom-event") == "decision.created")
        .unwrap();
    assert_eq!(
        asked.uri,
        format!("https://hooks.example.com/T/{}", world.secrets.path)
    );
    let mut mac = Hmac::<Sha256>::new_from_slice(world.secrets.signing.as_bytes()).unwrap();
    mac.update(asked.header("x-loom-timestamp").as_bytes());
    mac.update(b".");
    mac.update(&asked.body);
    let digits = hex::encode(&mac.finalize().into_bytes());
    assert_eq!(
        asked.header("x-loom-signature-256"),
        format!("sha256={digits}")
    );
    let body = asked.json();
    assert_eq!(body["id"], asked.header("x-loom-delivery"));
    assert_eq!(body["url"], format!("{LOOM}/decisions/{id}"));
    assert_eq!(body["event"]["data"]["decision_id"], id);
    assert!(
        body["text"]
            .as_str()
            .unwrap()
            .contains("To do: a person answers with one of: approve, deny")
    );
    // Nothing is left, and nothing is sent twice.
    assert_eq!(world.sweep().await["delivered"], 0);
    assert_eq!(world.receiver.got().len(), 2);
}

#[tokio::test]
async fn slack_discord_and_openclaw_get_their_own_forms() {
    let world = World::new().await;
    let only_questions = json!(["decision.created"]);
    for change in [
        json!({"name": "s", "kind": "slack", "secret": null, "events": only_questions}),
        json!({"name": "d", "kind": "discord", "secret": null, "events": only_questions,
               "url": "https://hooks.example.com/d/{{secret:part}}"}),
        json!({"name": "o", "kind": "openclaw", "secret": "token", "url": "http://127.0.0.1:18789/",
               "channel": "signal", "recipient": "+49"}),
    ] {
        world.connect(change).await;
    }
    let id = world.ask(question()).await;
    world.event(EventKind::LessonCreated).await;
    world.sweep().await;
    let got = world.receiver.got();
    assert_eq!(got.len(), 3);
    let of = |part: &str| got.iter().find(|one| one.uri.contains(part)).unwrap();
    let slack = of("/T/");
    let text = slack.json()["text"].as_str().unwrap().to_owned();
    assert!(
        text.contains("&lt;!channel&gt;") && !text.contains("@everyone"),
        "{text}"
    );
    assert!(text.ends_with(&format!("<{LOOM}/decisions/{id}|Open in Loom>")));
    let discord = of("/d/").json();
    assert_eq!(discord["allowed_mentions"]["parse"], json!([]));
    assert!(
        !discord["content"]
            .as_str()
            .unwrap()
            .contains("https://evil")
    );
    let openclaw = of("127.0.0.1");
    assert_eq!(openclaw.uri, "http://127.0.0.1:18789/hooks/agent");
    assert_eq!(
        openclaw.header("authorization"),
        format!("Bearer {}", world.secrets.token)
    );
    assert_eq!(
        openclaw.json()["session_key"],
        format!("loom:decision:{id}")
    );
    let mut fields: Vec<String> = openclaw
        .json()
        .as_object()
        .unwrap()
        .keys()
        .cloned()
        .collect();
    fields.sort();
    assert_eq!(
        fields,
        [
            "agent_id",
            "channel",
            "message",
            "priority",
            "recipient",
            "session_key"
        ]
    );
    for one in [slack, of("/d/"), openclaw] {
        assert_eq!(one.header("x-loom-signature-256"), "");
        assert_ne!(one.header("x-loom-delivery"), "");
    }
}

#[tokio::test]
async fn a_connector_of_a_project_hears_of_that_alone_and_others_of_their_priority() {
    let world = World::new().await;
    world
        .connect(json!({"name": "here", "project_id": world.project, "min_priority": "P0"}))
        .await;
    world
        .connect(json!({"name": "urgent", "escalations_only": true}))
        .await;
    world.bead("An ordinary bead").await;
    world.sweep().await;
    assert!(world.receiver.got().is_empty());
    world.ask(question()).await;
    world.sweep().await;
    let events: Vec<String> = world
        .receiver
        .got()
        .iter()
        .map(|one| one.header("x-loom-event"))
        .collect();
    assert_eq!(events, ["decision.created"]);
}

#[tokio::test]
async fn what_fails_is_sent_again_under_its_id_and_not_too_soon() {
    let world = World::new().await;
    let id = world.connect(json!({"events": ["lesson.created"]})).await;
    world.event(EventKind::LessonCreated).await;
    world.receiver.will(500, &[]);
    assert_eq!(world.sweep().await["failed"], 1);
    let log = world.log(&id).await;
    assert_eq!(
        (
            &log[0]["status"],
            &log[0]["attempts"],
            &log[0]["response_status"]
        ),
        (&json!("pending"), &json!(1), &json!(500))
    );
    assert!(log[0]["next_attempt_at"].as_str() > log[0]["attempted_at"].as_str());
    // Not due yet.
    assert_eq!(
        world.sweep().await,
        json!({"connectors": 1, "delivered": 0, "failed": 0})
    );
    world.hurry().await;
    assert_eq!(world.sweep().await["delivered"], 1);
    let ids = world.receiver.ids();
    assert_eq!((ids.len(), &ids[0]), (2, &ids[1]));
    let log = world.log(&id).await;
    assert_eq!(
        (&log[0]["status"], &log[0]["attempts"], &log[0]["code"]),
        (&json!("delivered"), &json!(2), &json!(null))
    );
}

#[tokio::test]
async fn retry_after_is_honoured_for_everything() {
    let world = World::new().await;
    world.connect(json!({"events": ["lesson.created"]})).await;
    for _ in 0..2 {
        world.event(EventKind::LessonCreated).await;
    }
    world.receiver.will(429, &[("retry-after", "1800")]);
    world.sweep().await;
    world.event(EventKind::LessonCreated).await;
    world.sweep().await;
    assert_eq!(
        world.receiver.got().len(),
        1,
        "nothing else is sent meanwhile"
    );
    let sql = "SELECT COUNT(*) FROM connector_delivery WHERE next_attempt_at - created_at BETWEEN 1700000 AND 1900000";
    assert_eq!(world.count(sql).await, 3);
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let world = World::new().await;
    let id = world.connect(json!({"events": ["lesson.created"]})).await;
    world.event(EventKind::LessonCreated).await;
    world
        .receiver
        .will(302, &[("location", "https://elsewhere.example.com/")]);
    world.sweep().await;
    assert_eq!(world.receiver.got().len(), 1);
    let log = world.log(&id).await;
    assert_eq!(
        (&log[0]["status"], &log[0]["code"]),
        (&json!("failed"), &json!("redirected"))
    );
}

#[tokio::test]
async fn five_failures_in_a_row_pause_a_connector_and_an_admin_has_it_go_on() {
    let world = World::new().await;
    let id = world.connect(json!({"events": ["lesson.created"]})).await;
    world.connect(json!({"name": "watcher", "events": ["connector.paused"], "url": "https://hooks.example.com/w"})).await;
    for _ in 0..7 {
        world.event(EventKind::LessonCreated).await;
    }
    for _ in 0..5 {
        world.receiver.will(410, &[]);
        world.sweep().await;
    }
    let path = format!("{BASE}/{id}");
    let paused = world.get(&path).await.json();
    assert_eq!(paused["status"], "paused");
    assert!(paused["paused_reason"].as_str().unwrap().contains("410"));
    world.sweep().await;
    let told = world.receiver.got().last().unwrap().json();
    assert_eq!(told["event"]["data"]["connector_id"], id);
    assert!(
        told["text"]
            .as_str()
            .unwrap()
            .contains("Connector Team is paused: 5 deliveries in a row failed.")
    );
    world.sweep().await;
    assert_eq!(world.receiver.got().len(), 6, "nothing more is sent");
    let resumed = world
        .post(&format!("{path}/resume"), json!({}))
        .await
        .json();
    assert_eq!(
        (&resumed["status"], &resumed["consecutive_failures"]),
        (&json!("active"), &json!(0))
    );
    world.sweep().await;
    assert_eq!(world.receiver.got().len(), 8, "what was held is sent");
    assert_eq!(
        world
            .post(&format!("{path}/resume"), json!({}))
            .await
            .code(),
        "connector_active"
    );
}

#[tokio::test]
async fn a_secret_that_is_gone_sends_nothing_until_it_is_back() {
    let world = World::new().await;
    let id = world.connect(json!({"events": ["lesson.created"]})).await;
    world.event(EventKind::LessonCreated).await;
    let variables = world.platform.variables();
    variables.set("connector_host_1", "https://none.invalid");
    world.sweep().await;
    assert!(world.receiver.got().is_empty());
    assert_eq!(world.log(&id).await[0]["code"], "host_not_allowed");
    variables.set("connector_host_1", "https://*.example.com");
    world.hurry().await;
    assert_eq!(world.sweep().await["delivered"], 1);
}

#[tokio::test]
async fn sweeps_at_the_same_time_send_each_once() {
    let world = World::new().await;
    world.connect(json!({"events": ["lesson.created"]})).await;
    for _ in 0..10 {
        world.event(EventKind::LessonCreated).await;
    }
    let (a, b, c) = futures_util::future::join3(world.sweep(), world.sweep(), world.sweep()).await;
    let sent: i64 = [a, b, c]
        .iter()
        .map(|report| report["delivered"].as_i64().unwrap())
        .sum();
    assert_eq!(sent, 10);
    let mut ids = world.receiver.ids();
    ids.sort();
    ids.dedup();
    assert_eq!((ids.len(), world.receiver.got().len()), (10, 10));
}
