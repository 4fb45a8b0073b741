use serde_json::{Value, json};

use crate::support::{World, new_project};

fn report() -> Value {
    json!({
        "title": "Cannot read 'x' of undefined at line 12", "source": "web-ui", "error_type": "TypeError",
        "message": "boom", "stack_trace": "at a\nat b", "context": {"page": "/beads"}, "severity": "high",
        "occurred_at": "2026-11-24T08:00:00Z"
    })
}

#[tokio::test]
async fn i9_an_error_is_filed_once_while_its_bead_is_open() {
    let world = World::new().await;
    let answer = world.post("/api/v1/beads/auto-file", report()).await;
    assert_eq!(answer.status, 201, "{}", answer.json());
    assert_eq!(answer.json()["created"], true);
    let id = answer.json()["bead_id"].as_str().unwrap().to_owned();
    let bead = world.read(&id).await;
    assert_eq!(
        bead["title"],
        "[auto-filed] [web-ui] Cannot read 'x' of undefined at line 12"
    );
    assert_eq!(
        (&bead["type"], &bead["priority"]),
        (&json!("bug"), &json!("P1"))
    );
    assert_eq!(bead["tags"], json!(["auto-filed", "web-ui", "TypeError"]));
    assert!(bead["description"].as_str().unwrap().contains("    at b"));
    assert_eq!(bead["context"]["page"], "/beads");
    let mut same = report();
    same["title"] = json!("Cannot read 'x' of undefined  at line 99");
    let again = world.post("/api/v1/beads/auto-file", same.clone()).await;
    assert_eq!(
        (again.status, again.json()),
        (200, json!({"bead_id": id, "created": false}))
    );
    world
        .patch(&format!("/api/v1/beads/{id}"), json!({"status": "closed"}))
        .await;
    let anew = world.post("/api/v1/beads/auto-file", same).await;
    assert_eq!(
        anew.status, 201,
        "a closed one does not keep a new one away"
    );
    world.quiet().await;
    assert_eq!(world.nudged(), 3);
}

#[tokio::test]
async fn severity_is_the_priority() {
    let world = World::new().await;
    for (severity, priority) in [
        (json!("critical"), "P0"),
        (json!("high"), "P1"),
        (json!("medium"), "P2"),
        (json!("low"), "P3"),
        (Value::Null, "P2"),
    ] {
        let mut body = report();
        body["title"] =
            json!(format!("about {priority}{severity}").replace(|c: char| c.is_ascii_digit(), "x"));
        body["error_type"] = json!(format!("E-{severity}"));
        body["severity"] = severity.clone();
        let answer = world.post("/api/v1/beads/auto-file", body).await;
        assert_eq!(answer.status, 201, "{}", answer.json());
        let bead = world.read(answer.json()["bead_id"].as_str().unwrap()).await;
        assert_eq!(bead["priority"], priority, "{severity}");
    }
}

#[tokio::test]
async fn without_a_project_there_must_be_one_alone() {
    let world = World::new().await;
    let other = new_project(&world.platform, "Other").await;
    let before = world.snapshot().await;
    let answer = world.post("/api/v1/beads/auto-file", report()).await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (422, "invalid_fields")
    );
    assert!(
        answer.json()["fields"]["project_id"]
            .as_str()
            .unwrap()
            .contains("more than one")
    );
    assert_eq!(world.snapshot().await, before);
    let mut body = report();
    body["project_id"] = json!(other);
    assert_eq!(
        world.post("/api/v1/beads/auto-file", body).await.status,
        201
    );
}

#[tokio::test]
async fn bad_reports_change_nothing() {
    let world = World::new().await;
    let before = world.snapshot().await;
    for (field, value) in [
        ("title", json!("")),
        ("title", json!("x".repeat(501))),
        ("source", json!("a\nb")),
        ("error_type", json!(7)),
        ("severity", json!("fatal")),
        ("occurred_at", json!("now")),
        ("message", json!("x".repeat(65 * 1024))),
        ("project_id", json!("none")),
        ("colour", json!("red")),
    ] {
        let mut body = report();
        body[field] = value;
        let answer = world.post("/api/v1/beads/auto-file", body).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (422, "invalid_fields"),
            "{field}"
        );
        assert!(
            answer.json()["fields"].get(field).is_some(),
            "{field}: {}",
            answer.json()
        );
        assert_eq!(world.snapshot().await, before, "{field}");
    }
}
