//! Messages between roles: read by one run, and soon.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a broken assumption of a test should stop it at once"
)]

mod common;

use common::World;
use loom_domain::run::Run;
use loom_platform::Platform;
use loom_store::{knowledge, run};

const ROLE: &str = "engineering-manager";

async fn run_of(world: &World, name: &str) -> Run {
    let (bead, agent) = (world.bead(name).await, world.agent(name).await);
    let claimed = world.claim(&bead.id, &agent.id).await.unwrap();
    run::get(world.platform.database(), &claimed.run_id)
        .await
        .unwrap()
}

async fn send(world: &World, from: &Run, to: &str, text: &str) {
    write!(world, |change| knowledge::send_message(
        &change, from, to, "about it", text
    ))
    .unwrap();
}

/// What the run's next prompt shows, which it has read then.
async fn prompt(world: &World, run: &Run, limit: i64) -> Vec<String> {
    let messages = knowledge::messages_for(world.platform.database(), run, ROLE, limit)
        .await
        .unwrap();
    write!(world, |change| knowledge::mark_read(
        change.tx, &run.id, &messages
    ))
    .unwrap();
    messages.into_iter().map(|message| message.body).collect()
}

#[tokio::test]
async fn a_message_reaches_the_role_once_and_also_while_it_is_at_work() {
    let world = World::new().await;
    let (from, reader, other) = (
        run_of(&world, "from").await,
        run_of(&world, "reader").await,
        run_of(&world, "other").await,
    );
    send(&world, &from, ROLE, "one").await;
    send(&world, &from, "qa-engineer", "not for them").await;
    assert_eq!(prompt(&world, &reader, 5).await, ["one"]);
    assert!(prompt(&world, &other, 5).await.is_empty(), "read already");
    send(&world, &from, ROLE, "two").await;
    assert_eq!(
        prompt(&world, &reader, 5).await,
        ["one", "two"],
        "in the next step of a run that is at work"
    );
    assert_eq!(prompt(&world, &reader, 5).await, ["one", "two"]);
}

#[tokio::test]
async fn what_was_read_never_keeps_out_what_was_not() {
    let world = World::new().await;
    let (from, reader) = (run_of(&world, "from").await, run_of(&world, "reader").await);
    for text in ["1", "2", "3", "4", "5"] {
        send(&world, &from, ROLE, text).await;
    }
    assert_eq!(prompt(&world, &reader, 2).await, ["1", "2"]);
    assert_eq!(prompt(&world, &reader, 2).await, ["3", "4"]);
    assert_eq!(prompt(&world, &reader, 2).await, ["4", "5"]);
    send(&world, &from, ROLE, "6").await;
    assert_eq!(prompt(&world, &reader, 2).await, ["5", "6"]);
}
