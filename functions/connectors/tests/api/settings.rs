use loom_api::testing::call;
use loom_platform::Platform;
use serde_json::json;

use crate::world::{BASE, World};

#[tokio::test]
async fn a_connector_is_made_read_changed_and_deleted() {
    let world = World::new().await;
    let created = world.create(json!({"min_priority": "P1"})).await;
    let made = created.json();
    let id = made["id"].as_str().unwrap();
    let path = format!("{BASE}/{id}");
    assert_eq!(
        (created.status, created.header("location")),
        (201, path.as_str())
    );
    assert_eq!(made["url"], "{{secret:team}}");
    assert_eq!(
        (&made["host"], &made["problem"]),
        (&json!("https://hooks.example.com"), &json!(null))
    );
    let read = world.get(&path).await;
    assert_eq!(read.json(), made);
    let etag = read.header("etag").to_owned();
    let put = call("PUT", &path).header("if-match", &etag);
    let changed = world
        .send(put.json(json!({"min_priority": null, "name": "Ops"})))
        .await;
    assert_eq!(
        (&changed.json()["min_priority"], &changed.json()["name"]),
        (&json!(null), &json!("Ops"))
    );
    let stale = call("PATCH", &path).header("if-match", &etag);
    assert_eq!(
        world.send(stale.json(json!({"name": "X"}))).await.status,
        412
    );
    assert_eq!(world.get(BASE).await.json().as_array().unwrap().len(), 1);
    assert_eq!(world.send(call("DELETE", &path)).await.status, 204);
    assert_eq!(world.get(&path).await.code(), "connector_not_found");
    let told = "SELECT COUNT(*) FROM event WHERE kind LIKE 'connector.%'";
    assert_eq!(world.count(told).await, 3);
}

#[tokio::test]
async fn what_cannot_work_is_refused_and_changes_nothing() {
    let world = World::new().await;
    let id = world.connect(json!({})).await;
    let before = world.everything().await;
    for (change, status, code) in [
        (
            json!({"name": "b", "url": "https://other.example.com/x"}),
            422,
            "host_not_allowed",
        ),
        (
            json!({"name": "b", "url": "https://hooks.example.com:8443/x"}),
            422,
            "host_not_allowed",
        ),
        (
            json!({"name": "b", "url": "https://none.invalid/x"}),
            422,
            "host_not_allowed",
        ),
        (
            json!({"name": "b", "url": "http://127.0.0.1:1/x"}),
            422,
            "host_not_allowed",
        ),
        (
            json!({"name": "b", "url": "http://hooks.example.com/x"}),
            422,
            "invalid_fields",
        ),
        (
            json!({"name": "b", "url": "https://hooks.example.com@10.0.0.1/x"}),
            422,
            "invalid_fields",
        ),
        (
            json!({"name": "b", "url": "https://10.0.0.1/x"}),
            422,
            "invalid_fields",
        ),
        (
            json!({"name": "b", "url": "https://beads.spin.internal/x"}),
            422,
            "invalid_fields",
        ),
        (
            json!({"name": "b", "url": "{{secret:none}}"}),
            422,
            "secret_not_found",
        ),
        (
            json!({"name": "b", "secret": "none"}),
            422,
            "secret_not_found",
        ),
        (
            json!({"name": "b", "url": "https://hooks.slack.com/services/T/B/x"}),
            422,
            "secret_in_url",
        ),
        (
            json!({"name": "b", "events": ["moon"]}),
            422,
            "invalid_fields",
        ),
        (
            json!({"name": "b", "project_id": "none"}),
            422,
            "invalid_fields",
        ),
        (json!({"name": "b", "token": "x"}), 422, "invalid_fields"),
        (json!({}), 409, "connector_exists"),
    ] {
        let answer = world.create(change.clone()).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (status, code),
            "{change}: {}",
            answer.json()
        );
    }
    let path = format!("{BASE}/{id}");
    for (change, code) in [
        (
            json!({"url": "https://other.example.com/x"}),
            "host_not_allowed",
        ),
        (json!({"secret": "none"}), "secret_not_found"),
        (json!({"kind": "slack"}), "invalid_fields"),
    ] {
        let answer = world.send(call("PATCH", &path).json(change)).await;
        assert_eq!((answer.status, answer.code().as_str()), (422, code));
    }
    assert_eq!(world.everything().await, before);
    assert!(world.receiver.got().is_empty());
}

#[tokio::test]
async fn variables_that_cannot_be_read_are_named_and_those_that_are_gone_are_shown() {
    let world = World::new().await;
    let id = world.connect(json!({})).await;
    let path = format!("{BASE}/{id}");
    for (name, value) in [
        ("connector_host_2", "hooks.example.com"),
        ("connector_secrets", "hush"),
    ] {
        let before = world.platform.variables().clone();
        before.set(name, value);
        let answer = world.get(&path).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (503, "not_configured")
        );
        assert!(
            answer.json()["error"]
                .as_str()
                .unwrap()
                .contains(&name[..14])
        );
        before.set(name, "");
    }
    let seen = world.get(&path).await.json();
    assert_eq!(seen["host"], json!(null));
    assert!(seen["problem"].as_str().unwrap().contains("no secret team"));
    // It can be renamed and paused all the same.
    let renamed = world
        .send(call("PATCH", &path).json(json!({"name": "Ops"})))
        .await;
    assert_eq!(renamed.status, 200);
    assert_eq!(
        world.post(&format!("{path}/pause"), json!({})).await.json()["status"],
        "paused"
    );
}

#[tokio::test]
async fn a_test_is_sent_at_once_and_logged_and_counts_for_nothing() {
    let world = World::new().await;
    let id = world.connect(json!({})).await;
    let path = format!("{BASE}/{id}");
    world.post(&format!("{path}/pause"), json!({})).await;
    world.receiver.will(200, &[]);
    let good = world.post(&format!("{path}/test"), json!({})).await.json();
    assert_eq!(
        (&good["status"], &good["response_status"]),
        (&json!("delivered"), &json!(200))
    );
    for _ in 0..6 {
        world.receiver.will(404, &[]);
        let bad = world.post(&format!("{path}/test"), json!({})).await.json();
        assert_eq!(
            (&bad["status"], &bad["code"]),
            (&json!("failed"), &json!("refused"))
        );
        assert_eq!(bad["next_attempt_at"], json!(null));
    }
    let got = world.receiver.got();
    assert_eq!(got[0].header("x-loom-event"), "connector.test");
    assert_eq!(got[0].header("x-loom-delivery"), good["id"]);
    assert_eq!(world.log(&id).await.len(), 7);
    assert_eq!(world.get(&path).await.json()["consecutive_failures"], 0);
    let only_good = world
        .get(&format!("{path}/deliveries?status=delivered&limit=1"))
        .await;
    assert_eq!(only_good.json().as_array().unwrap().len(), 1);
}
