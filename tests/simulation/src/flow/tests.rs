//! Thousands of schedules of this kind, and the proof that the checks can fail.

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

use super::{
    mutation::FlowMutation,
    report::{FlowReport, REACHED},
    schedule::run,
};
use crate::{mutation::Mutation, schedule::Violation, tests::number};

const SCHEDULES: u64 = if cfg!(debug_assertions) { 60 } else { 10_000 };

/// Goes through all of `seeds` on all processors, up to the first violation.
fn run_all(first: u64, count: u64, mutation: Option<Mutation>) -> Result<FlowReport, Violation> {
    let next = AtomicU64::new(first);
    let stop = AtomicBool::new(false);
    let total = Mutex::new(FlowReport::default());
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
    let violation = violation.into_inner();
    match violation.unwrap_or_else(PoisonError::into_inner) {
        Some(violation) => Err(violation),
        None => Ok(total.into_inner().unwrap_or_else(PoisonError::into_inner)),
    }
}

#[test]
fn every_flow_schedule_keeps_the_invariants() {
    let count = number("LOOM_SIMULATION_FLOW_SCHEDULES").unwrap_or(SCHEDULES);
    let first = number("LOOM_SIMULATION_FLOW_FIRST").unwrap_or(0);
    let start = Instant::now();
    match run_all(first, count, None) {
        Err(violation) => panic!("{violation}"),
        Ok(report) => {
            println!("{report:#?}\nin {:?}", start.elapsed());
            if count >= 5_000 {
                let missed: Vec<&&str> = REACHED
                    .iter()
                    .filter(|name| report.count(name) == 0)
                    .collect();
                assert!(
                    missed.is_empty(),
                    "the schedules no longer reach what they are for: {missed:?}"
                );
            }
        }
    }
}

#[test]
fn one_flow_seed() {
    let seed = number("LOOM_SIMULATION_FLOW_SEED").unwrap_or(0);
    match run(seed, None) {
        Err(violation) => panic!("{violation}"),
        Ok(report) => println!("seed {seed}: {report:#?}"),
    }
}

#[test]
fn a_flow_seed_is_always_the_same_schedule() {
    for seed in 0..if cfg!(debug_assertions) { 3 } else { 20 } {
        let (first, second) = (run(seed, None).unwrap(), run(seed, None).unwrap());
        assert_eq!(first, second, "seed {seed}");
    }
}

#[test]
fn each_flow_mutation_is_noticed() {
    let mut unnoticed = Vec::new();
    // Some need a rare coincidence, for which there is no time without optimisation.
    let (schedules, mutations) = if cfg!(debug_assertions) {
        (40, FlowMutation::FREQUENT.as_slice())
    } else {
        (2_000, FlowMutation::ALL.as_slice())
    };
    for mutation in mutations.iter().copied() {
        match run_all(0, schedules, Some(Mutation::Flow(mutation))) {
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
