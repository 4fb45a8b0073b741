use std::{cell::RefCell, rc::Rc};

use loom_api::{divert_log, testing::call};
use loom_domain::{
    decision::{DecisionKind, NewDecision},
    event::EventKind,
};
use loom_platform::Platform;
use serde_json::json;

use crate::world::{BASE, World};

#[tokio::test]
async fn no_secret_is_in_a_response_a_log_line_or_the_database() {
    let lines = Rc::new(RefCell::new(Vec::new()));
    let sink = Rc::clone(&lines);
    divert_log(Some(Box::new(move |line| {
        sink.borrow_mut().push(line.to_owned())
    })));
    let world = World::new().await;
    let mut answers = Vec::new();
    for change in [
        json!({}),
        json!({"name": "s", "kind": "slack", "secret": null}),
        json!({"name": "d", "kind": "discord", "secret": null, "url": "https://hooks.example.com/d/{{secret:part}}"}),
        json!({"name": "o", "kind": "openclaw", "secret": "token", "url": "http://127.0.0.1:18789",
               "channel": "signal", "recipient": "+49"}),
    ] {
        answers.push(world.create(change).await);
    }
    world
        .ask(NewDecision::new(
            DecisionKind::Escalation,
            "escalation:1",
            "Drop it?",
        ))
        .await;
    for (status, headers) in [
        (500, vec![]),
        (302, vec![("location", "https://elsewhere.example.com/")]),
        (429, vec![]),
    ] {
        world.receiver.will(status, &headers);
    }
    world.sweep().await;
    world.event(EventKind::LessonCreated).await;
    // A host that is not allowed any more, one that cannot be reached, a secret that makes no URL.
    let variables = world.platform.variables();
    variables.set("connector_host_1", "https://none.invalid");
    world.hurry().await;
    answers.push(world.get(BASE).await);
    world.sweep().await;
    let bad = format!(
        "team=https://{}@hooks.example.com part={} sign={}",
        world.secrets.path, world.secrets.path, world.secrets.signing
    );
    variables.set("connector_secrets", bad);
    variables.set("connector_host_1", "https://hooks.example.com");
    world.hurry().await;
    answers.push(world.get(BASE).await);
    world.sweep().await;
    variables.set("connector_secrets", format!("team {}", world.secrets.path));
    answers.push(world.get(BASE).await);
    let sweep = call("POST", "/internal/sweep");
    answers.push(sweep.send(&world.platform, loom_connectors::handle).await);
    answers.push(world.create(json!({"name": "x", "url": format!("https://hooks.slack.com/services/{}", world.secrets.path)})).await);
    variables.set(
        "connector_secrets",
        format!("team=https://hooks.example.com/{}", world.secrets.path),
    );
    answers.push(world.create(json!({"name": "x", "url": format!("https://hooks.slack.com/services/{}", world.secrets.path)})).await);
    for one in world.get(BASE).await.json().as_array().unwrap() {
        let path = format!("{BASE}/{}/deliveries", one["id"].as_str().unwrap());
        answers.push(world.get(&path).await);
    }
    answers.push(world.get("/api/v1/webhooks/openclaw/status").await);
    let signed = call("POST", "/api/v1/webhooks/openclaw")
        .header("x-openclaw-signature", &"0".repeat(64))
        .body("{}");
    answers.push(signed.send(&world.platform, loom_connectors::handle).await);
    divert_log(None);
    assert!(!lines.borrow().is_empty() && !world.receiver.got().is_empty());
    let mut shown = world.everything().await;
    shown.extend(lines.borrow().iter().cloned());
    shown.extend(answers.iter().map(|answer| {
        format!(
            "{:?} {}",
            answer.headers,
            String::from_utf8_lossy(&answer.body)
        )
    }));
    let secrets = &world.secrets;
    for secret in [
        &secrets.path,
        &secrets.signing,
        &secrets.token,
        &secrets.replies,
    ] {
        for text in &shown {
            assert!(!text.contains(secret.as_str()), "{secret} is in {text}");
        }
    }
}
