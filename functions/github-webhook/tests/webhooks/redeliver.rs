//! Deliveries that never arrived are asked for again.

use loom_domain::time::Timestamp;
use loom_platform::{Clock, Platform};
use serde_json::{Value, json};

use crate::world::{World, issue_event};

impl World {
    fn attempt(&self, id: i64, guid: &str, status: u16, seconds_ago: i64) -> Value {
        let at = Timestamp(self.platform.clock().now() - seconds_ago * 1000);
        json!({"id": id, "guid": guid, "delivered_at": at.to_rfc3339(), "redelivery": false,
            "event": "issues", "action": "opened", "status": "", "status_code": status})
    }

    async fn look(&self) -> Vec<i64> {
        self.set("UPDATE redelivery_sweep SET due_at = 0").await;
        self.github.with(|state| state.redelivered.clear());
        self.sweep().await;
        self.github.with(|state| state.redelivered.clone())
    }
}

#[tokio::test]
async fn what_github_could_not_deliver_is_asked_for_a_few_times() {
    let world = World::new().await;
    world
        .deliver("issues", "kept", &issue_event("opened", 1, 0))
        .await;
    let attempts = vec![
        world.attempt(9, "lost", 0, 10),
        world.attempt(8, "kept", 502, 20),
        world.attempt(7, "healed", 202, 30),
        world.attempt(6, "healed", 503, 40),
        world.attempt(5, "old", 503, 4 * 86_400),
    ];
    world.github.with(|state| state.attempts = attempts);
    assert_eq!(world.look().await, [9]);
    // It may still be on its way, so it is not asked for again at once.
    assert_eq!(world.look().await, [0; 0]);
    for _ in 0..3 {
        world
            .set("UPDATE redelivery SET asked_at = asked_at - 600000")
            .await;
        assert_eq!(world.look().await, [9]);
    }
    world
        .set("UPDATE redelivery SET asked_at = asked_at - 600000")
        .await;
    assert_eq!(world.look().await, [0; 0], "enough");
    let events = "SELECT COUNT(*) FROM event WHERE kind = 'webhook.redelivered'";
    assert_eq!(world.count(events).await, 4);
}

#[tokio::test]
async fn one_sweep_of_many_looks_and_one_that_failed_here_is_asked_for_too() {
    let world = World::new().await;
    world
        .deliver("issues", "failed", &issue_event("opened", 1, 0))
        .await;
    world.set("UPDATE delivery SET status = 'failed'").await;
    let attempts = vec![world.attempt(3, "failed", 500, 10)];
    world.github.with(|state| state.attempts = attempts);
    assert_eq!(world.look().await, [3]);
    let looked = world.github.calls("/deliveries");
    world.sweep().await;
    assert_eq!(
        world.github.calls("/deliveries"),
        looked,
        "the next look is minutes away"
    );
}

#[tokio::test]
async fn a_github_that_fails_is_looked_at_later() {
    let world = World::new().await;
    let attempts = vec![world.attempt(3, "lost", 500, 10)];
    world.github.with(|state| {
        state.attempts = attempts;
        state.failing = Some(("/hooks", 503, 100));
    });
    assert_eq!(world.look().await, [0; 0]);
    world.github.with(|state| state.failing = None);
    assert_eq!(world.look().await, [3]);
}
