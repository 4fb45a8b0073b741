use loom_api::testing::call;
use serde_json::json;

use crate::support::{World, new_agent, new_project};

#[tokio::test]
async fn put_and_patch_change_only_what_they_name() {
    let world = World::new().await;
    let id = world
        .bead(json!({"tags": ["a", "b"], "context": {"x": 1, "y": 2}, "estimate_minutes": 5}))
        .await;
    for method in ["PUT", "PATCH"] {
        let body =
            json!({"description": method, "tags": [method], "context": {"x": null, "z": method}});
        let answer = world
            .send(call(method, &format!("/api/v1/beads/{id}")).json(body))
            .await;
        assert_eq!(answer.status, 200, "{}", answer.json());
        let bead = answer.json();
        assert_eq!(bead["description"], method);
        assert_eq!(bead["tags"], json!([method]));
        assert_eq!(bead["context"], json!({"y": 2, "z": method}));
        assert_eq!(
            (&bead["title"], &bead["estimate_minutes"]),
            (&json!("Fix it"), &json!(5))
        );
        assert_eq!(answer.header("etag"), format!("\"v{}\"", bead["version"]));
    }
    let answer = world
        .patch(
            &format!("/api/v1/beads/{id}"),
            json!({"estimate_minutes": null}),
        )
        .await;
    assert_eq!(answer.json()["estimate_minutes"], json!(null));
    let version = answer.json()["version"].clone();
    let answer = world.patch(&format!("/api/v1/beads/{id}"), json!({})).await;
    assert_eq!(
        answer.json()["version"],
        version,
        "nothing asked for, nothing changed"
    );
}

#[tokio::test]
async fn an_outdated_version_is_refused() {
    let world = World::new().await;
    let id = world.bead(json!({})).await;
    let path = format!("/api/v1/beads/{id}");
    let tag = world.get(&path).await.header("etag").to_owned();
    let change = |title: &str, tag: &str| {
        call("PATCH", &path)
            .header("if-match", tag)
            .json(json!({"title": title}))
    };
    assert_eq!(world.send(change("one", &tag)).await.status, 200);
    let before = world.snapshot().await;
    let answer = world.send(change("two", &tag)).await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (412, "version_conflict")
    );
    let answer = world
        .send(call("DELETE", &path).header("if-match", &tag))
        .await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (412, "version_conflict")
    );
    assert_eq!(world.snapshot().await, before);
    let answer = world
        .send(call("GET", &path).header("if-none-match", world.get(&path).await.header("etag")))
        .await;
    assert_eq!(answer.status, 304);
}

#[tokio::test]
async fn illegal_changes_are_refused_and_change_nothing() {
    let world = World::new().await;
    let first = world.bead(json!({})).await;
    let second = world
        .bead(json!({"blocked_by": [first], "parent": first}))
        .await;
    let third = world
        .bead(json!({"blocked_by": [second], "parent": second}))
        .await;
    let done = world.bead(json!({})).await;
    world
        .patch(
            &format!("/api/v1/beads/{done}"),
            json!({"status": "closed"}),
        )
        .await;
    let other = new_project(&world.platform, "Other").await;
    let before = world.snapshot().await;
    for (id, body, status, code) in [
        (
            &done,
            json!({"status": "in_progress"}),
            409,
            "illegal_transition",
        ),
        (
            &first,
            json!({"blocked_by": [third]}),
            409,
            "dependency_cycle",
        ),
        (
            &first,
            json!({"blocked_by": [first]}),
            409,
            "dependency_cycle",
        ),
        (&first, json!({"parent": third}), 409, "parent_cycle"),
        (&first, json!({"project_id": other}), 422, "invalid_fields"),
        (&first, json!({"status": "ready"}), 422, "invalid_fields"),
        (&first, json!({"title": ""}), 422, "invalid_fields"),
        (
            &first,
            json!({"blocked_by": ["demo-none"]}),
            422,
            "invalid_fields",
        ),
        (
            &first,
            json!({"description": "would change", "parent": "demo-none"}),
            422,
            "invalid_fields",
        ),
    ] {
        let answer = world
            .patch(&format!("/api/v1/beads/{id}"), body.clone())
            .await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (status, code),
            "{body}: {}",
            answer.json()
        );
        assert_eq!(world.snapshot().await, before, "{body}");
    }
    let answer = world
        .patch(
            &format!("/api/v1/beads/{done}"),
            json!({"status": "in_progress"}),
        )
        .await;
    assert_eq!(
        answer.json()["details"],
        json!({"from": "closed", "to": "in_progress"})
    );
    let answer = world
        .patch(
            &format!("/api/v1/beads/{first}"),
            json!({"blocked_by": [third]}),
        )
        .await;
    assert_eq!(
        answer.json()["details"]["path"],
        json!([first, third, second, first])
    );
    let answer = world
        .patch("/api/v1/beads/demo-none", json!({"title": "x"}))
        .await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (404, "bead_not_found")
    );
}

