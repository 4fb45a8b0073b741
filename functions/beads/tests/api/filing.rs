use loom_api::testing::call;
use serde_json::{Value, json};

use crate::support::World;

#[tokio::test]
async fn a_bead_is_filed_read_and_announced() {
    let world = World::new().await;
    let parent = world.bead(json!({})).await;
    let blocker = world.bead(json!({})).await;
    let answer = world
        .post(
            "/api/v1/beads",
            json!({
                "project_id": world.project, "title": " Fix the parser ", "type": "chore", "priority": "P0",
                "description": "It panics.", "parent": parent, "tags": ["parser"], "blocked_by": [blocker],
                "related": [parent], "touches": ["src/*.rs"], "context": {"issue": 7}, "estimate_minutes": 30,
                "due_at": "2027-01-01T00:00:00Z"
            }),
        )
        .await;
    assert_eq!(answer.status, 201, "{}", answer.json());
    let filed = answer.json();
    let id = filed["id"].as_str().unwrap();
    assert!(
        id.starts_with("demo-") && id.len() >= "demo-".len() + 5,
        "{id}"
    );
    assert_eq!(answer.header("location"), format!("/api/v1/beads/{id}"));
    assert_eq!(answer.header("etag"), "\"v1\"");
    assert_eq!(filed["title"], "Fix the parser");
    assert_eq!(filed["priority"], "P0");
    assert_eq!(filed["status"], "open");
    assert_eq!(filed["open_blockers"], 1);
    assert_eq!(filed["created_by"], "admin");
    assert_eq!(filed["context"]["issue"], 7);
    assert_eq!(world.read(id).await, filed);
    assert_eq!(world.events(id).await, ["bead.created"]);
    world.quiet().await;
    assert_eq!(world.nudged(), 3, "each filing tells the dispatcher");
}

/// Issue "done when" 5: each with status, code, and nothing changed.
#[tokio::test]
async fn bad_input_is_refused_and_changes_nothing() {
    let world = World::new().await;
    let before = world.snapshot().await;
    let project = world.project.clone();
    let with = |fields: Value| {
        let mut body = json!({"project_id": project, "title": "x"});
        for (name, value) in fields.as_object().unwrap() {
            body[name] = value.clone();
        }
        body.to_string().into_bytes()
    };
    let cases: Vec<(&str, Vec<u8>, u16, &str, &str)> = vec![
        (
            "broken JSON",
            b"{\"title\":".to_vec(),
            400,
            "invalid_json",
            "",
        ),
        ("empty body", b"".to_vec(), 400, "invalid_json", ""),
        (
            "not UTF-8",
            b"{\"title\":\"\xff\"}".to_vec(),
            400,
            "invalid_utf8",
            "",
        ),
        (
            "unknown field",
            with(json!({"titel": "y"})),
            422,
            "invalid_fields",
            "titel",
        ),
        (
            "wrong type",
            with(json!({"title": 7})),
            422,
            "invalid_fields",
            "title",
        ),
        ("a text", b"\"x\"".to_vec(), 422, "invalid_fields", "$"),
        (
            "2 MiB",
            vec![b' '; 2 * 1024 * 1024],
            413,
            "body_too_large",
            "",
        ),
        (
            "P9",
            with(json!({"priority": "P9"})),
            422,
            "invalid_fields",
            "priority",
        ),
        (
            "priority 4",
            with(json!({"priority": 4})),
            422,
            "invalid_fields",
            "priority",
        ),
        (
            "empty title",
            with(json!({"title": "  "})),
            422,
            "invalid_fields",
            "title",
        ),
        (
            "long title",
            with(json!({"title": "x".repeat(10_000)})),
            422,
            "invalid_fields",
            "title",
        ),
        (
            "no title",
            json!({"project_id": world.project}).to_string().into(),
            422,
            "invalid_fields",
            "title",
        ),
        (
            "unknown project",
            with(json!({"project_id": "none"})),
            422,
            "invalid_fields",
            "project_id",
        ),
        (
            "unknown parent",
            with(json!({"parent": "demo-none"})),
            422,
            "invalid_fields",
            "parent",
        ),
        (
            "unknown blocker",
            with(json!({"blocked_by": ["demo-none"]})),
            422,
            "invalid_fields",
            "blocked_by",
        ),
        (
            "unknown agent",
            with(json!({"assigned_to": "none"})),
            422,
            "invalid_fields",
            "assigned_to",
        ),
        (
            "closed at birth",
            with(json!({"status": "closed"})),
            422,
            "invalid_fields",
            "status",
        ),
        (
            "path out of the repository",
            with(json!({"touches": ["../../etc"]})),
            422,
            "invalid_fields",
            "touches",
        ),
        (
            "no moment",
            with(json!({"due_at": "soon"})),
            422,
            "invalid_fields",
            "due_at",
        ),
    ];
    for (what, body, status, code, field) in cases {
        let request = call("POST", "/api/v1/beads")
            .header("content-type", "application/json")
            .body(body);
        let answer = world.send(request).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (status, code),
            "{what}: {}",
            answer.json()
        );
        if !field.is_empty() {
            assert!(
                answer.json()["fields"].get(field).is_some(),
                "{what}: {}",
                answer.json()
            );
        }
        assert_eq!(world.snapshot().await, before, "{what}");
    }
    let answer = world
        .send(
            call("POST", "/api/v1/beads")
                .header("content-type", "text/plain")
                .body("x"),
        )
        .await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (415, "unsupported_media_type")
    );
    let answer = world.get("/api/v1/beads/demo-none").await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (404, "bead_not_found")
    );
    let answer = world.send(call("PUT", "/api/v1/beads")).await;
    assert_eq!(
        (answer.status, answer.header("allow")),
        (405, "GET, POST, HEAD, OPTIONS")
    );
    world.quiet().await;
    assert_eq!(world.nudged(), 0);
}

#[tokio::test]
async fn a_repeated_request_with_a_key_files_once() {
    let world = World::new().await;
    let body = json!({"project_id": world.project, "title": "once"});
    let request = || {
        call("POST", "/api/v1/beads")
            .header("idempotency-key", "k1")
            .json(body.clone())
    };
    let first = world.send(request()).await;
    let second = world.send(request()).await;
    assert_eq!((first.status, second.status), (201, 201));
    assert_eq!(first.json(), second.json());
    assert_eq!(
        world
            .get("/api/v1/beads")
            .await
            .json()
            .as_array()
            .unwrap()
            .len(),
        1
    );
}
