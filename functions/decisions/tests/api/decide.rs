use loom_api::testing::call;
use loom_domain::bead::BeadStatus;
use serde_json::{Value, json};

use crate::support::World;

fn path(decision: &Value) -> String {
    format!(
        "/api/v1/decisions/{}/decide",
        decision["id"].as_str().unwrap()
    )
}

#[tokio::test]
async fn an_answer_says_who_gave_it_and_does_at_once_what_was_announced() {
    let world = World::new().await;
    let (bead, asked) = world.escalation().await;
    assert_eq!(world.read_bead(&bead).await.status, BeadStatus::Blocked);
    assert_eq!(asked["effects"]["approve"], "The bead is closed as it is.");
    let nudges = world.nudges().await;
    let answer = world
        .decide(asked["id"].as_str().unwrap(), "Approved!")
        .await;
    assert_eq!(answer.status, 200, "{}", answer.json());
    let decided = answer.json();
    assert_eq!(
        (
            &decided["status"],
            &decided["decision"],
            &decided["decider"]
        ),
        (&json!("decided"), &json!("approve"), &json!("admin"))
    );
    assert_eq!(
        answer.header("etag"),
        format!("\"v{}\"", decided["version"])
    );
    assert_eq!(world.read_bead(&bead).await.status, BeadStatus::Closed);
    assert_eq!(world.nudges().await, nudges + 1);
}

#[tokio::test]
async fn the_second_decider_learns_who_was_first() {
    let world = World::new().await;
    let (_, asked) = world.escalation().await;
    let id = asked["id"].as_str().unwrap();
    let body = json!({"decision": "deny", "rationale": "Not now."});
    let first = call("POST", &path(&asked))
        .token(&world.user)
        .json(body)
        .send(&world.platform, loom_decisions::handle)
        .await;
    assert_eq!(first.status, 200);
    let before = world.snapshot().await;
    let second = world.decide(id, "approve").await;
    assert_eq!(
        (second.status, second.code().as_str()),
        (409, "already_decided")
    );
    let details = &second.json()["details"];
    assert_eq!(
        (
            &details["decision"],
            &details["decider"],
            &details["rationale"]
        ),
        (&json!("deny"), &json!("user"), &json!("Not now."))
    );
    assert_eq!(details["decided_at"], first.json()["decided_at"]);
    assert_eq!(world.snapshot().await, before);
}

#[tokio::test]
async fn what_is_refused_changes_nothing() {
    let world = World::new().await;
    let (_, asked) = world.escalation().await;
    let (_, expired) = world.escalation().await;
    world
        .set(&format!(
            "UPDATE decision SET status = 'expired', decided_at = 1 WHERE id = '{}'",
            expired["id"].as_str().unwrap()
        ))
        .await;
    let nudges = world.nudges().await;
    let before = world.snapshot().await;
    let long = "x".repeat(4097);
    let good = json!({"decision": "approve", "rationale": "Because."});
    for (path, body, status, code, field) in [
        (
            path(&asked),
            json!({"decision": "perhaps", "rationale": "Because."}),
            422,
            "unknown_answer",
            "decision",
        ),
        (
            path(&asked),
            json!({"decision": "approve", "rationale": "  "}),
            422,
            "invalid_fields",
            "rationale",
        ),
        (
            path(&asked),
            json!({"decision": "approve", "rationale": long}),
            422,
            "invalid_fields",
            "rationale",
        ),
        (
            path(&asked),
            json!({"decision": "approve"}),
            422,
            "invalid_fields",
            "rationale",
        ),
        (
            path(&asked),
            json!({"decision": "approve", "rationale": "Because.", "decider_id": "ceo"}),
            422,
            "invalid_fields",
            "decider_id",
        ),
        (path(&expired), good.clone(), 409, "decision_expired", ""),
        (
            "/api/v1/decisions/none/decide".to_owned(),
            good.clone(),
            404,
            "decision_not_found",
            "",
        ),
    ] {
        let answer = world.send(call("POST", &path).json(body.clone())).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (status, code),
            "{body}: {}",
            answer.json()
        );
        if !field.is_empty() {
            assert!(answer.json()["fields"][field].is_string(), "{body}");
        }
    }
    let stale = call("POST", &path(&asked))
        .header("if-match", "\"v99\"")
        .json(good);
    let stale = world.send(stale).await;
    assert_eq!(
        (stale.status, stale.code().as_str()),
        (412, "version_conflict")
    );
    assert_eq!(world.snapshot().await, before);
    assert_eq!(world.nudges().await, nudges);
}

#[tokio::test]
async fn the_version_that_was_read_may_be_decided_and_a_repetition_is_answered_from_the_record() {
    let world = World::new().await;
    let (_, asked) = world.escalation().await;
    let read = world
        .get(&format!(
            "/api/v1/decisions/{}",
            asked["id"].as_str().unwrap()
        ))
        .await;
    let body = json!({"decision": "needs more info", "rationale": "Who reads it?"});
    let request = || {
        call("POST", &path(&asked))
            .header("if-match", read.header("etag"))
            .header("idempotency-key", "one")
            .json(body.clone())
    };
    let first = world.send(request()).await;
    assert_eq!(first.status, 200, "{}", first.json());
    let again = world.send(request()).await;
    assert_eq!((again.status, again.json()), (200, first.json()));
    assert_eq!(again.header("idempotency-replay"), "true");
}
