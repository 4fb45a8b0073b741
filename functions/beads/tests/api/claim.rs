use std::sync::Arc;

use futures_util::future::join_all;
use loom_api::testing::call;
use loom_platform::{Platform, Statements};
use serde_json::json;

use crate::support::{World, new_agent, new_project};

#[tokio::test]
async fn a_claim_gives_the_bead_to_the_agent_and_starts_the_run() {
    let world = World::new().await;
    let id = world.bead(json!({})).await;
    let answer = world
        .post(
            &format!("/api/v1/beads/{id}/claim"),
            json!({"agent_id": world.agent}),
        )
        .await;
    assert_eq!(answer.status, 200, "{}", answer.json());
    let claimed = answer.json();
    assert_eq!(
        (&claimed["status"], &claimed["fence"]),
        (&json!("claimed"), &json!(1))
    );
    assert!(claimed["lease_until"].as_str().unwrap().ends_with('Z'));
    let bead = world.read(&id).await;
    assert_eq!(
        (&bead["status"], &bead["run_id"]),
        (&json!("in_progress"), &claimed["run_id"])
    );
    world.quiet().await;
    assert_eq!(world.started(), 1);
}

/// Issue "done when" 3: one winner, 63 refusals with a code, no model call by a loser.
#[tokio::test]
async fn i1_of_64_concurrent_claims_one_wins() {
    let world = Arc::new(World::new().await);
    let id = world.bead(json!({})).await;
    let mut agents = Vec::new();
    for number in 0..64 {
        agents.push(
            new_agent(
                &world.platform,
                &format!("Agent {number}"),
                "qa-engineer",
                None,
            )
            .await,
        );
    }
    // Its tasks run on this thread, which waits for others below.
    world.quiet().await;
    let threads: Vec<_> = agents
        .chunks(8)
        .map(|agents| {
            let (world, agents) = (Arc::clone(&world), agents.to_vec());
            let path = format!("/api/v1/beads/{id}/claim");
            std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build();
                runtime.unwrap().block_on(async {
                    let claims = agents
                        .iter()
                        .map(|agent| world.post(&path, json!({"agent_id": agent})));
                    let answers = join_all(claims).await;
                    // What a task of this thread still has to say is lost with its runtime.
                    world.quiet().await;
                    answers
                })
            })
        })
        .collect();
    let mut codes = Vec::new();
    for thread in threads {
        let answers = thread.join().unwrap();
        codes.extend(answers.iter().map(|answer| (answer.status, answer.code())));
    }
    codes.sort();
    assert_eq!(
        codes.iter().filter(|(status, _)| *status == 200).count(),
        1,
        "{codes:?}"
    );
    let lost = codes
        .iter()
        .filter(|(status, code)| *status == 409 && code == "already_claimed");
    assert_eq!(lost.count(), 63, "{codes:?}");
    world.quiet().await;
    assert_eq!(world.started(), 1, "only the winner starts a run");
    let rows = world
        .platform
        .database()
        .query("SELECT COUNT(*) FROM run", vec![])
        .await
        .unwrap();
    assert_eq!(rows[0].integer(0).unwrap(), 1);
    let busy = world
        .platform
        .database()
        .query("SELECT COUNT(*) FROM agent WHERE status <> 'idle'", vec![])
        .await;
    assert_eq!(
        busy.unwrap()[0].integer(0).unwrap(),
        1,
        "no loser's agent is held"
    );
}

#[tokio::test]
async fn a_refused_claim_changes_nothing_and_calls_nobody() {
    let world = World::new().await;
    let free = world.bead(json!({})).await;
    let taken = world.bead(json!({})).await;
    let blocked = world.bead(json!({"blocked_by": [free]})).await;
    let human = world.bead(json!({"tags": ["requires-human-config"]})).await;
    let done = world.bead(json!({})).await;
    world
        .patch(
            &format!("/api/v1/beads/{done}"),
            json!({"status": "closed"}),
        )
        .await;
    let idle = new_agent(&world.platform, "Idle", "qa-engineer", None).await;
    let elsewhere = new_project(&world.platform, "Elsewhere").await;
    let foreign = new_agent(&world.platform, "Foreign", "qa-engineer", Some(&elsewhere)).await;
    let path = |id: &str| format!("/api/v1/beads/{id}/claim");
    assert_eq!(
        world
            .post(&path(&taken), json!({"agent_id": world.agent}))
            .await
            .status,
        200
    );
    world.quiet().await;
    let (before, nudged) = (world.snapshot().await, world.nudged());
    for (id, agent, status, code) in [
        (taken.as_str(), idle.as_str(), 409, "already_claimed"),
        (&blocked, &idle, 409, "not_ready"),
        (&human, &idle, 409, "not_ready"),
        (&done, &idle, 409, "not_ready"),
        (&free, &world.agent, 409, "agent_busy"),
        (&free, &foreign, 409, "agent_of_other_project"),
        (&free, "none", 404, "agent_not_found"),
        ("demo-none", &idle, 404, "bead_not_found"),
    ] {
        let answer = world.post(&path(id), json!({"agent_id": agent})).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (status, code),
            "{id}: {}",
            answer.json()
        );
        assert_eq!(world.snapshot().await, before, "{code}");
    }
    for body in [
        "{}",
        "{\"agent_id\":1}",
        "{\"agent_id\":\"a\",\"force\":true}",
    ] {
        let request = call("POST", &path(&free))
            .header("content-type", "application/json")
            .body(body);
        let answer = world.send(request).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (422, "invalid_fields"),
            "{body}"
        );
    }
    world.quiet().await;
    assert_eq!((world.started(), world.nudged()), (1, nudged));
}

#[tokio::test]
async fn redispatch_gives_a_blocked_bead_another_chance() {
    let world = World::new().await;
    let id = world.bead(json!({})).await;
    world
        .post(
            &format!("/api/v1/beads/{id}/escalate"),
            json!({"reason": "stuck"}),
        )
        .await;
    let path = format!("/api/v1/beads/{id}/redispatch");
    world.quiet().await;
    let nudged = world.nudged();
    let answer = world
        .post(&path, json!({"reason": "the key is there now"}))
        .await;
    assert_eq!(answer.status, 200, "{}", answer.json());
    assert_eq!(
        (&answer.json()["status"], &answer.json()["open_decisions"]),
        (&json!("open"), &json!(0))
    );
    let decisions = world
        .get(&format!("/api/v1/beads/{id}/decisions"))
        .await
        .json();
    assert_eq!(
        (&decisions[0]["status"], &decisions[0]["decision"]),
        (&json!("decided"), &json!("redispatch"))
    );
    world.quiet().await;
    assert_eq!(world.nudged(), nudged + 1);
    world
        .post(
            &format!("/api/v1/beads/{id}/claim"),
            json!({"agent_id": world.agent}),
        )
        .await;
    let before = world.snapshot().await;
    let answer = world.post(&path, json!({})).await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (409, "already_claimed")
    );
    let answer = world.post(&path, json!({"reason": "x".repeat(5000)})).await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (422, "invalid_fields")
    );
    assert_eq!(
        world
            .post("/api/v1/beads/demo-none/redispatch", json!({}))
            .await
            .status,
        404
    );
    assert_eq!(world.snapshot().await, before);
}
