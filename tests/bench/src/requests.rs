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
    sides::Requests,
    table::Table,
};

pub use crate::sides::{Row, Side};

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
            &[
                "request",
                "conns",
                "side",
                "answers",
                "refused",
                "req/s",
                "p50",
                "p99",
                "max",
                "CPU us/req",
                "of native",
            ],
        );
        let mut worst: Option<(f64, String)> = None;
        let mut refusals = Vec::new();
        for row in &self.rows {
            let share = row.components.rate() / row.native.rate().max(f64::MIN_POSITIVE);
            let name = format!("{} at {}", row.what, row.concurrency);
            if worst.as_ref().is_none_or(|(least, _)| share < *least) {
                worst = Some((share, name.clone()));
            }
            let sides = [
                (
                    "components",
                    &row.components,
                    format!("{:.0} %", share * 100.0),
                ),
                ("native", &row.native, String::new()),
            ];
            for (name_of_side, side, share) in sides {
                let [p50, p99, max] = side.times.columns();
                table.row([
                    row.what.to_owned(),
                    row.concurrency.to_string(),
                    name_of_side.to_owned(),
                    side.times.len().to_string(),
                    side.refused.to_string(),
                    format!("{:.0}", side.rate()),
                    p50,
                    p99,
                    max,
                    format!("{:.0}", side.cpu_per_request()),
                    share,
                ]);
                if let Some(refusal) = &side.refusal {
                    refusals.push(format!("refused, {name}, {name_of_side}: {refusal}"));
                }
            }
        }
        let half = 0.5;
        let met = self
            .rows
            .iter()
            .filter(|row| row.components.rate() >= row.native.rate() * half);
        let met = met.count();
        let worst = worst.unwrap_or_default();
        table.goal(
            "at least half as many requests a second as natively, in every row",
            met == self.rows.len(),
            format_args!(
                "met in {met} of {} rows; the least is {:.0} %, {}",
                self.rows.len(),
                worst.0 * 100.0,
                worst.1
            ),
        );
        table.note("The load generator runs on the same cores. Every request is authenticated and written or read in SQLite,");
        table.note("WAL, synchronous = FULL. A POST also nudges the dispatcher, which runs a tick on both sides; the host's");
        table.note("tick keeps its summary on disk, the native one in memory. CPU is the server's alone, work after the answer included.");
        for refusal in refusals {
            table.note(refusal);
        }
        table.fmt(f)
    }
}
