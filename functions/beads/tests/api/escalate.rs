use serde_json::json;

use crate::support::World;

#[tokio::test]
async fn an_escalation_stops_the_run_and_asks_once() {
    let world = World::new().await;
    let id = world.bead(json!({})).await;
    world
        .post(
            &format!("/api/v1/beads/{id}/claim"),
            json!({"agent_id": world.agent}),
        )
        .await;
    let path = format!("/api/v1/beads/{id}/escalate");
    let answer = world
        .post(
            &path,
            json!({"reason": "Which database?", "returned_to": world.agent}),
        )
        .await;
    assert_eq!(answer.status, 201, "{}", answer.json());
    let decision = answer.json();
    assert_eq!(
        (&decision["kind"], &decision["status"]),
        (&json!("escalation"), &json!("open"))
    );
    assert_eq!(
        decision["options"],
        json!(["approve", "deny", "needs_more_info"])
    );
    assert!(
        decision["question"]
            .as_str()
            .unwrap()
            .contains("Which database?")
    );
    assert!(decision["context"].as_str().unwrap().contains(&world.agent));
    let bead = world.read(&id).await;
    assert_eq!(
        (&bead["status"], &bead["run_id"], &bead["open_decisions"]),
        (&json!("blocked"), &json!(null), &json!(1))
    );
    let runs = world.get(&format!("/api/v1/beads/{id}/runs")).await.json();
    assert_eq!(
        (&runs[0]["status"], &runs[0]["reason"]),
        (&json!("cancelled"), &json!("cancelled"))
    );

    let before = world.snapshot().await;
    let again = world
        .post(&path, json!({"reason": "Which database?"}))
        .await;
    assert_eq!(
        (again.status, again.code().as_str()),
        (409, "already_escalated")
    );
    assert_eq!(again.json()["details"]["decision_id"], decision["id"]);
    assert_eq!(world.snapshot().await, before);
    let decisions = world
        .get(&format!("/api/v1/beads/{id}/decisions"))
        .await
        .json();
    assert_eq!(decisions.as_array().unwrap().len(), 1);
    assert_eq!(decisions[0], decision);
}

#[tokio::test]
async fn what_cannot_be_escalated_changes_nothing() {
    let world = World::new().await;
    let id = world.bead(json!({})).await;
    let done = world.bead(json!({})).await;
    world
        .patch(
            &format!("/api/v1/beads/{done}"),
            json!({"status": "closed"}),
        )
        .await;
    let before = world.snapshot().await;
    for (id, body, status, code) in [
        (id.as_str(), json!({}), 422, "invalid_fields"),
        (&id, json!({"reason": " "}), 422, "invalid_fields"),
        (
            &id,
            json!({"reason": "x", "returned_to": "none"}),
            422,
            "invalid_fields",
        ),
        (
            &id,
            json!({"reason": "x", "why": "y"}),
            422,
            "invalid_fields",
        ),
        (&done, json!({"reason": "x"}), 409, "illegal_transition"),
        ("demo-none", json!({"reason": "x"}), 404, "bead_not_found"),
    ] {
        let answer = world
            .post(&format!("/api/v1/beads/{id}/escalate"), body)
            .await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (status, code),
            "{}",
            answer.json()
        );
        assert_eq!(world.snapshot().await, before, "{code}");
    }
}
