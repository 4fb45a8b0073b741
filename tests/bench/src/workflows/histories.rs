//! What one transition costs an execution that has a history.

use std::{
    fmt,
    path::Path,
    time::{Duration, Instant},
};

use http::StatusCode;
use loom_domain::{
    bead::BeadInput,
    workflow::{Command, Outcome as NodeOutcome},
};
use loom_platform::{Database, Platform, Transaction, native::NativePlatform};
use loom_store::{Change, bead, workflow};
use rusqlite::Connection as Sqlite;
use serde_json::json;

use super::{Client, Filled, execution_of, fill, undo::Undo};
use crate::{Bench, Result, Samples, process::Process, stats::milliseconds, table::Table};

/// A transition at a long history may take this many times as long as at the shortest.
const FLAT: f64 = 1.25;

/// The node at which every measured transition begins.
const NODE: &str = "pm_plan";

/// What was measured.
#[derive(Debug)]
pub struct Outcome {
    /// Each kind of transition at each length, the shortest first.
    pub kinds: Vec<Kind>,
    /// A plain update of a bead: natively, and through the components.
    pub updates: [Samples; 2],
}

/// One kind of transition.
#[derive(Debug)]
pub struct Kind {
    what: &'static str,
    side: &'static str,
    /// Records that the history has before each transition, and the times.
    pub lengths: Vec<(i64, Samples)>,
}

/// Measures transitions at every length in turn; each is undone afterwards, so that a history keeps its length.
///
/// # Errors
///
/// When a transition is refused, or a history has another length than it should.
pub async fn measure(bench: &Bench) -> Result<Outcome> {
    let database = bench.directory().join("histories.db");
    let state = bench.state("histories")?;
    let served = state.join("sqlite/default.db");
    let filled = fill(&database, "http://127.0.0.1:9", 0).await?;
    let lengths = &bench.scale.histories;
    let mut executions = Vec::new();
    for (bead, length) in filled
        .file("feature", lengths.len())
        .await?
        .iter()
        .zip(lengths)
    {
        let id = execution_of(bead)?;
        lengthen(&filled.platform, &id, *length).await?;
        executions.push((id, *length));
    }
    let plain = filled.file("task", 1).await?.remove(0).id;
    let hand = Sqlite::open(&database)?;
    hand.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")?;
    std::fs::copy(&database, &served)?;
    let host = Process::host(bench, &state, &[])?;
    let client = Client::open(&host.address, &filled.token).await?;
    let samples = bench.scale.transitions;
    let natively = natively(&filled, &database, &executions, &plain, samples).await?;
    let components = through(client, &served, &executions, &plain, samples).await?;
    let [restarted, concluded, updated] = natively;
    let lengths = |times: Vec<Vec<Duration>>| -> Vec<(i64, Samples)> {
        let samples = times.into_iter().map(|times| times.into_iter().collect());
        lengths.iter().copied().zip(samples).collect()
    };
    let kind = |what, side, times| Kind {
        what,
        side,
        lengths: lengths(times),
    };
    let (of_components, put) = components;
    Ok(Outcome {
        kinds: vec![
            kind("restart from a node", "native", restarted),
            kind("conclude a node", "native", concluded),
            kind("restart from a node", "components", of_components),
        ],
        updates: [
            updated.into_iter().flatten().collect(),
            put.into_iter().collect(),
        ],
    })
}

/// Gives a new execution a history of `length` records, the last of which puts it to [`NODE`].
async fn lengthen(platform: &NativePlatform, id: &str, length: i64) -> Result<()> {
    let tx = platform.database().transaction().await?;
    let change = Change::new(&tx, platform.random(), "bench").await?;
    for left in (1..length).rev() {
        let node = if left % 2 == 1 { NODE } else { "implement" };
        let command = Command::Restart { node: node.into() };
        workflow::advance(&change, id, command, None, None).await?;
    }
    let found = workflow::get(&tx, id).await?;
    if found.version != length || found.node != NODE {
        return Err(format!("a history of {length} became {found:?}").into());
    }
    tx.commit().await?;
    Ok(())
}

