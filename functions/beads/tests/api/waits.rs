//! Runs that wait, as people see them.

use loom_domain::run::Wait;
use loom_platform::{Database, Platform, Transaction};
use loom_store::{Change, run};
use serde_json::json;

use crate::support::World;

/// A bead whose run waits for another bead: both, and the run.
async fn waiting(world: &World) -> (String, String, String) {
    let (parent, child) = (world.bead(json!({})).await, world.bead(json!({})).await);
    let path = format!("/api/v1/beads/{parent}/claim");
    let claimed = world.post(&path, json!({"agent_id": world.agent})).await;
    let run_id = claimed.json()["run_id"].as_str().unwrap().to_owned();
    let tx = world.platform.database().transaction().await.unwrap();
    let change = Change::new(&tx, world.platform.random(), "test")
        .await
        .unwrap();
    let leased = run::lease(&change, &run_id, 60_000).await.unwrap();
    let waits = run::wait(&change, &leased.hold, &[Wait::bead(&child)]).await;
    assert!(waits.unwrap());
    tx.commit().await.unwrap();
    (parent, child, run_id)
}

#[tokio::test]
async fn the_runs_of_a_bead_say_what_one_of_them_waits_for() {
    let world = World::new().await;
    let (parent, child, run_id) = waiting(&world).await;
    let runs = world
        .get(&format!("/api/v1/beads/{parent}/runs"))
        .await
        .json();
    assert_eq!(runs[0]["status"], "waiting");
    let waits = json!([{"kind": "bead", "id": child}]);
    assert_eq!(runs[0]["waits_for"], waits);
    let run = world
        .get(&format!("/api/v1/beads/{parent}/runs/{run_id}"))
        .await
        .json();
    assert_eq!(
        (&run["run"]["status"], &run["waits_for"]),
        (&json!("waiting"), &waits)
    );
    let why = world
        .get(&format!("/api/v1/beads/{parent}/why"))
        .await
        .json();
    assert_eq!(why["reasons"][0]["code"], "waits_for_bead", "{why}");

    // The closing tells the run, and the dispatcher is told to look.
    world.quiet().await;
    let before = world.nudged();
    world
        .patch(
            &format!("/api/v1/beads/{child}"),
            json!({"status": "closed"}),
        )
        .await;
    world.quiet().await;
    assert_eq!(world.nudged(), before + 1);
    let runs = world
        .get(&format!("/api/v1/beads/{parent}/runs"))
        .await
        .json();
    assert_eq!(
        (&runs[0]["status"], &runs[0]["waits_for"]),
        (&json!("waiting"), &json!([]))
    );
    let why = world
        .get(&format!("/api/v1/beads/{parent}/why"))
        .await
        .json();
    assert_eq!(why["reasons"][0]["code"], "waits_for_room", "{why}");
    let said = world
        .get(&format!("/api/v1/beads/{parent}/conversation"))
        .await
        .json();
    let text = said["runs"][0]["messages"][0]["content"].as_str().unwrap();
    assert!(text.contains(&child), "{said}");
}

#[tokio::test]
async fn closing_the_bead_of_a_waiting_run_ends_the_run() {
    let world = World::new().await;
    let (parent, _, run_id) = waiting(&world).await;
    world
        .patch(
            &format!("/api/v1/beads/{parent}"),
            json!({"status": "closed"}),
        )
        .await;
    let run = world
        .get(&format!("/api/v1/beads/{parent}/runs/{run_id}"))
        .await
        .json();
    assert_eq!(
        (&run["run"]["status"], &run["waits_for"]),
        (&json!("cancelled"), &json!([]))
    );
}
