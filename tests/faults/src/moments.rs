//! When a host is killed, and how far the work has come by then.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::time::Duration;

use loom_test_support::{Loom, Random};

/// The random numbers of this run, with what repeats it.
pub(crate) fn random() -> Random {
    let seed = Random::seed_from("LOOM_FAULT_SEED");
    eprintln!("LOOM_FAULT_SEED={seed} repeats these moments, as far as the machine does");
    Random::new(seed)
}

/// After how many events a host is killed: `kills` different counts of `when`, in order.
pub(crate) fn after_events(
    random: &mut Random,
    kills: usize,
    when: &RangeInclusive<u64>,
) -> BTreeSet<u64> {
    let mut moments = BTreeSet::new();
    while moments.len() < kills {
        moments.insert(random.within(when.clone()));
    }
    moments
}

/// Passes a random time, so that what a kill interrupts is not always what comes right after a look at the events. It
/// is a part of the fault, and nothing is synchronised by it.
pub(crate) fn at_any_moment(random: &mut Random) {
    std::thread::sleep(Duration::from_micros(random.within(0..=20_000)));
}

/// How far the work has come, by the log of events.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    /// Events that count so far. Those of runs don't: after every kill runs are taken over before anything else can
    /// happen.
    pub(crate) seen: u64,
    /// The sequence of the newest event of the last look.
    last: i64,
}

impl Progress {
    /// Looks again; returns how many events have come that count.
    pub(crate) fn look(&mut self, loom: &Loom) -> u64 {
        let path = format!("/api/v1/events?limit=1000&after={}", self.last);
        let page = loom.admin.get(&path).ok();
        let events = page["events"].as_array().unwrap();
        if let Some(newest) = events.last() {
            self.last = newest["sequence"].as_i64().unwrap();
        }
        let counted = events
            .iter()
            .filter(|event| !event["type"].as_str().unwrap().starts_with("run."))
            .count() as u64;
        self.seen += counted;
        counted
    }
}
