//! Thousands of schedules of this kind, and the proof that the checks can fail.

// The report tells how long they took.
#![allow(clippy::disallowed_methods)]

use std::time::Instant;

use super::{mutation::FlowMutation, report::REACHED, schedule::run};
use crate::{
    mutation::Mutation,
    runner::{assert_noticed, number, run_all},
};

const SCHEDULES: u64 = if cfg!(debug_assertions) { 60 } else { 10_000 };

#[test]
fn every_flow_schedule_keeps_the_invariants() {
    let count = number("LOOM_SIMULATION_FLOW_SCHEDULES").unwrap_or(SCHEDULES);
    let first = number("LOOM_SIMULATION_FLOW_FIRST").unwrap_or(0);
    let start = Instant::now();
    match run_all(first, count, |seed| run(seed, None)) {
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
    // Some need a rare coincidence, for which there is no time without optimisation.
    let (schedules, mutations) = if cfg!(debug_assertions) {
        (40, FlowMutation::FREQUENT.as_slice())
    } else {
        (2_000, FlowMutation::ALL.as_slice())
    };
    assert_noticed(
        mutations,
        schedules,
        FlowMutation::breaks,
        |seed, mutation| run(seed, Some(Mutation::Flow(mutation))),
    );
}
