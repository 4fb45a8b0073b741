//! Requests through the components on the host, and through the same `handle` natively.

use std::{fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use http::StatusCode;
use serde_json::json;

use crate::{
    Bench, Result, Samples,
    load::{self, Call, Turn},
    process::Process,
    seed::{self, DESCRIPTION, Seeded},
    table::Table,
};

/// What was measured.
#[derive(Debug)]
pub struct Outcome {
    /// Each kind of request at each concurrency.
    pub rows: Vec<Row>,
}

/// One kind of request at one concurrency.
#[derive(Debug)]
pub struct Row {
    /// What was asked for.
    pub what: &'static str,
    /// Connections that sent at once.
    pub concurrency: usize,
    /// Through the components.
    pub components: Side,
    /// Natively.
    pub native: Side,
}

/// What one side did.
#[derive(Debug, Default)]
pub struct Side {
    /// Times of the requests that were answered as they should be.
    pub times: Samples,
    /// Requests that were not.
    pub refused: u64,
    /// The first answer to one of those.
    pub refusal: Option<String>,
    took: Duration,
    cpu: Duration,
}

impl Side {
    /// Answers a second.
    pub fn rate(&self) -> f64 {
        if self.took.is_zero() {
            return 0.0;
        }
        count(self.times.len()) / self.took.as_secs_f64()
    }

    /// CPU time of the server for one answer, in microseconds, with what it did after answering.
    fn cpu_per_request(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / count(self.times.len().max(1))
    }
}

#[allow(clippy::cast_precision_loss, reason = "far fewer than 2^52 requests")]
fn count(requests: usize) -> f64 {
    requests as f64
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
    let native = Process::native(bench, &database)?;
    let mut rows = Vec::new();
    for kind in [Kind::Get, Kind::Post] {
        for &concurrency in &bench.scale.concurrency {
            rows.push(row(bench, &host, &native, &seeded, kind, concurrency).await?);
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
                    body: bead.to_string().into(),
                }
            }
        }
    }
}

async fn row(
    bench: &Bench,
    host: &Process,
    native: &Process,
    seeded: &Seeded,
    kind: Kind,
    concurrency: usize,
) -> Result<Row> {
    let (mut components, mut natively) = (Gathered::default(), Gathered::default());
    for (process, gathered) in [(host, &mut components), (native, &mut natively)] {
        // Connections, instances and caches are there before anything counts.
        let most = bench.scale.turn_requests.min(200);
        turn(process, seeded, kind, concurrency, bench.scale.turn, most).await?;
        process.settle().await?;
        gathered.reset();
    }
    for _ in 0..bench.scale.turns {
        for (process, gathered) in [(host, &mut components), (native, &mut natively)] {
            let before = process.cpu()?;
            let (limit, most) = (bench.scale.turn, bench.scale.turn_requests);
            let turn = turn(process, seeded, kind, concurrency, limit, most).await?;
            // What goes on behind the answers is part of their cost, and must not disturb the other side's turn.
            process.settle().await?;
            gathered.add(turn, process.cpu()?.saturating_sub(before));
        }
    }
    Ok(Row {
        what: match kind {
            Kind::Get => "GET a bead",
            Kind::Post => "POST a bead",
        },
        concurrency,
        components: components.side(),
        native: natively.side(),
    })
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

#[derive(Default)]
struct Gathered {
    turn: Turn,
    cpu: Duration,
}

impl Gathered {
    fn reset(&mut self) {
        *self = Self::default();
    }

    fn add(&mut self, turn: Turn, cpu: Duration) {
        self.turn.times.extend(turn.times);
        self.turn.refused += turn.refused;
        self.turn.refusal = self.turn.refusal.take().or(turn.refusal);
        self.turn.took += turn.took;
        self.cpu += cpu;
    }

    fn side(self) -> Side {
        Side {
            times: self.turn.times.into_iter().collect(),
            refused: self.turn.refused,
            refusal: self.turn.refusal,
            took: self.turn.took,
            cpu: self.cpu,
        }
    }
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
