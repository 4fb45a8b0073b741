//! Runs that wait: what that frees, how they are answered, how they go on, and what never waits.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a broken assumption of a test should stop it at once"
)]

mod answers;
mod checks;
#[path = "../common/mod.rs"]
mod common;
mod ends;
mod resumes;
mod starts;
mod touches;
mod why;

use common::{LEASE_MS, World};
use loom_domain::{
    agent::AgentStatus,
    bead::{Bead, BeadInput, BeadStatus},
    conversation::Message,
    decision::{DecisionKind, NewDecision, question_fingerprint},
    run::{Hold, Run, Wait},
};
use loom_platform::Platform;
use loom_store::{
    StoreError, agent, decision,
    run::{self, Resumed},
};

/// A run in its first step.
async fn working(world: &World, bead: &Bead, agent: &str) -> Hold {
    let claimed = world.claim(&bead.id, agent).await.unwrap();
    world.lease(&claimed.run_id).await.unwrap().hold
}

async fn wait_for(world: &World, hold: &Hold, waits: &[Wait]) -> Result<bool, StoreError> {
    write!(world, |change| run::wait(&change, hold, waits))
}

/// A bead whose run waits for another bead: both beads, the run and its agent.
async fn waiting(world: &World) -> (Bead, Bead, Hold, String) {
    let (parent, child) = (world.bead("parent").await, world.bead("child").await);
    let agent = world.agent("ann").await.id;
    let hold = working(world, &parent, &agent).await;
    assert!(
        wait_for(world, &hold, &[Wait::bead(&child.id)])
            .await
            .unwrap()
    );
    (parent, child, hold, agent)
}

async fn get(world: &World, hold: &Hold) -> Run {
    run::get(world.platform.database(), &hold.run_id)
        .await
        .unwrap()
}

async fn close(world: &World, bead: &Bead, reason: &str) {
    let input = BeadInput {
        status: Some(BeadStatus::Closed),
        close_reason: Some(reason.into()),
        ..Default::default()
    };
    world.update(&bead.id, input).await.unwrap();
}

async fn resume(world: &World, hold: &Hold) -> Resumed {
    resume_within(world, hold, 10).await
}

async fn resume_within(world: &World, hold: &Hold, max_concurrent: i64) -> Resumed {
    write!(world, |change| run::resume(
        &change,
        &hold.run_id,
        LEASE_MS,
        max_concurrent
    ))
    .unwrap()
}

async fn resumable(world: &World) -> Vec<String> {
    let runs = run::resumable(world.platform.database(), 10).await.unwrap();
    runs.into_iter().map(|run| run.id).collect()
}

async fn said(world: &World, hold: &Hold) -> Vec<Message> {
    run::conversation(world.platform.database(), &hold.run_id)
        .await
        .unwrap()
}

async fn agent_status(world: &World, id: &str) -> AgentStatus {
    agent::get(world.platform.database(), id)
        .await
        .unwrap()
        .status
}

async fn ask(world: &World, bead: &Bead, hold: &Hold) -> String {
    let fingerprint = question_fingerprint(&hold.run_id, 1, 0);
    let new = NewDecision::new(DecisionKind::Question, fingerprint, "Which port?");
    let asked = write!(world, |change| decision::ask(&change, bead, &new, ""));
    asked.unwrap().unwrap()
}
