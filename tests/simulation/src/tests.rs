//! Thousands of schedules, and the proof that the checks can fail.

// The report tells how long they took.
#![allow(clippy::disallowed_methods)]

use std::time::Instant;

use crate::{
    mutation::Mutation,
    runner::{assert_noticed, number, run_all},
    schedule::run,
};

const SCHEDULES: u64 = if cfg!(debug_assertions) { 150 } else { 10_000 };

#[test]
fn every_schedule_keeps_the_invariants() {
    let count = number("LOOM_SIMULATION_SCHEDULES").unwrap_or(SCHEDULES);
    let first = number("LOOM_SIMULATION_FIRST").unwrap_or(0);
    let start = Instant::now();
    match run_all(first, count, |seed| run(seed, None)) {
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
    // Some need a rare coincidence, for which there is no time without optimisation.
    let (schedules, mutations) = if cfg!(debug_assertions) {
        (80, Mutation::FREQUENT.as_slice())
    } else {
        (3_000, Mutation::ALL.as_slice())
    };
    assert_noticed(mutations, schedules, Mutation::breaks, |seed, mutation| {
        run(seed, Some(mutation))
    });
}
