use loom_domain::conversation::{Message, Reply, Speaker};
use loom_platform::{Database, Platform, Transaction};
use loom_store::{
    Change,
    budget::Caps,
    run::{self, ActionRecord, NewStep, StepReply},
};
use serde_json::json;

use crate::support::World;

/// Takes one step of a run, as `agent-step` does.
async fn step(world: &World, run_id: &str) {
    let tx = world.platform.database().transaction().await.unwrap();
    let change = Change::new(&tx, world.platform.random(), "agent:a")
        .await
        .unwrap();
    let hold = run::lease(&change, run_id, 60_000).await.unwrap().hold;
    let new = NewStep {
        number: 1,
        request: "{}",
        reservation_micro_usd: 100,
        caps: Caps {
            bead: None,
            project: None,
            day: None,
        },
        provider_id: "t",
        model_asked: Some("m"),
    };
    run::open_step(&change, &hold, &new).await.unwrap();
    let reply = Reply {
        content: "I look.".into(),
        ..Reply::default_for_test()
    };
    let answered = StepReply {
        number: 1,
        reply: &reply,
        model_given: "m",
        prompt_tokens: 10,
        completion_tokens: 5,
        is_estimated: false,
        cost_micro_usd: 42,
    };
    run::record_reply(&change, &hold, &answered).await.unwrap();
    let action = ActionRecord {
        step: 1,
        position: 0,
        name: "read_file".into(),
        action: json!({"path": "src/lib.rs"}),
        fingerprint: "f".into(),
        status: "ok".into(),
        code: None,
        result: json!({"text": "…"}),
        created_at: change.now,
    };
    run::record_action(&change, &hold, &action).await.unwrap();
    let messages = [Message::text(Speaker::Assistant, "I look.")];
    run::end_step(&change, &hold, 1, &messages, true)
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

trait ForTest {
    fn default_for_test() -> Self;
}

impl ForTest for Reply {
    fn default_for_test() -> Self {
        Self {
            content: String::new(),
            tool_calls: Vec::new(),
            finish_reason: "stop".into(),
        }
    }
}

#[tokio::test]
async fn runs_steps_actions_and_words_are_shown() {
    let world = World::new().await;
    let id = world.bead(json!({})).await;
    let other = world.bead(json!({})).await;
    assert_eq!(
        world.get(&format!("/api/v1/beads/{id}/runs")).await.json(),
        json!([])
    );
    let claimed = world
        .post(
            &format!("/api/v1/beads/{id}/claim"),
            json!({"agent_id": world.agent}),
        )
        .await
        .json();
    let run_id = claimed["run_id"].as_str().unwrap();
    step(&world, run_id).await;

    let runs = world.get(&format!("/api/v1/beads/{id}/runs")).await.json();
    assert_eq!(runs[0]["id"], run_id);
    assert_eq!(runs[0]["steps"], 1);
    assert_eq!(
        runs[0]["usage"],
        json!({"prompt_tokens": 10, "completion_tokens": 5, "cost_micro_usd": 42})
    );
    assert_eq!(
        runs[0]["actions"],
        json!([{"name": "read_file", "status": "ok", "count": 1}])
    );

    let detail = world
        .get(&format!("/api/v1/beads/{id}/runs/{run_id}"))
        .await
        .json();
    assert_eq!(detail["run"]["id"], run_id);
    assert_eq!(detail["steps"][0]["reply"]["content"], "I look.");
    assert_eq!(
        detail["steps"][0]["actions"][0]["action"],
        json!({"path": "src/lib.rs"})
    );

    let said = world
        .get(&format!("/api/v1/beads/{id}/conversation"))
        .await
        .json();
    assert_eq!(said["bead_id"], id);
    assert_eq!(
        said["runs"][0]["messages"],
        json!([{"role": "assistant", "content": "I look."}])
    );
    let none = world
        .get(&format!("/api/v1/beads/{id}/conversation?run_id=none"))
        .await
        .json();
    assert_eq!(none["runs"], json!([]));

    for path in [format!("{other}/runs/{run_id}"), format!("{id}/runs/none")] {
        let answer = world.get(&format!("/api/v1/beads/{path}")).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (404, "run_not_found"),
            "{path}"
        );
    }
}

#[tokio::test]
async fn comments_are_written_and_read_in_pages() {
    let world = World::new().await;
    let id = world.bead(json!({})).await;
    let path = format!("/api/v1/beads/{id}/comments");
    for text in ["one", "two", "three"] {
        let answer = world.post(&path, json!({"content": text})).await;
        assert_eq!(answer.status, 201, "{}", answer.json());
        assert_eq!(
            (&answer.json()["author"], &answer.json()["content"]),
            (&json!("admin"), &json!(text))
        );
    }
    let first = world.get(&format!("{path}?limit=2")).await;
    assert_eq!(first.json()[0]["content"], "one");
    let next = first
        .header("link")
        .split_once('>')
        .unwrap()
        .0
        .trim_start_matches('<')
        .to_owned();
    let rest = world.get(&next).await.json();
    assert_eq!(
        (rest.as_array().unwrap().len(), &rest[0]["content"]),
        (1, &json!("three"))
    );
    let before = world.snapshot().await;
    for content in [
        json!(""),
        json!(" \n"),
        json!("x".repeat(65 * 1024)),
        json!(1),
    ] {
        let answer = world.post(&path, json!({"content": content})).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (422, "invalid_fields")
        );
    }
    let answer = world
        .post("/api/v1/beads/demo-none/comments", json!({"content": "x"}))
        .await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (404, "bead_not_found")
    );
    assert_eq!(world.snapshot().await, before);
}
