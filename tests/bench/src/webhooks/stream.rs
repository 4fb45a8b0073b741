//! Deliveries at a steady rate, with the ticks of the schedule, until the last of them has been handled.

use std::{
    convert::Infallible,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use http::StatusCode;
use loom_api::testing;
use rusqlite::{Connection, OpenFlags};

use super::{Left, deliveries::Deliveries};
use crate::{
    Bench, Result,
    load::{self, Call},
    native::TICK,
    poll,
    process::Process,
    sides::Side,
};

/// How many deliveries come a second.
const RATE: u32 = 200;
/// Connections of the steady stream: more than are ever in use where the goal is met.
pub(super) const CONNECTIONS: usize = 32;
/// How often the manifest's schedule ticks.
const TICK_PERIOD: Duration = Duration::from_secs(10);
/// How often to look whether everything has been handled, and how long that may take after the stream.
const LOOK: Duration = Duration::from_millis(50);
const PATIENCE: Duration = Duration::from_secs(120);

/// One side's answers to a steady stream, after a short turn that does not count, and what was left then.
pub(super) async fn steady(
    bench: &Bench,
    process: &Process,
    database: &Path,
    deliveries: &Deliveries,
) -> Result<(Side, Left)> {
    let (every, count) = (Duration::from_secs(1) / RATE, bench.scale.deliveries);
    let stream = async |most| {
        tokio::select! {
            turn = stream(process, every, most, deliveries.issues()) => turn,
            stopped = ticks(process) => match stopped? {},
        }
    };
    // The first tick also looks, in every repository, for what was never delivered, which is done every few minutes.
    stream(count.min(200)).await?;
    handled(database).await?;
    process.settle().await?;
    let before = process.cpu()?;
    let turn = stream(count).await?;
    let left = handled(database).await?;
    process.settle().await?;
    let cpu = process.cpu()?.saturating_sub(before);
    Ok((Side::of(turn, cpu), left))
}

/// Ticks as the schedule of the manifest has them, which the host does not follow here.
async fn ticks(process: &Process) -> Result<Infallible> {
    let mut connection = load::Connection::open(&process.address).await?;
    let mut due = tokio::time::interval(TICK_PERIOD);
    loop {
        due.tick().await;
        let call = Call {
            method: "POST",
            path: TICK.to_owned(),
            token: Arc::from(testing::SERVICE_TOKEN),
            headers: Vec::new(),
            body: "{}".into(),
        };
        let (status, body) = connection.send(&call).await?;
        if !status.is_success() {
            let told = String::from_utf8_lossy(&body);
            return Err(format!("POST {TICK}: {status} {told}").into());
        }
    }
}

async fn stream(
    process: &Process,
    every: Duration,
    most: u64,
    calls: impl Fn(u64) -> Call + Send + Sync + 'static,
) -> Result<load::Turn> {
    let (address, accepted) = (&process.address, StatusCode::ACCEPTED);
    load::run_paced(address, CONNECTIONS, every, most, accepted, calls).await
}

/// Waits until everything that came has been handled; returns how much it was, and how long that took.
pub(super) async fn handled(database: &Path) -> Result<Left> {
    let database = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let sql = "SELECT COUNT(*) FROM delivery WHERE due_at IS NOT NULL";
    let count = || -> Result<i64> { Ok(database.query_row(sql, [], |row| row.get(0))?) };
    let started = Instant::now();
    let deliveries = count()?;
    if deliveries > 0 {
        let none_left = poll::until(LOOK, PATIENCE, || Ok((count()? == 0).then_some(())));
        if none_left.await?.is_none() {
            let left = count()?;
            return Err(format!("{left} of {deliveries} deliveries were not handled").into());
        }
    }
    let took = started.elapsed();
    Ok(Left { deliveries, took })
}
