//! How many transitions a second, and how many plain updates of beads beside them.

use std::{fmt, sync::Arc};

use http::StatusCode;
use serde_json::json;

use super::{execution_of, fill};
use crate::{
    Bench, Result,
    load::Call,
    process::Process,
    sides::{Requests, Row, percent},
    table::Table,
};

/// The most connections that send transitions at once.
const MOST_CONNECTIONS: usize = 16;

/// Two nodes of the shipped workflow for features, at each of which an agent is to work.
const NODES: [&str; 2] = ["implement", "pm_plan"];

/// What was measured.
#[derive(Debug)]
pub struct Outcome {
    /// At each concurrency transitions, and then updates.
    pub rows: Vec<Row>,
}

/// Puts executions from node to node, and updates beads that follow no workflow, in turns of the components and of the
/// same functions natively.
///
/// # Errors
///
/// When a side doesn't start, or breaks a connection.
pub async fn measure(bench: &Bench) -> Result<Outcome> {
    let state = bench.state("transitions")?;
    let database = bench.directory().join("transitions-native.db");
    // Nobody to work on the beads: the tick that a change causes ends when it sees that.
    let filled = fill(&database, "http://127.0.0.1:9", 0).await?;
    let beads = filled.file("feature", bench.scale.executions).await?;
    let executions: Vec<String> = beads.iter().map(execution_of).collect::<Result<_>>()?;
    let plain = filled.file("task", bench.scale.executions).await?;
    let plain: Vec<String> = plain.into_iter().map(|bead| bead.id).collect();
    let token = filled.token;
    // The last to have the database closes it, and leaves all of it in the one file that is copied.
    drop(filled.platform);
    std::fs::copy(&database, state.join("sqlite/default.db"))?;
    let host = Process::host(bench, &state, &[])?;
    let native = Process::native(bench, &database, &[])?;
    let restart = restarts(Arc::clone(&token), executions);
    let restart = Requests::new("transition", StatusCode::OK, restart);
    let update = Requests::new("PUT a bead", StatusCode::OK, updates(token, plain));
    let mut rows = Vec::new();
    let connections = bench.scale.concurrency.iter().copied();
    for concurrency in connections.filter(|connections| *connections <= MOST_CONNECTIONS) {
        for requests in [&restart, &update] {
            let limit = bench.scale.workflow_turn;
            rows.push(
                requests
                    .row(bench, &host, &native, concurrency, limit)
                    .await?,
            );
        }
    }
    Ok(Outcome { rows })
}

/// Each execution in turn to the one node, then each to the other, and so on.
fn restarts(token: Arc<str>, executions: Vec<String>) -> impl Fn(u64) -> Call + Send + Sync {
    move |number| {
        let number = usize::try_from(number).unwrap_or_default();
        let id = &executions[number % executions.len()];
        let node = NODES[number / executions.len() % NODES.len()];
        Call {
            method: "POST",
            path: format!("/api/v1/workflows/executions/{id}/restart"),
            token: Arc::clone(&token),
            headers: Vec::new(),
            body: json!({"node": node}).to_string().into(),
        }
    }
}

fn updates(token: Arc<str>, beads: Vec<String>) -> impl Fn(u64) -> Call + Send + Sync {
    move |number| {
        let index = usize::try_from(number).unwrap_or_default() % beads.len();
        Call {
            method: "PUT",
            path: format!("/api/v1/beads/{}", beads[index]),
            token: Arc::clone(&token),
            headers: Vec::new(),
            body: json!({"title": format!("Correct the totals, version {number}")})
                .to_string()
                .into(),
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let heads = [&Row::heads("request")[..], &["of PUT"]].concat();
        let mut table = Table::new(
            "Workflow transitions: POST .../executions/{id}/restart, and a plain update of a bead beside it; times in ms",
            &heads,
        );
        for pair in self.rows.chunks(2) {
            let [transition, update] = pair else { continue };
            for row in [transition, update] {
                let of_components = row.components.rate_of(&update.components);
                let of_native = row.native.rate_of(&update.native);
                row.lines(
                    &mut table,
                    [of_components, of_native].map(|share| Some(percent(share))),
                );
            }
        }
        table.note("No goal is set. A transition writes the execution, its history, its bead, a timer and its event in one transaction that");
        table.note("is on disk when it is answered (synchronous = FULL). Both requests nudge the dispatcher, which finds nobody to work.");
        for row in &self.rows {
            row.note_refusals(&mut table);
        }
        table.fmt(f)
    }
}