#[tokio::test]
async fn closing_frees_what_it_blocks_and_reopening_blocks_again() {
    let world = World::new().await;
    let blocker = world.bead(json!({})).await;
    let blocked = world.bead(json!({"blocked_by": [blocker]})).await;
    let path = format!("/api/v1/beads/{blocker}");
    world.quiet().await;
    let nudged = world.nudged();
    let answer = world
        .patch(
            &path,
            json!({"status": "closed", "close_reason": "done by hand"}),
        )
        .await;
    assert_eq!(answer.json()["close_reason"], "done by hand");
    assert!(answer.json()["closed_at"].is_string());
    assert_eq!(world.read(&blocked).await["open_blockers"], 0);
    world.quiet().await;
    assert_eq!(
        world.nudged(),
        nudged + 1,
        "the freed bead is dispatched at once"
    );
    world.patch(&path, json!({"status": "open"})).await;
    assert_eq!(world.read(&blocked).await["open_blockers"], 1);
    let kinds = [
        "bead.created",
        "bead.status_change",
        "bead.completed",
        "bead.status_change",
    ];
    assert_eq!(world.events(&blocker).await, kinds);
}

#[tokio::test]
async fn a_deleted_bead_is_gone_and_blocks_nobody() {
    let world = World::new().await;
    let id = world.bead(json!({})).await;
    let blocked = world.bead(json!({"blocked_by": [id]})).await;
    world
        .post(
            &format!("/api/v1/beads/{id}/claim"),
            json!({"agent_id": world.agent}),
        )
        .await;
    let answer = world
        .send(call("DELETE", &format!("/api/v1/beads/{id}")))
        .await;
    assert_eq!((answer.status, answer.body.len()), (204, 0));
    for path in [
        "",
        "/runs",
        "/comments",
        "/why",
        "/conversation",
        "/decisions",
    ] {
        assert_eq!(
            world.get(&format!("/api/v1/beads/{id}{path}")).await.status,
            404,
            "{path}"
        );
    }
    let listed = world.get("/api/v1/beads").await.json();
    assert_eq!(listed.as_array().unwrap().len(), 1);
    assert_eq!(
        world
            .send(call("DELETE", &format!("/api/v1/beads/{id}")))
            .await
            .status,
        404
    );
    let answer = world
        .post(
            &format!("/api/v1/beads/{blocked}/claim"),
            json!({"agent_id": world.agent}),
        )
        .await;
    assert_eq!(
        answer.status,
        200,
        "its agent is free again: {}",
        answer.json()
    );
}

#[tokio::test]
async fn only_the_assigned_agent_may_take_it() {
    let world = World::new().await;
    let other = new_agent(&world.platform, "Bob", "qa-engineer", None).await;
    let id = world.bead(json!({"assigned_to": other})).await;
    let path = format!("/api/v1/beads/{id}/claim");
    let answer = world.post(&path, json!({"agent_id": world.agent})).await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (409, "assigned_to_other")
    );
    assert_eq!(
        world.post(&path, json!({"agent_id": other})).await.status,
        200
    );
}
