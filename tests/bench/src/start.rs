//! How long a start takes.

use std::{fmt, sync::Arc, time::Duration};

use bytes::Bytes;

use crate::{
    Bench, Result, Samples,
    load::{Call, Connection},
    process::Process,
    stats::milliseconds,
    table::Table,
};

/// What was measured.
#[derive(Debug)]
pub struct Outcome {
    /// From the start of the process to its first 200, with nothing compiled and no data.
    pub uncached: Duration,
    /// The same with compiled components cached and the database there.
    pub cached: Samples,
    /// Of those, until it listened.
    pub listening: Samples,
}

/// Starts `loom up` without and with compiled components, and asks for its health, which opens the database.
///
/// # Errors
///
/// When it doesn't start, or its first answer isn't 200.
pub async fn measure(bench: &Bench) -> Result<Outcome> {
    bench.forget_compiled()?;
    let uncached = once(bench).await?.1;
    let mut cached = Vec::new();
    for _ in 0..bench.scale.starts {
        cached.push(once(bench).await?);
    }
    Ok(Outcome {
        uncached,
        cached: cached.iter().map(|(_, first)| *first).collect(),
        listening: cached.iter().map(|(listening, _)| *listening).collect(),
    })
}

/// Until it listened, and until its first 200.
async fn once(bench: &Bench) -> Result<(Duration, Duration)> {
    let host = Process::host(bench, &bench.state("start")?, &[])?;
    health(&host).await?;
    let first = host.started.elapsed();
    let listening = host.listening_after;
    host.stop()?;
    Ok((listening, first))
}

/// One `GET /health`, on a connection of its own.
pub(crate) async fn health(host: &Process) -> Result<()> {
    let call = Call {
        method: "GET",
        path: "/health".to_owned(),
        token: Arc::from(""),
        headers: Vec::new(),
        body: Bytes::new(),
    };
    let (status, body) = Connection::open(&host.address).await?.send(&call).await?;
    if status != http::StatusCode::OK {
        return Err(format!("GET /health: {status} {}", String::from_utf8_lossy(&body)).into());
    }
    Ok(())
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = Table::new(
            "Start: loom up --no-build --without-workspace --without-cron, to the first 200 of GET /health (ms)",
            &["components", "starts", "p50", "max", "listening p50"],
        );
        table.row([
            "compiled, cached".to_owned(),
            self.cached.len().to_string(),
            milliseconds(self.cached.p50()),
            milliseconds(self.cached.quantile(1.0)),
            milliseconds(self.listening.p50()),
        ]);
        let uncached = milliseconds(self.uncached);
        table.row([
            "not compiled yet".to_owned(),
            "1".to_owned(),
            uncached.clone(),
            uncached,
        ]);
        let median = self.cached.p50();
        table.goal(
            "median under 1 s when cached",
            median < Duration::from_secs(1),
            format_args!("{} ms", milliseconds(median)),
        );
        table.fmt(f)
    }
}
