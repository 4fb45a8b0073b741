use std::{collections::BTreeSet, time::Duration};

use crate::{
    Clock, Database, DatabaseError, KeyValue, Platform, Statements, Transaction,
    native::simulation::{Faults, SimPlatform, Simulation, Template},
};

const RUNS: i64 = 5;

fn ledger() -> Template {
    let simulation = Simulation::new(0).unwrap();
    let observer = simulation.observer();
    for sql in [
        "CREATE TABLE entry (id INTEGER PRIMARY KEY, at INTEGER NOT NULL) STRICT",
        "CREATE TABLE total (entries INTEGER NOT NULL) STRICT",
        "INSERT INTO total VALUES (0)",
    ] {
        simulation
            .inspect(observer.database().execute(sql, vec![]))
            .unwrap()
            .unwrap();
    }
    simulation.template().unwrap()
}

/// Books each of five entries once, in one transaction with the total, whatever goes wrong; begins again after a crash.
async fn book(platform: SimPlatform) {
    for id in 1..=RUNS {
        while try_book(&platform, id).await.is_err() {
            platform.clock().sleep(Duration::from_millis(100)).await;
        }
        platform
            .key_value()
            .set("last", &id.to_le_bytes())
            .await
            .ok();
    }
}

async fn try_book(platform: &SimPlatform, id: i64) -> Result<(), DatabaseError> {
    let transaction = platform.database().transaction().await?;
    let sql = "INSERT INTO entry VALUES (?1, unixepoch()) ON CONFLICT DO NOTHING";
    if transaction.execute(sql, vec![id.into()]).await? == 1 {
        transaction
            .execute("UPDATE total SET entries = entries + 1", vec![])
            .await?;
    }
    transaction.commit().await
}

fn run(seed: u64, faults: Faults, template: &Template) -> Simulation {
    let mut simulation = Simulation::from_template(seed, template).unwrap();
    simulation.set_faults(faults);
    for name in ["one", "two"] {
        let process = simulation.process(name);
        simulation.supervise(process, book);
    }
    simulation.run_until_quiet(100_000).unwrap();
    let observer = simulation.observer();
    let counted = "SELECT (SELECT count(*) FROM entry), (SELECT entries FROM total)";
    let row = simulation
        .inspect(observer.database().query_one(counted, vec![]))
        .unwrap();
    let row = row.unwrap().unwrap();
    assert_eq!(
        (row.integer(0), row.integer(1)),
        (Ok(RUNS), Ok(RUNS)),
        "seed {seed}"
    );
    simulation
}

#[test]
fn work_is_done_once_whatever_goes_wrong() {
    let template = ledger();
    let mut events = BTreeSet::new();
    for seed in 0..200 {
        let simulation = run(seed, Faults::drawn(seed), &template);
        events.extend(simulation.trace().entries().map(|entry| entry.event));
    }
    for event in [
        "crash",
        "restart",
        "rollback",
        "fault: busy",
        "fault: key-value",
    ] {
        assert!(
            events.contains(event),
            "{event} never happened in {events:?}"
        );
    }
}

#[test]
fn a_seed_replays_with_all_its_faults() {
    let template = ledger();
    for seed in 0..50 {
        let [first, second] = [0, 1].map(|_| run(seed, Faults::drawn(seed), &template));
        assert_eq!(first.fingerprint(), second.fingerprint(), "seed {seed}");
        assert_eq!(first.polls(), second.polls());
        assert_eq!(first.trace().to_string(), second.trace().to_string());
    }
}

#[test]
fn crashes_are_bounded_and_come_before_and_after_the_commit() {
    let template = ledger();
    let faults = Faults {
        crash: 0.2,
        most_crashes: 4,
        ..Faults::default()
    };
    let (mut lost, mut unknown) = (false, false);
    for seed in 0..50 {
        let simulation = run(seed, faults.clone(), &template);
        assert!(simulation.crashes() <= 4);
        let trace = simulation.trace();
        let events: Vec<&str> = trace.entries().map(|entry| entry.event).collect();
        lost |= events.windows(2).any(|pair| pair == ["crash", "rollback"]);
        unknown |= events
            .windows(2)
            .any(|pair| pair == ["transaction.commit", "crash"]);
    }
    assert!(
        lost && unknown,
        "rolled back: {lost}, crashed at the commit: {unknown}"
    );
}

#[test]
fn some_seeds_are_calm_and_some_have_each_fault() {
    let drawn: Vec<Faults> = (0..200).map(Faults::drawn).collect();
    let kinds: [fn(&Faults) -> f64; 8] = [
        |f| f.crash,
        |f| f.busy,
        |f| f.key_value,
        |f| f.delay,
        |f| f.refused,
        |f| f.duplicate,
        |f| f.lost_reply,
        |f| f.truncated,
    ];
    for kind in kinds {
        let present = drawn.iter().filter(|faults| kind(faults) > 0.0).count();
        assert!((60..140).contains(&present), "{present}");
    }
    assert_eq!(Faults::drawn(9), Faults::drawn(9));
}

#[test]
fn a_process_that_lasts_is_not_crashed_by_faults() {
    let mut simulation = Simulation::new(1).unwrap();
    simulation.set_faults(Faults {
        crash: 1.0,
        most_crashes: 9,
        ..Faults::default()
    });
    let lasting = simulation.lasting_process("double");
    let platform = simulation.platform(lasting);
    let done = simulation.block_on(
        100,
        async move { platform.key_value().set("k", b"v").await },
    );
    done.unwrap().unwrap();
    let fragile = simulation.spawn_process("fragile", |platform| async move {
        platform.key_value().get("k").await.ok();
    });
    simulation.run_until_quiet(100).unwrap();
    assert!(!simulation.is_alive(fragile) && simulation.is_alive(lasting));
}
