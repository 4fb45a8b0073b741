//! What is printed of webhooks.

use std::{fmt, time::Duration};

use super::Outcome;
use crate::{sides::Row, stats::milliseconds, table::Table};

/// How soon 99 in 100 deliveries are to be answered.
const SOON: Duration = Duration::from_millis(50);

impl Outcome {
    /// The steady stream, and then what was sent as fast as it was answered.
    fn every_row(&self) -> impl Iterator<Item = &Row> {
        std::iter::once(&self.steady).chain(&self.rows)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = Table::new(
            "Webhooks: POST /api/v1/webhooks/github, signed, through the components and through the same handle natively; times in ms",
            &Row::heads("delivery"),
        );
        for row in self.every_row() {
            row.lines(&mut table, [None, None]);
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
        for row in self.every_row() {
            row.note_refusals(&mut table);
        }
        table.fmt(f)
    }
}
