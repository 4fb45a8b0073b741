//! One turn of the dispatcher on databases of several sizes.

use std::{
    fmt,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use loom_api::testing;
use loom_platform::{
    Platform, body_from,
    native::{NativePlatform, handler},
};
use loom_store::migrate;
use rusqlite::{Connection, params};

use crate::{Bench, Result, Samples, seed, stats::milliseconds, table::Table};

/// Beads that each tick dispatches.
pub const DISPATCHED: usize = 8;

const ROLES: [&str; 4] = [
    "engineering-manager",
    "qa-engineer",
    "code-reviewer",
    "web-designer",
];

/// What was measured.
#[derive(Debug)]
pub struct Outcome {
    /// Each size of the database, the smallest first.
    pub rows: Vec<Row>,
}

/// One size of the database.
#[derive(Debug)]
pub struct Row {
    /// Beads in all.
    pub beads: i64,
    /// Those that wait for another.
    pub blocked: i64,
    /// The database's size, in bytes.
    pub bytes: u64,
    /// Ticks that dispatched [`DISPATCHED`] beads.
    pub dispatching: Samples,
    /// Ticks that found beads ready and agents idle, but no agent that may take any of them.
    pub idle: Samples,
}

/// Fills the databases, and runs ticks on them in turns.
///
/// # Errors
///
/// When a tick dispatches another number of beads than it should.
pub async fn measure(bench: &Bench) -> Result<Outcome> {
    let mut worlds = Vec::new();
    for &beads in &bench.scale.tick_beads {
        let path = bench.directory().join(format!("tick-{beads}.db"));
        worlds.push(World::new(path, beads).await?);
    }
    for world in &worlds {
        // Prepared statements and the pages that every tick reads are there before anything counts.
        world.dispatching().await?;
    }
    let mut dispatching = vec![Vec::new(); worlds.len()];
    let mut idle = vec![Vec::new(); worlds.len()];
    for _ in 0..bench.scale.ticks {
        for (world, times) in worlds.iter().zip(&mut dispatching) {
            times.push(world.dispatching().await?);
        }
    }
    for world in &worlds {
        world.bind_agents_elsewhere()?;
    }
    for _ in 0..bench.scale.ticks {
        for (world, times) in worlds.iter().zip(&mut idle) {
            times.push(world.idle().await?);
        }
    }
    let mut rows = Vec::new();
    for ((world, dispatching), idle) in worlds.into_iter().zip(dispatching).zip(idle) {
        rows.push(world.row(dispatching, idle).await?);
    }
    Ok(Outcome { rows })
}

/// A database with its platform.
struct World {
    platform: NativePlatform,
    /// Puts things back between ticks.
    hand: Connection,
    path: PathBuf,
}

impl World {
    async fn new(path: PathBuf, beads: i64) -> Result<Self> {
        let platform = testing::builder()
            .database_file(&path)
            .variable("max_concurrent", DISPATCHED.to_string())
            .build()?;
        migrate::migrate(platform.database()).await?;
        let project_id = seed::register_project(&platform, "Large").await?;
        seed::register_project(&platform, "Empty").await?;
        seed::team(&platform, "http://tokenhub:8090", DISPATCHED, &ROLES).await?;
        fill(&path, &project_id, beads)?;
        let accept = handler(async |_| {
            let mut response = http::Response::new(body_from(""));
            *response.status_mut() = http::StatusCode::ACCEPTED;
            response
        });
        platform.http().route("agent-step.spin.internal", accept);
        let hand = Connection::open(&path)?;
        // Motivations are looked at by a function of their own, beside the tick: here none is due.
        hand.execute(
            "UPDATE motivation_sweep SET due_at = 9223372036854775807",
            [],
        )?;
        Ok(Self {
            platform,
            hand,
            path,
        })
    }

    /// The time of a tick that dispatches; afterwards everything is as it was.
    async fn dispatching(&self) -> Result<Duration> {
        let time = self.tick(DISPATCHED).await?;
        self.hand.execute_batch(
            "BEGIN IMMEDIATE;
             UPDATE bead SET status = 'open', run_id = NULL, fence = 0, dispatch_count = 0
                 WHERE id IN (SELECT bead_id FROM run);
             UPDATE agent SET status = 'idle', current_run = NULL, current_bead = NULL, last_active_at = NULL;
             DELETE FROM run;
             COMMIT;
             PRAGMA wal_checkpoint(TRUNCATE);",
        )?;
        Ok(time)
    }

    async fn idle(&self) -> Result<Duration> {
        self.tick(0).await
    }

    async fn tick(&self, expected: usize) -> Result<Duration> {
        let started = Instant::now();
        let summary = loom_dispatch_tick::tick(&self.platform)
            .await
            .map_err(|error| format!("a tick failed: {error:?}"))?;
        let time = started.elapsed();
        if summary.dispatched.len() != expected || (expected == 0 && summary.skipped.is_empty()) {
            return Err(format!("a tick should dispatch {expected} but did: {summary:?}").into());
        }
        Ok(time)
    }

    fn bind_agents_elsewhere(&self) -> Result<()> {
        let sql = "UPDATE agent SET project_id = (SELECT id FROM project WHERE name = 'Empty')";
        self.hand.execute(sql, [])?;
        Ok(())
    }

    async fn row(self, dispatching: Vec<Duration>, idle: Vec<Duration>) -> Result<Row> {
        let database = self.platform.database();
        let blocked = "SELECT COUNT(*) FROM bead WHERE open_blockers > 0";
        Ok(Row {
            beads: seed::count(database, "SELECT COUNT(*) FROM bead").await?,
            blocked: seed::count(database, blocked).await?,
            bytes: std::fs::metadata(&self.path)?.len(),
            dispatching: dispatching.into_iter().collect(),
            idle: idle.into_iter().collect(),
        })
    }
}

/// Puts beads in: ids in no order, four priorities, four roles and none, three in ten blocked by another bead.
fn fill(path: &Path, project_id: &str, beads: i64) -> Result<()> {
    let hand = Connection::open(path)?;
    // It is a copy of nothing: a crash here costs nobody anything.
    hand.execute_batch("PRAGMA synchronous = OFF; PRAGMA cache_size = -400000;")?;
    hand.execute_batch("BEGIN IMMEDIATE")?;
    let id = "printf('lrg-%07x', (i * 2654435761) & 0xfffffff)";
    hand.execute(
        &format!(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1),
                 made (i, hash) AS (SELECT i, (i * 2654435761) >> 7 FROM n)
             INSERT INTO bead (id, project_id, kind, title, description, status, priority, touches, context,
                 wanted_role, open_blockers, created_by, created_at, updated_at)
             SELECT {id}, ?2, 'task', 'Bead ' || i, 'As it says.', 'open', hash % 4, '[]', '{{}}',
                 CASE (hash / 4) % 5 WHEN 0 THEN '{}' WHEN 1 THEN '{}' WHEN 2 THEN '{}' WHEN 3 THEN '{}' END,
                 (hash / 20) % 10 < 3, 'bench', 1700000000000 + i * 1000, 1700000000000 + i * 1000
             FROM made",
            ROLES[0], ROLES[1], ROLES[2], ROLES[3],
        ),
        params![beads, project_id],
    )?;
    // Each blocked bead waits for the one that was filed after it.
    let next = "printf('lrg-%07x', ((created_at - 1700000000000) / 1000 % ?1 + 1) * 2654435761 & 0xfffffff)";
    hand.execute(
        &format!("INSERT INTO bead_blocker SELECT id, {next} FROM bead WHERE open_blockers > 0"),
        params![beads],
    )?;
    hand.execute(
        "UPDATE project SET bead_count = ?1 WHERE id = ?2",
        params![beads, project_id],
    )?;
    hand.execute_batch("COMMIT; PRAGMA wal_checkpoint(TRUNCATE);")?;
    Ok(())
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = Table::new(
            format!(
                "Tick: one turn of the dispatcher, natively, agent-step answered by a stub; {DISPATCHED} idle agents (ms)"
            ),
            &[
                "beads",
                "blocked",
                "database MB",
                "tick",
                "samples",
                "p50",
                "p99",
                "max",
                "to the first",
            ],
        );
        let mut worst = 0.0_f64;
        for row in &self.rows {
            let first = &self.rows[0];
            let kinds = [
                (
                    format!("{DISPATCHED} dispatched"),
                    &row.dispatching,
                    &first.dispatching,
                ),
                ("0 dispatched".to_owned(), &row.idle, &first.idle),
            ];
            for (index, (name, samples, first)) in kinds.into_iter().enumerate() {
                let ratio = samples.p50().as_secs_f64() / first.p50().as_secs_f64().max(1e-9);
                if index == 0 {
                    worst = worst.max(ratio);
                }
                let [p50, p99, max] = samples.columns();
                table.row([
                    row.beads.to_string(),
                    row.blocked.to_string(),
                    format!("{}", row.bytes / 1_000_000),
                    name,
                    samples.len().to_string(),
                    p50,
                    p99,
                    max,
                    format!("{ratio:.2} x"),
                ]);
            }
        }
        let (Some(first), Some(last)) = (self.rows.first(), self.rows.last()) else {
            return table.fmt(f);
        };
        table.goal(
            &format!(
                "p50 at {} beads at most twice that at {}, {DISPATCHED} dispatched",
                last.beads, first.beads
            ),
            worst <= 2.0,
            format_args!(
                "{} ms to {} ms, {worst:.2} x",
                milliseconds(last.dispatching.p50()),
                milliseconds(first.dispatching.p50())
            ),
        );
        table.note("Each dispatched bead is a transaction of its own with its events, on disk before the next (synchronous = FULL).");
        table.note("0 dispatched: beads are ready and agents idle, but all agents are bound to another project.");
        table.fmt(f)
    }
}
