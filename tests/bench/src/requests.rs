//! Requests through the components on the host, and through the same `handle` natively.

use std::{fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use http::StatusCode;
use serde_json::json;

use crate::{
    Bench, Result,
    load::{self, Call, Turn},
    process::Process,
    seed::{self, DESCRIPTION, Seeded},
    sides::{Requests, percent},
    table::Table,
};

pub use crate::sides::{Row, Side};

/// How many requests the components are to answer for each one that is answered natively.
const LEAST_SHARE: f64 = 0.5;

/// What was measured.
#[derive(Debug)]
pub struct Outcome {
    /// Each kind of request at each concurrency.
    pub rows: Vec<Row>,
}

/// Measures both sides in turns.
///
/// # Errors
///
/// When a side doesn't start, or breaks a connection.
pub async fn measure(bench: &Bench) -> Result<Outcome> {
    let state = bench.state("requests")?;
    let database = bench.directory().join("native.db");
    let seeded = seed::beads(&database, bench.scale.seeded_beads).await?;
    std::fs::copy(&database, state.join("sqlite/default.db"))?;
    let host = Process::host(bench, &state, &[])?;
    let native = Process::native(bench, &database, &[])?;
    let mut rows = Vec::new();
    for kind in [Kind::Get, Kind::Post] {
        for &concurrency in &bench.scale.concurrency {
            let calls = kind.calls(&seeded);
            let requests = Requests::new(kind.what(), kind.expected(), calls);
            let limit = bench.scale.turn;
            rows.push(
                requests
                    .row(bench, &host, &native, concurrency, limit)
                    .await?,
            );
        }
    }
    Ok(Outcome { rows })
}

#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Get,
    Post,
}

impl Kind {
    fn what(self) -> &'static str {
        match self {
            Self::Get => "GET a bead",
            Self::Post => "POST a bead",
        }
    }

    fn expected(self) -> StatusCode {
        match self {
            Self::Get => StatusCode::OK,
            Self::Post => StatusCode::CREATED,
        }
    }

    /// What makes the requests.
    fn calls(self, seeded: &Seeded) -> impl Fn(u64) -> Call + Send + Sync + 'static {
        let token = Arc::clone(&seeded.token);
        let project_id = seeded.project_id.clone();
        let beads = seeded.beads.clone();
        move |number| match self {
            Self::Get => {
                // Fibonacci hashing: every bead as often as any other, and none twice in a row.
                let spread = number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 33;
                let index = usize::try_from(spread).unwrap_or_default() % beads.len();
                Call {
                    method: "GET",
                    path: format!("/api/v1/beads/{}", beads[index]),
                    token: Arc::clone(&token),
                    headers: Vec::new(),
                    body: Bytes::new(),
                }
            }
            Self::Post => {
                let bead = json!({
                    "project_id": project_id,
                    "title": format!("Filed bead {number}"),
                    "description": DESCRIPTION,
                    "tags": ["filed"],
                });
                Call {
                    method: "POST",
                    path: "/api/v1/beads".to_owned(),
                    token: Arc::clone(&token),
                    headers: Vec::new(),
                    body: bead.to_string().into(),
                }
            }
        }
    }
}

/// One turn of one kind of request.
pub(crate) async fn turn(
    process: &Process,
    seeded: &Seeded,
    kind: Kind,
    concurrency: usize,
    limit: Duration,
    most: u64,
) -> Result<Turn> {
    let calls = kind.calls(seeded);
    load::run(
        &process.address,
        concurrency,
        limit,
        most,
        kind.expected(),
        calls,
    )
    .await
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = Table::new(
            "Requests: through the components on the host, and through the same handle natively (hyper, rusqlite); times in ms",
            &Row::heads("request"),
        );
        for row in &self.rows {
            row.lines(&mut table, [None, None]);
        }
        let met = self.rows.iter().filter(|row| row.share() >= LEAST_SHARE);
        let met = met.count();
        let worst = self
            .rows
            .iter()
            .min_by(|a, b| a.share().total_cmp(&b.share()));
        let worst = worst.map_or_else(String::new, |row| {
            let share = percent(row.share());
            format!("{share}, {} at {}", row.what, row.concurrency)
        });
        table.goal(
            "at least half as many requests a second as natively, in every row",
            met == self.rows.len(),
            format_args!(
                "met in {met} of {} rows; the least is {worst}",
                self.rows.len()
            ),
        );
        table.note("The load generator runs on the same cores. Every request is authenticated and written or read in SQLite,");
        table.note("WAL, synchronous = FULL. A POST also nudges the dispatcher, which runs a tick on both sides; the host's");
        table.note("tick keeps its summary on disk, the native one in memory. CPU is the server's alone, work after the answer included.");
        for row in &self.rows {
            row.note_refusals(&mut table);
        }
        table.fmt(f)
    }
}
