use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use crate::{
    Clock, KeyValue, Platform, Random, Tasks, Variables,
    native::simulation::{Faults, Simulation, Unfinished},
};

/// Three processes note in which order their port calls came.
fn order(seed: u64) -> (String, u64) {
    let mut simulation = Simulation::new(seed).unwrap();
    let order = Arc::new(Mutex::new(String::new()));
    for name in ["a", "b", "c"] {
        let order = Arc::clone(&order);
        simulation.spawn_process(name, move |platform| async move {
            for _ in 0..5 {
                platform
                    .key_value()
                    .set("k", name.as_bytes())
                    .await
                    .unwrap();
                order.lock().unwrap().push_str(name);
            }
        });
    }
    simulation.run_until_quiet(10_000).unwrap();
    (order.lock().unwrap().clone(), simulation.fingerprint())
}

#[test]
fn the_seed_decides_the_schedule() {
    let mut different = std::collections::BTreeSet::new();
    for seed in 0..20 {
        let run = order(seed);
        assert_eq!(run, order(seed), "seed {seed}");
        different.insert(run.0);
    }
    assert!(
        different.len() > 15,
        "only {} schedules of 20 seeds",
        different.len()
    );
}

#[test]
fn the_clock_stands_still_until_nobody_can_run() {
    let mut simulation = Simulation::new(1).unwrap();
    let seen = Arc::new(Mutex::new(Vec::new()));
    for (name, seconds) in [("late", 3600), ("early", 60)] {
        let seen = Arc::clone(&seen);
        simulation.spawn_process(name, move |platform| async move {
            let start = platform.clock().now();
            for _ in 0..10 {
                platform.key_value().get("busy").await.unwrap();
            }
            assert_eq!(platform.clock().now(), start);
            platform.clock().sleep(Duration::from_secs(seconds)).await;
            seen.lock()
                .unwrap()
                .push((name, platform.clock().now() - start));
        });
    }
    simulation.run_until_quiet(10_000).unwrap();
    assert_eq!(
        *seen.lock().unwrap(),
        [("early", 60_000), ("late", 3_600_000)]
    );
    assert_eq!(simulation.elapsed(), Duration::from_secs(3600));
}

#[test]
fn run_for_stops_a_world_that_repeats() {
    let mut simulation = Simulation::new(1).unwrap();
    let ticks = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&ticks);
    simulation.spawn_process("cron", move |platform| async move {
        loop {
            platform.clock().sleep(Duration::from_secs(10)).await;
            *counted.lock().unwrap() += 1;
        }
    });
    simulation.run_for(Duration::from_secs(35), 1_000).unwrap();
    assert_eq!(
        (*ticks.lock().unwrap(), simulation.elapsed()),
        (3, Duration::from_secs(35))
    );
    simulation.run_for(Duration::from_secs(5), 1_000).unwrap();
    assert_eq!(
        (*ticks.lock().unwrap(), simulation.elapsed()),
        (4, Duration::from_secs(40))
    );
    assert!(
        simulation
            .run_until(1_000, || *ticks.lock().unwrap() == 7)
            .unwrap()
    );
    assert_eq!(simulation.elapsed(), Duration::from_secs(70));
}

#[test]
fn endless_and_stuck_runs_are_told_apart() {
    let mut endless = Simulation::new(1).unwrap();
    endless.spawn_process("loop", |platform| async move {
        loop {
            platform.variables().get("x").await.ok();
        }
    });
    let outcome = endless.run_until_quiet(100);
    let tasks = vec!["loop/main#0".to_owned()];
    assert_eq!(outcome, Err(Unfinished::LimitReached { polls: 100, tasks }));
    assert!(matches!(
        endless.run_until_quiet(1),
        Err(Unfinished::LimitReached { .. })
    ));

    let mut stuck = Simulation::new(1).unwrap();
    stuck.spawn_process("hang", |_| std::future::pending());
    let tasks = vec!["hang/main#0".to_owned()];
    assert_eq!(stuck.run_until_quiet(100), Err(Unfinished::Stuck { tasks }));
}

#[test]
fn spawned_tasks_run_and_results_come_back() {
    let mut simulation = Simulation::new(3).unwrap();
    simulation.variables().set("greeting", "hello");
    let process = simulation.process("p");
    let platform = simulation.platform(process);
    let greeting = simulation
        .block_on(1_000, async move {
            let inner = platform.clone();
            platform.tasks().spawn(async move {
                inner.clock().sleep(Duration::from_secs(1)).await;
                inner.key_value().set("spawned", b"yes").await.unwrap();
            });
            platform.variables().get("greeting").await.unwrap()
        })
        .unwrap();
    assert_eq!(greeting, "hello");
    simulation.run_until_quiet(1_000).unwrap();
    let observer = simulation.observer();
    let spawned = simulation
        .inspect(observer.key_value().get("spawned"))
        .unwrap();
    assert_eq!(spawned.unwrap(), Some(b"yes".to_vec()));
}

#[test]
fn randomness_is_seeded() {
    let draw = |seed| {
        let mut simulation = Simulation::new(seed).unwrap();
        let process = simulation.process("p");
        simulation.platform(process).random().bytes::<16>()
    };
    assert_eq!(draw(1), draw(1));
    assert_ne!(draw(1), draw(2));
}

#[test]
fn a_skewed_clock_differs_from_the_databases() {
    let skews: Vec<i64> = (0..20)
        .map(|seed| {
            let mut simulation = Simulation::new(seed).unwrap();
            let (one, true_time) = (
                simulation.process("one"),
                simulation.observer().clock().now(),
            );
            let clock_skew = Duration::from_secs(60);
            simulation.set_faults(Faults {
                clock_skew,
                ..Faults::default()
            });
            let skew = simulation.platform(one).clock().now() - true_time;
            simulation.set_faults(Faults::default());
            assert_eq!(simulation.platform(one).clock().now(), true_time);
            skew
        })
        .collect();
    assert!(skews.iter().all(|skew| skew.abs() <= 60_000), "{skews:?}");
    assert!(skews.iter().any(|skew| *skew > 1_000) && skews.iter().any(|skew| *skew < -1_000));
}
