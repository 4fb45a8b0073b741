//! How soon a delivery of GitHub's is answered, and how many are taken in a second: signature, whether it is known, kept
//! on disk, 2xx. What it asks for is done after the answer, and competes with the next ones.

mod deliveries;
mod github;
mod payload;
mod report;
mod stream;

use std::{path::Path, sync::Arc, time::Duration};

use http::StatusCode;
use loom_api::testing;
use loom_domain::{
    id::uuid_v7,
    project::{GitStrategy, ProjectInput},
};
use loom_platform::{Database, Platform, Random, Transaction};
use loom_store::{Change, migrate, project};

use crate::{
    Bench, Result,
    process::Process,
    seed, serve,
    sides::{Requests, Row},
};
use deliveries::{Deliveries, REPOSITORIES, repository};
use github::GitHub;
use stream::{handled, steady};

/// The most connections that send as fast as they are answered.
const MOST_CONNECTIONS: usize = 16;

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
        concurrency: stream::CONNECTIONS,
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
