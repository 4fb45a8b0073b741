//! One kind of request, sent in turns to the components on the host and to the same `handle` natively.

mod lines;

use std::{sync::Arc, time::Duration};

use http::StatusCode;

use crate::{
    Bench, Result, Samples,
    load::{self, Call, Turn},
    process::Process,
};

pub(crate) use lines::percent;

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
    /// What a turn measured, and the CPU time that the server used for it.
    pub(crate) fn of(turn: Turn, cpu: Duration) -> Self {
        Self {
            times: turn.times.into_iter().collect(),
            refused: turn.refused,
            refusal: turn.refusal,
            took: turn.took,
            cpu,
        }
    }

    /// Answers a second.
    pub fn rate(&self) -> f64 {
        if self.took.is_zero() {
            return 0.0;
        }
        count(self.times.len()) / self.took.as_secs_f64()
    }

    /// CPU time of the server for one answer, in microseconds, with what it did after answering.
    pub(crate) fn cpu_per_request(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / count(self.times.len().max(1))
    }
}

#[allow(clippy::cast_precision_loss, reason = "far fewer than 2^52 requests")]
fn count(requests: usize) -> f64 {
    requests as f64
}

type Calls = Arc<dyn Fn(u64) -> Call + Send + Sync>;

/// Requests of one kind.
pub(crate) struct Requests {
    what: &'static str,
    expected: StatusCode,
    calls: Calls,
}

impl Requests {
    /// `calls` makes the request of a running number, which begins anew in each turn.
    pub(crate) fn new(
        what: &'static str,
        expected: StatusCode,
        calls: impl Fn(u64) -> Call + Send + Sync + 'static,
    ) -> Self {
        let calls = Arc::new(calls);
        Self {
            what,
            expected,
            calls,
        }
    }

    /// As many turns of each side as the scale says, each as long as `limit`, after one that does not count.
    pub(crate) async fn row(
        &self,
        bench: &Bench,
        host: &Process,
        native: &Process,
        concurrency: usize,
        limit: Duration,
    ) -> Result<Row> {
        let (mut components, mut natively) = (Gathered::default(), Gathered::default());
        for process in [host, native] {
            // Connections, instances and caches are there before anything counts.
            let most = bench.scale.turn_requests.min(200);
            self.turn(process, concurrency, limit, most).await?;
            process.settle().await?;
        }
        for _ in 0..bench.scale.turns {
            for (process, gathered) in [(host, &mut components), (native, &mut natively)] {
                let before = process.cpu()?;
                let most = bench.scale.turn_requests;
                let turn = self.turn(process, concurrency, limit, most).await?;
                // What goes on behind the answers is part of their cost, and must not disturb the other side's turn.
                process.settle().await?;
                gathered.add(turn, process.cpu()?.saturating_sub(before));
            }
        }
        Ok(Row {
            what: self.what,
            concurrency,
            components: components.side(),
            native: natively.side(),
        })
    }

    async fn turn(
        &self,
        process: &Process,
        concurrency: usize,
        limit: Duration,
        most: u64,
    ) -> Result<Turn> {
        let calls = Arc::clone(&self.calls);
        let address = &process.address;
        load::run(
            address,
            concurrency,
            limit,
            most,
            self.expected,
            move |number| calls(number),
        )
        .await
    }
}

#[derive(Default)]
struct Gathered {
    turn: Turn,
    cpu: Duration,
}

impl Gathered {
    fn add(&mut self, turn: Turn, cpu: Duration) {
        self.turn.times.extend(turn.times);
        self.turn.refused += turn.refused;
        self.turn.refusal = self.turn.refusal.take().or(turn.refusal);
        self.turn.took += turn.took;
        self.cpu += cpu;
    }

    fn side(self) -> Side {
        Side::of(self.turn, self.cpu)
    }
}
