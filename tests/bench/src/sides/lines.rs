//! The lines of both sides in a table.

use super::{Row, Side};
use crate::table::Table;

impl Row {
    /// The heads of what [`Row::lines`] fills in; the first column is `what`.
    pub(crate) fn heads(what: &str) -> [&str; 11] {
        [
            what,
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
        ]
    }

    /// Answers a second of the components, as a share of what the native side had.
    pub(crate) fn share(&self) -> f64 {
        self.components.rate_of(&self.native)
    }

    /// Adds a line for the components and one for the native side, each with what comes in a column of its own after
    /// those of [`Row::heads`].
    pub(crate) fn lines(&self, table: &mut Table, [components, native]: [Option<String>; 2]) {
        let share = percent(self.share());
        for (name, side, share, more) in [
            ("components", &self.components, share, components),
            ("native", &self.native, String::new(), native),
        ] {
            let [p50, p99, max] = side.times.columns();
            let cells = [
                self.what.to_owned(),
                self.concurrency.to_string(),
                name.to_owned(),
                side.times.len().to_string(),
                side.refused.to_string(),
                format!("{:.0}", side.rate()),
                p50,
                p99,
                max,
                format!("{:.0}", side.cpu_per_request()),
                share,
            ];
            table.row(cells.into_iter().chain(more));
        }
    }

    /// Notes below the table what was said to the first request that each side refused.
    pub(crate) fn note_refusals(&self, table: &mut Table) {
        for (name, side) in [("components", &self.components), ("native", &self.native)] {
            if let Some(refusal) = &side.refusal {
                let (what, connections) = (self.what, self.concurrency);
                table.note(format!(
                    "refused, {what} at {connections}, {name}: {refusal}"
                ));
            }
        }
    }
}

impl Side {
    /// Answers a second, as a share of what another side had.
    pub(crate) fn rate_of(&self, other: &Side) -> f64 {
        self.rate() / other.rate().max(f64::MIN_POSITIVE)
    }
}

/// A share as a percentage.
pub(crate) fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}