/// Restarts, conclusions and, as one list, updates, in turns.
async fn natively(
    filled: &Filled,
    database: &Path,
    executions: &[(String, i64)],
    plain: &str,
    samples: usize,
) -> Result<[Vec<Vec<Duration>>; 3]> {
    let platform = &filled.platform;
    let mut undo = Undo::new(database, NODE, executions)?;
    let mut restarted = vec![Vec::new(); executions.len()];
    let mut concluded = vec![Vec::new(); executions.len()];
    let mut updated = Vec::new();
    // The first round has statements prepared and pages read; it does not count.
    for round in 0..=samples {
        for (index, (id, _)) in executions.iter().enumerate() {
            let restart = Command::Restart { node: NODE.into() };
            let conclude = Command::Conclude {
                outcome: NodeOutcome::Success,
                agent_id: None,
                note: "The plan is written.".into(),
            };
            for (command, times) in [(restart, &mut restarted), (conclude, &mut concluded)] {
                let started = Instant::now();
                let tx = platform.database().transaction().await?;
                let change = Change::new(&tx, platform.random(), "bench").await?;
                workflow::advance(&change, id, command, None, None).await?;
                tx.commit().await?;
                let time = started.elapsed();
                undo.undo(index)?;
                if round > 0 {
                    times[index].push(time);
                }
            }
        }
        let started = Instant::now();
        let tx = platform.database().transaction().await?;
        let change = Change::new(&tx, platform.random(), "bench").await?;
        let input = BeadInput {
            title: Some(format!("Correct the totals, version {round}")),
            ..BeadInput::default()
        };
        let bead = bead::get(&tx, plain).await?;
        bead::update(&change, &bead, input).await?;
        tx.commit().await?;
        if round > 0 {
            updated.push(started.elapsed());
        }
    }
    Ok([restarted, concluded, vec![updated]])
}

/// Restarts and updates through the host.
async fn through(
    mut client: Client,
    database: &Path,
    executions: &[(String, i64)],
    plain: &str,
    samples: usize,
) -> Result<(Vec<Vec<Duration>>, Vec<Duration>)> {
    let mut undo = Undo::new(database, NODE, executions)?;
    let mut restarted = vec![Vec::new(); executions.len()];
    let mut updated = Vec::new();
    for round in 0..=samples {
        for (index, (id, _)) in executions.iter().enumerate() {
            let path = format!("/api/v1/workflows/executions/{id}/restart");
            let time = client
                .send("POST", &path, &json!({"node": NODE}), StatusCode::OK)
                .await?
                .1;
            undo.undo(index)?;
            if round > 0 {
                restarted[index].push(time);
            }
        }
        let title = json!({"title": format!("Correct the totals, version {round}")});
        let path = format!("/api/v1/beads/{plain}");
        let time = client.send("PUT", &path, &title, StatusCode::OK).await?.1;
        if round > 0 {
            updated.push(time);
        }
    }
    Ok((restarted, updated))
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let heads = [
            "transition",
            "side",
            "history",
            "samples",
            "p50",
            "p99",
            "max",
            "to the first",
        ];
        let mut table = Table::new(
            "One transition at a history of so many records, one after the other (ms)",
            &heads,
        );
        let mut worst = (0.0_f64, String::new());
        for kind in &self.kinds {
            let first = kind.lengths.first().map(|(_, times)| times.p50());
            let first = first.unwrap_or_default().as_secs_f64().max(1e-9);
            for (length, times) in &kind.lengths {
                let ratio = times.p50().as_secs_f64() / first;
                if ratio > worst.0 {
                    let p50 = milliseconds(times.p50());
                    let name = format!("{}, {}, {length}: {p50} ms", kind.what, kind.side);
                    worst = (ratio, name);
                }
                let [p50, p99, max] = times.columns();
                table.row([
                    kind.what.to_owned(),
                    kind.side.to_owned(),
                    length.to_string(),
                    times.len().to_string(),
                    p50,
                    p99,
                    max,
                    format!("{ratio:.2} x"),
                ]);
            }
        }
        for (side, times) in ["native", "components"].into_iter().zip(&self.updates) {
            let [p50, p99, max] = times.columns();
            table.row([
                "update a plain bead".to_owned(),
                side.to_owned(),
                "-".to_owned(),
                times.len().to_string(),
                p50,
                p99,
                max,
                "-".to_owned(),
            ]);
        }
        table.goal(
            &format!("flat: p50 at every history at most {FLAT} times that at the shortest"),
            worst.0 <= FLAT,
            format_args!("at most {:.2} x; {}", worst.0, worst.1),
        );
        table.note("Natively: store::workflow::advance, or bead::update, in a transaction of its own, on disk at its end. Through the");
        table.note("components: POST .../restart, or PUT, on one connection. Each transition is taken back before the next, by a");
        table
            .note("connection of its own, so that each finds its pages out of SQLite's own cache.");
        table.fmt(f)
    }
}
