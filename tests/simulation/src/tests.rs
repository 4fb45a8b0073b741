//! Thousands of schedules, and the proof that the checks can fail.

// The tests' own settings come from the environment, and the report tells how long they took.
#![allow(clippy::disallowed_methods)]

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Instant,
};

use crate::{
    mutation::Mutation,
    schedule::{Report, Violation, run},
};

const SCHEDULES: u64 = if cfg!(debug_assertions) { 150 } else { 10_000 };

/// A setting of the tests.
pub(crate) fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{variable} must be a number, not {text:?}")),
    )
}

/// Goes through all of `seeds` on all processors, up to the first violation.
fn run_all(first: u64, count: u64, mutation: Option<Mutation>) -> Result<Report, Violation> {
    let next = AtomicU64::new(first);
    let stop = AtomicBool::new(false);
    let total = Mutex::new(Report::default());
    let violation = Mutex::new(None::<Violation>);
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + count {
                        return;
                    }
                    match run(seed, mutation) {
                        Ok(report) => total
                            .lock()
                            .unwrap_or_else(PoisonError::into_inner)
                            .add(report),
                        Err(found) => {
                            stop.store(true, Ordering::Relaxed);
                            *violation.lock().unwrap_or_else(PoisonError::into_inner) = Some(found);
                        }
                    }
                }
            });
        }
    });
    match violation
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner)
    {
        Some(violation) => Err(violation),
        None => Ok(total.into_inner().unwrap_or_else(PoisonError::into_inner)),
    }
}

#[test]
fn every_schedule_keeps_the_invariants() {
    let count = number("LOOM_SIMULATION_SCHEDULES").unwrap_or(SCHEDULES);
    let first = number("LOOM_SIMULATION_FIRST").unwrap_or(0);
    let start = Instant::now();
    match run_all(first, count, None) {
        Err(violation) => panic!("{violation}"),
        Ok(report) => {
            println!("{report:#?}\nin {:?}", start.elapsed());
            if count >= 1_000 {
                let reached = [
                    report.crashes,
                    report.requeues,
                    report.refused_steps,
                    report.stale_fences,
                    report.replays,
                    report.garbage,
                    report.paid_in_flight,
                    report.merges,
                    report.given_up,
                    report.budget_refusals,
                    report.answers,
                ];
                assert!(
                    reached.iter().all(|times| *times > 0),
                    "the schedules no longer reach what they are for: {report:#?}"
                );
            }
        }
    }
}

#[test]
fn one_seed() {
    let seed = number("LOOM_SIMULATION_SEED").unwrap_or(0);
    match run(seed, None) {
        Err(violation) => panic!("{violation}"),
        Ok(report) => println!("seed {seed}: {report:#?}"),
    }
}

#[test]
fn a_seed_is_always_the_same_schedule() {
    for seed in 0..if cfg!(debug_assertions) { 4 } else { 40 } {
        let (first, second) = (run(seed, None).unwrap(), run(seed, None).unwrap());
        assert_eq!(first, second, "seed {seed}");
    }
}

#[test]
fn each_mutation_is_noticed() {
    let mut unnoticed = Vec::new();
    // Some need a rare coincidence, for which there is no time without optimisation.
    let (schedules, mutations) = if cfg!(debug_assertions) {
        (80, Mutation::FREQUENT.as_slice())
    } else {
        (3_000, Mutation::ALL.as_slice())
    };
    for mutation in mutations.iter().copied() {
        match run_all(0, schedules, Some(mutation)) {
            Ok(_) => unnoticed.push(format!(
                "{mutation:?} was not noticed in {schedules} schedules"
            )),
            Err(found) => {
                println!(
                    "{mutation:?}: seed {} violates {}: {}",
                    found.seed, found.invariant, found.detail
                );
                if !mutation.breaks().contains(&found.invariant.as_str()) {
                    unnoticed.push(format!("{mutation:?} was taken for another fault: {found}"));
                }
            }
        }
    }
    assert!(unnoticed.is_empty(), "{}", unnoticed.join("\n"));
}
