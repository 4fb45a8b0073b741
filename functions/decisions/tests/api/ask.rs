use loom_domain::{bead::BeadStatus, time::Timestamp};
use loom_platform::Platform;
use loom_store::now;
use serde_json::json;

use crate::support::World;

#[tokio::test]
async fn a_question_stops_and_holds_what_it_is_about() {
    let world = World::new().await;
    for (kind, status, priority) in [
        ("escalation", BeadStatus::Blocked, "P2"),
        ("high_risk", BeadStatus::Blocked, "P0"),
        ("question", BeadStatus::Open, "P2"),
    ] {
        let bead = world.bead().await;
        let asked = world
            .asked(json!({
                "kind": kind,
                "bead_id": bead,
                "question": " Which of the two? ",
                "options": ["keep", "drop"],
                "recommendation": "keep",
            }))
            .await;
        assert_eq!(
            (&asked["kind"], &asked["status"], &asked["priority"]),
            (&json!(kind), &json!("open"), &json!(priority))
        );
        assert_eq!(asked["question"], "Which of the two?");
        assert_eq!(asked["requester"], "admin");
        assert_eq!(asked["assignee"], "human");
        let effects = asked["effects"].as_object().unwrap();
        let answers: Vec<&String> = effects.keys().collect();
        assert_eq!(
            answers,
            ["approve", "deny", "drop", "keep", "needs_more_info"]
        );
        let held = world.read_bead(&bead).await;
        assert_eq!((held.status, held.open_decisions), (status, 1), "{kind}");
    }
}

#[tokio::test]
async fn a_project_is_closed_by_decision() {
    let world = World::new().await;
    world.bead().await;
    let body =
        json!({"kind": "project_close", "project_id": world.project, "question": "Close it?"});
    let asked = world.asked(body.clone()).await;
    assert_eq!(asked["bead_id"], json!(null));
    let again = world.ask(body.clone()).await;
    assert_eq!(
        (again.status, again.code().as_str()),
        (409, "already_asked")
    );
    assert_eq!(again.json()["details"]["decision_id"], asked["id"]);
    world.decide(asked["id"].as_str().unwrap(), "ok").await;
    let project = loom_store::project::get(world.platform.database(), &world.project)
        .await
        .unwrap();
    assert_eq!(project.status.as_str(), "closed");
    let closed = world.ask(body).await;
    assert_eq!(
        (closed.status, closed.code().as_str()),
        (409, "project_closed")
    );
}

#[tokio::test]
async fn bad_questions_change_nothing() {
    let world = World::new().await;
    let (bead, asked) = world.escalation().await;
    let closed = world.bead().await;
    world
        .set(&format!(
            "UPDATE bead SET status = 'closed' WHERE id = '{closed}'"
        ))
        .await;
    let at = now(world.platform.database()).await.unwrap().0;
    let in_time = |milliseconds: i64| Timestamp(at + milliseconds).to_rfc3339();
    let before = world.snapshot().await;
    let good = json!({"kind": "question", "bead_id": bead, "question": "Why?"});
    for (extra, status, code, field) in [
        (json!({"kind": "demo"}), 422, "invalid_fields", "kind"),
        (
            json!({"kind": "budget_override"}),
            422,
            "invalid_fields",
            "kind",
        ),
        (json!({"question": " "}), 422, "invalid_fields", "question"),
        (
            json!({"question": "x".repeat(4097)}),
            422,
            "invalid_fields",
            "question",
        ),
        (json!({"bead_id": null}), 422, "invalid_fields", "bead_id"),
        (
            json!({"project_id": world.project}),
            422,
            "invalid_fields",
            "project_id",
        ),
        (
            json!({"kind": "project_close"}),
            422,
            "invalid_fields",
            "project_id",
        ),
        (
            json!({"kind": "escalation", "bead_id": null, "project_id": world.project}),
            422,
            "invalid_fields",
            "bead_id",
        ),
        (json!({"bead_id": "none"}), 422, "invalid_fields", "bead_id"),
        (
            json!({"options": ["a", "A "]}),
            422,
            "invalid_fields",
            "options",
        ),
        (json!({"options": [""]}), 422, "invalid_fields", "options"),
        (
            json!({"options": vec!["x"; 11]}),
            422,
            "invalid_fields",
            "options",
        ),
        (
            json!({"default_answer": "perhaps"}),
            422,
            "invalid_fields",
            "default_answer",
        ),
        (
            json!({"kind": "high_risk", "default_answer": "yes"}),
            422,
            "invalid_fields",
            "default_answer",
        ),
        (
            json!({"deadline_at": in_time(30_000)}),
            422,
            "invalid_fields",
            "deadline_at",
        ),
        (
            json!({"deadline_at": in_time(31 * 86_400_000)}),
            422,
            "invalid_fields",
            "deadline_at",
        ),
        (json!({"priority": "P7"}), 422, "invalid_fields", "priority"),
        (
            json!({"returned_to": "nobody"}),
            422,
            "invalid_fields",
            "returned_to",
        ),
        (
            json!({"requester": "ceo"}),
            422,
            "invalid_fields",
            "requester",
        ),
        (json!({"bead_id": closed}), 409, "bead_closed", ""),
        (json!({"kind": "escalation"}), 409, "already_escalated", ""),
        (
            json!({"kind": "high_risk", "bead_id": closed}),
            409,
            "illegal_transition",
            "",
        ),
    ] {
        let mut body = good.clone();
        for (name, value) in extra.as_object().unwrap() {
            body[name] = value.clone();
        }
        let answer = world.ask(body.clone()).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (status, code),
            "{body}: {}",
            answer.json()
        );
        if !field.is_empty() {
            assert!(
                answer.json()["fields"]
                    .as_object()
                    .unwrap()
                    .keys()
                    .any(|name| name.starts_with(field)),
                "{body}: {}",
                answer.json()
            );
        }
    }
    assert_eq!(world.snapshot().await, before);
    assert_eq!(asked["status"], "open");
}

#[tokio::test]
async fn deadline_and_default_are_kept() {
    let world = World::new().await;
    let bead = world.bead().await;
    let at = now(world.platform.database()).await.unwrap().0;
    let deadline = Timestamp(at + 3_600_000).to_rfc3339();
    let asked = world
        .asked(json!({
            "kind": "high_risk",
            "bead_id": bead,
            "question": "Delete it all?",
            "default_answer": "deny",
            "deadline_at": deadline,
            "priority": "P1",
        }))
        .await;
    assert_eq!(
        (
            &asked["default_answer"],
            &asked["deadline_at"],
            &asked["priority"]
        ),
        (&json!("deny"), &json!(deadline), &json!("P1"))
    );
}
