//! Decisions: answered exactly once, each answer with its effects, and an end for those that nobody answers.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a broken assumption of a test should stop it at once"
)]

#[path = "../common/mod.rs"]
mod common;
mod deadline;
mod effects;
mod holds;
mod maker;
mod once;

use common::World;
use loom_domain::{
    agent::Agent,
    bead::{Bead, BeadStatus},
    decision::{Decision, DecisionKind, NewDecision},
};
use loom_platform::{Database, Platform, Statements, Transaction};
use loom_store::{Change, StoreError, agent, bead, decision};

fn question(kind: DecisionKind, bead: &Bead) -> NewDecision {
    NewDecision::new(
        kind,
        format!("{}:{}", kind.as_str(), bead.id),
        "What should happen?",
    )
}

/// A bead that is blocked after two failed runs.
async fn blocked(world: &World, title: &str) -> Bead {
    let bead = world.bead(title).await;
    let blocked = BeadStatus::Blocked;
    write!(world, |change| bead::change_status(
        &change, &bead, blocked, "failed"
    ))
    .unwrap();
    set(world, "UPDATE bead SET failed_runs = 2, dispatch_count = 5").await;
    world.read(&bead.id).await
}

async fn agent_of(world: &World, name: &str, role: &str) -> Agent {
    let mut wanted = world.agent(&format!("template of {name}")).await;
    write!(world, |change| agent::delete(&change, &wanted)).unwrap();
    wanted.name = name.into();
    wanted.role = role.into();
    wanted.persona = format!("default/{role}");
    write!(world, |change| agent::spawn(&change, wanted.clone())).unwrap()
}

async fn ask(world: &World, bead: &Bead, new: &NewDecision) -> Decision {
    let id = write!(world, |change| decision::ask(&change, bead, new, "Look."));
    read(world, &id.unwrap().unwrap()).await
}

async fn read(world: &World, id: &str) -> Decision {
    decision::get(world.platform.database(), id).await.unwrap()
}

async fn decide(world: &World, id: &str, answer: &str) -> Result<Decision, StoreError> {
    let tx = world.platform.database().transaction().await.unwrap();
    let change = Change::new(&tx, world.platform.random(), "ada")
        .await
        .unwrap();
    let decided = decision::decide(&change, id, answer, "Because.", None).await?;
    tx.commit().await.unwrap();
    Ok(decided)
}

/// Lets the deadline of a decision pass.
async fn pass(world: &World, id: &str) -> Decision {
    set(
        world,
        "UPDATE decision SET deadline_at = 1 WHERE status = 'open'",
    )
    .await;
    write!(world, |change| decision::deadline_is_due(&change, id)).unwrap();
    read(world, id).await
}

async fn set(world: &World, sql: &str) {
    world
        .platform
        .database()
        .execute(sql, vec![])
        .await
        .unwrap();
}

/// Everything that a decision could change.
async fn snapshot(world: &World) -> Vec<String> {
    let mut rows = Vec::new();
    for table in [
        "decision", "bead", "event", "comment", "timer", "budget", "run", "project",
    ] {
        let sql = format!("SELECT * FROM {table}");
        for row in world.platform.database().query(&sql, vec![]).await.unwrap() {
            rows.push(format!("{table} {row:?}"));
        }
    }
    rows
}

async fn kinds_of_events(world: &World) -> Vec<String> {
    let sql = "SELECT kind FROM event WHERE kind LIKE 'decision.%' ORDER BY sequence";
    let rows = world.platform.database().query(sql, vec![]).await.unwrap();
    rows.iter().map(|row| row.text(0).unwrap()).collect()
}
