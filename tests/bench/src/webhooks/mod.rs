//! How soon a delivery of GitHub's is answered, and how many are taken in a second: signature, whether it is known, kept
//! on disk, 2xx. What it asks for is done after the answer, and competes with the next ones.

mod deliveries;
mod github;
mod payload;

use std::{
    convert::Infallible,
    fmt,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use http::StatusCode;
use loom_api::testing;
use loom_domain::{
    id::uuid_v7,
    project::{GitStrategy, ProjectInput},
};
use loom_platform::{Database, Platform, Random, Transaction};
use loom_store::{Change, migrate, project};
use rusqlite::{Connection, OpenFlags};

use crate::{
    Bench, Result,
    load::{self, Call},
    native::TICK,
    process::Process,
    seed, serve,
    sides::{Requests, Row, Side},
    stats::milliseconds,
    table::Table,
};
use deliveries::{Deliveries, REPOSITORIES, repository};
use github::GitHub;

/// How many deliveries come a second, and how soon 99 in 100 of them are to be answered.
const RATE: u32 = 200;
const SOON: Duration = Duration::from_millis(50);
/// How often the manifest's schedule ticks.
const TICK_PERIOD: Duration = Duration::from_secs(10);
/// Connections of the steady stream: more than are ever in use where the goal is met.
const STREAM: usize = 32;
/// The most connections that send as fast as they are answered.
const MOST_CONNECTIONS: usize = 16;
/// How long what is left after the stream may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// What was measured.
#[derive(Debug)]
pub struct Outcome {
    /// Issues that are opened at a steady rate.
    pub steady: Row,
    /// What was left of them, with the components and natively.
    pub left: [Left; 2],
    /// As fast as they are answered: issues, the same again, and large payloads.
    pub rows: Vec<Row>,
    /// Calls of GitHub by both sides, in the whole run.
    pub asked: u64,
}

/// What was left to do when the last delivery of the stream was answered.
#[derive(Debug, Clone, Copy, Default)]
pub struct Left {
    /// Deliveries that were not handled yet.
    pub deliveries: i64,
    /// How long it took until they were.
    pub took: Duration,
}

/// Sends deliveries to both sides.
///
/// # Errors
///
/// When a side doesn't start, breaks a connection, or leaves deliveries unhandled.
pub async fn measure(bench: &Bench) -> Result<Outcome> {
    let hub = Arc::new(GitHub::default());
    let url = serve::on_loopback(hub.handler()).await?;
    let state = bench.state("webhooks")?;
    let (on_host, natively) = (
        state.join("sqlite/default.db"),
        bench.directory().join("webhooks-native.db"),
    );
    let secret = seed(&natively, &url).await?;
    std::fs::copy(&natively, &on_host)?;
    let variables = [
        ("github_url", url.as_str()),
        ("github_token", &secret),
        ("github_webhook_secrets", &secret),
    ];
    let host = Process::host(bench, &state, &variables)?;
    let native = Process::native(bench, &natively, &variables)?;
    let deliveries = Deliveries::new(&secret);

    let (components, left) = steady(bench, &host, &on_host, &deliveries).await?;
    let (native_side, left_natively) = steady(bench, &native, &natively, &deliveries).await?;
    let steady = Row {
        what: "issue opened, 200/s",
        concurrency: STREAM,
        components,
        native: native_side,
    };
    let connections = bench.scale.concurrency.iter().copied();
    let connections: Vec<usize> = connections
        .filter(|connections| *connections <= MOST_CONNECTIONS)
        .collect();
    let accepted = StatusCode::ACCEPTED;
    let issues = Requests::new("issue opened", accepted, deliveries.issues());
    let again = Requests::new("the same again", StatusCode::OK, deliveries.repeated());
    let large = Requests::new("push of 1 MiB", accepted, deliveries.large());
    let mut rows = Vec::new();
    for (requests, connections) in [
        (issues, connections.as_slice()),
        (again, connections.as_slice()),
        (large, &[1]),
    ] {
        for &connections in connections {
            let limit = bench.scale.delivery_turn;
            let row = requests.row(bench, &host, &native, connections, limit);
            rows.push(row.await?);
            for (process, database) in [(&host, &on_host), (&native, &natively)] {
                handled(database).await?;
                process.settle().await?;
            }
        }
    }
    Ok(Outcome {
        steady,
        left: [left, left_natively],
        rows,
        asked: hub.asked(),
    })
}

/// A new database file with a project for each repository. Returns a secret of this run.
async fn seed(path: &Path, url: &str) -> Result<String> {
    let platform = testing::builder().database_file(path).build()?;
    migrate::migrate(platform.database()).await?;
    // Nobody to work on what is filed: the tick that a new bead causes ends when it sees that.
    seed::team(&platform, "http://127.0.0.1:9", 0, &[]).await?;
    let tx = platform.database().transaction().await?;
    let change = Change::new(&tx, platform.random(), "bench").await?;
    for number in 0..REPOSITORIES {
        let name = repository(number);
        let input = ProjectInput {
            name: Some(name.replace('/', " ")),
            git_repo: Some(format!("{url}/{name}")),
            git_strategy: Some(GitStrategy::BranchPr),
            bead_budget_micro_usd: Some(0),
            ..ProjectInput::default()
        };
        project::register(&change, input.register()?, false).await?;
    }
    tx.commit().await?;
    Ok(uuid_v7(1, platform.random().bytes()))
}

/// One side's answers to a steady stream, after a short turn that does not count, and what was left then.
async fn steady(
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
    load::run_paced(address, STREAM, every, most, accepted, calls).await
}

/// Waits until everything that came has been handled; returns how much it was, and how long that took.
async fn handled(database: &Path) -> Result<Left> {
    let database = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let started = Instant::now();
    let sql = "SELECT COUNT(*) FROM delivery WHERE due_at IS NOT NULL";
    let mut first = None;
    loop {
        let left: i64 = database.query_row(sql, [], |row| row.get(0))?;
        let deliveries = *first.get_or_insert(left);
        if left == 0 {
            let took = started.elapsed();
            return Ok(Left { deliveries, took });
        }
        if started.elapsed() > PATIENCE {
            return Err(format!("{left} of {deliveries} deliveries were not handled").into());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let heads = [
            "delivery",
            "conns",
            "side",
            "answers",
            "refused",
            "per s",
            "p50",
            "p99",
            "max",
            "CPU us each",
            "of native",
        ];
        let mut table = Table::new(
            "Webhooks: POST /api/v1/webhooks/github, signed, through the components and through the same handle natively; times in ms",
            &heads,
        );
        let mut refusals = Vec::new();
        for row in std::iter::once(&self.steady).chain(&self.rows) {
            let share = row.components.rate() * 100.0 / row.native.rate().max(f64::MIN_POSITIVE);
            for (name, side, share) in [
                ("components", &row.components, format!("{share:.0} %")),
                ("native", &row.native, String::new()),
            ] {
                let [p50, p99, max] = side.times.columns();
                table.row([
                    row.what.to_owned(),
                    row.concurrency.to_string(),
                    name.to_owned(),
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
                    refusals.push(format!("refused, {}, {name}: {refusal}", row.what));
                }
            }
        }
        let [components, native] = [&self.steady.components, &self.steady.native];
        let p99 = components.times.quantile(0.99);
        table.goal(
            "p99 under 50 ms at 200 deliveries a second, none refused",
            p99 < SOON && components.refused == 0,
            format_args!(
                "p99 {} ms, natively {} ms",
                milliseconds(p99),
                milliseconds(native.times.quantile(0.99))
            ),
        );
        let [with_components, natively] = self.left.map(|left| {
            let seconds = left.took.as_secs_f64();
            format!("{} were left, done {seconds:.1} s later", left.deliveries)
        });
        table.note("At 200/s a delivery is sent when it is due, answered or not, and its time begins there. Each files a bead afterwards, and the");
        table.note(format!(
            "dispatcher ticks every 10 s, with nobody free to work; at the last answer {with_components} (components), {natively} (native)."
        ));
        table.note("The other rows send as fast as they are answered. Issues are of about 11 KiB. CPU is the server's alone, with all the work after");
        table.note(format!(
            "the answers. Kept means on disk (synchronous = FULL). GitHub was asked {} times; it lets nobody write more than 80 comments a minute.",
            self.asked
        ));
        for refusal in refusals {
            table.note(refusal);
        }
        table.fmt(f)
    }
}
