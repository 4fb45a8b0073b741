use std::{sync::Arc, time::Duration};

use crate::{
    Clock, Database, DatabaseError, Platform, Statements, Transaction,
    native::{
        NativeDatabase,
        simulation::{SimPlatform, Simulation, Template},
    },
};

fn counter() -> Template {
    let simulation = Simulation::new(0).unwrap();
    let observer = simulation.observer();
    for sql in [
        "CREATE TABLE counter (value INTEGER NOT NULL) STRICT",
        "INSERT INTO counter VALUES (0)",
    ] {
        simulation
            .inspect(observer.database().execute(sql, vec![]))
            .unwrap()
            .unwrap();
    }
    simulation.template().unwrap()
}

async fn value(on: &impl Statements) -> i64 {
    let row = on
        .query_one("SELECT value FROM counter", vec![])
        .await
        .unwrap()
        .unwrap();
    row.integer(0).unwrap()
}

async fn set(on: &impl Statements, value: i64) {
    on.execute("UPDATE counter SET value = ?1", vec![value.into()])
        .await
        .unwrap();
}

fn value_now(simulation: &Simulation) -> i64 {
    let observer = simulation.observer();
    simulation.inspect(value(observer.database())).unwrap()
}

#[test]
fn transactions_lose_no_update() {
    let template = counter();
    for seed in 0..50 {
        let mut simulation = Simulation::from_template(seed, &template).unwrap();
        for name in ["a", "b", "c"] {
            simulation.spawn_process(name, |platform| async move {
                for _ in 0..3 {
                    let transaction = platform.database().transaction().await.unwrap();
                    let seen = value(&transaction).await;
                    set(&transaction, seen + 1).await;
                    transaction.commit().await.unwrap();
                }
            });
        }
        simulation.run_until_quiet(10_000).unwrap();
        assert_eq!(value_now(&simulation), 9, "seed {seed}");
    }
}

/// The simulator has to find the bug that a missing transaction is.
#[test]
fn without_transactions_some_schedule_loses_an_update() {
    let template = counter();
    let lost = (0..50).filter(|seed| {
        let mut simulation = Simulation::from_template(*seed, &template).unwrap();
        for name in ["a", "b"] {
            simulation.spawn_process(name, |platform| async move {
                let seen = value(platform.database()).await;
                set(platform.database(), seen + 1).await;
            });
        }
        simulation.run_until_quiet(1_000).unwrap();
        value_now(&simulation) == 1
    });
    assert!(lost.count() > 5);
}

#[test]
fn readers_see_what_is_committed_and_do_not_wait() {
    let mut simulation = Simulation::from_template(1, &counter()).unwrap();
    let process = simulation.process("p");
    let platform = simulation.platform(process);
    simulation
        .block_on(1_000, async move {
            let transaction = platform.database().transaction().await.unwrap();
            set(&transaction, 5).await;
            assert_eq!(value(&transaction).await, 5);
            assert_eq!(value(platform.database()).await, 0);
            transaction.commit().await.unwrap();
            assert_eq!(value(platform.database()).await, 5);
        })
        .unwrap();
}

#[test]
fn a_dropped_transaction_is_rolled_back() {
    let mut simulation = Simulation::from_template(1, &counter()).unwrap();
    let process = simulation.process("p");
    let platform = simulation.platform(process);
    let work = async move {
        let transaction = platform.database().transaction().await.unwrap();
        set(&transaction, 5).await;
        drop(transaction);
        value(platform.database()).await
    };
    assert_eq!(simulation.block_on(1_000, work).unwrap(), 0);
}

#[test]
fn a_crash_rolls_back_and_lets_the_next_writer_in() {
    let mut simulation = Simulation::from_template(1, &counter()).unwrap();
    let doomed = simulation.spawn_process("doomed", |platform| async move {
        let transaction = platform.database().transaction().await.unwrap();
        set(&transaction, 5).await;
        std::future::pending::<()>().await;
        transaction.commit().await.unwrap();
    });
    simulation.run_until(1_000, || false).unwrap();
    simulation.spawn_process("next", |platform| async move {
        let transaction = platform.database().transaction().await.unwrap();
        let seen = value(&transaction).await;
        set(&transaction, seen + 1).await;
        transaction.commit().await.unwrap();
    });
    simulation.crash(doomed);
    assert!(!simulation.is_alive(doomed));
    simulation.run_until_quiet(1_000).unwrap();
    assert_eq!(value_now(&simulation), 1);
    assert_eq!(simulation.crashes(), 1);
}

#[test]
fn waiting_for_a_writer_ends_with_busy() {
    async fn hold(platform: &SimPlatform) {
        let transaction = platform.database().transaction().await.unwrap();
        platform.clock().sleep(Duration::from_secs(60)).await;
        drop(transaction);
    }
    let mut simulation = Simulation::from_template(1, &counter()).unwrap();
    simulation.spawn_process("holder", |platform| async move { hold(&platform).await });
    let process = simulation.process("waiter");
    let platform = Arc::new(simulation.platform(process));
    let work = async move {
        platform.clock().sleep(Duration::from_secs(1)).await;
        assert!(matches!(
            platform.database().transaction().await,
            Err(DatabaseError::Busy)
        ));
        let single = platform
            .database()
            .execute("UPDATE counter SET value = 1", vec![])
            .await;
        assert_eq!(single, Err(DatabaseError::Busy));
        assert_eq!(value(platform.database()).await, 0);
    };
    simulation.block_on(1_000, work).unwrap();
    assert!(simulation.elapsed() < Duration::from_secs(20));
    let observer = simulation.observer();
    let waits = simulation.inspect(observer.database().transaction());
    assert!(waits.is_none(), "an observer can't wait for a turn");
}

#[test]
fn the_database_reads_the_simulated_clock() {
    const SQL: &str = "SELECT CAST(unixepoch('subsec') * 1000 AS INTEGER), unixepoch(), unixepoch('now', 'subsec')";
    let mut simulation = Simulation::new(1).unwrap();
    let observer = simulation.observer();
    for millis in [0, 1, 999, 1_234] {
        simulation
            .run_for(Duration::from_millis(millis), 1)
            .unwrap();
        let now = observer.clock().now();
        let row = simulation
            .inspect(observer.database().query_one(SQL, vec![]))
            .unwrap();
        let row = row.unwrap().unwrap();
        assert_eq!(row.integer(0), Ok(now));
        assert_eq!(row.integer(1), Ok(now / 1_000));
    }
    for sql in [
        "SELECT unixepoch('2020-01-01')",
        "SELECT random()",
        "SELECT randomblob(4)",
    ] {
        let refused = simulation
            .inspect(observer.database().query(sql, vec![]))
            .unwrap();
        assert!(
            matches!(refused, Err(DatabaseError::Other(_))),
            "{sql}: {refused:?}"
        );
    }
}

#[tokio::test]
async fn a_template_of_a_native_database_has_what_is_committed() {
    let native = NativeDatabase::temporary().unwrap();
    native
        .execute("CREATE TABLE counter (value INTEGER)", vec![])
        .await
        .unwrap();
    native
        .execute("INSERT INTO counter VALUES (7)", vec![])
        .await
        .unwrap();
    let open = native.transaction().await.unwrap();
    set(&open, 8).await;
    let template = Template::of(&native).unwrap();
    for seed in 0..2 {
        let simulation = Simulation::from_template(seed, &template).unwrap();
        assert_eq!(value_now(&simulation), 7);
        simulation
            .inspect(set(simulation.observer().database(), 9))
            .unwrap();
    }
}

#[test]
fn nothing_of_a_simulation_is_left_for_the_next_from_its_template() {
    let simulation = Simulation::new(0).unwrap();
    let run = |simulation: &Simulation, sql: &str| {
        let observer = simulation.observer();
        let done = simulation.inspect(observer.database().execute(sql, vec![]));
        done.unwrap().unwrap();
    };
    for sql in [
        "CREATE TABLE a (id INTEGER PRIMARY KEY, text TEXT NOT NULL)",
        "CREATE TABLE b (a INTEGER NOT NULL REFERENCES a (id))",
        "CREATE TABLE noted (id INTEGER NOT NULL)",
        "CREATE TRIGGER note AFTER INSERT ON a BEGIN INSERT INTO noted VALUES (NEW.id); END",
        "INSERT INTO a VALUES (1, 'x'), (5, 'y')",
        "DELETE FROM noted",
        "INSERT INTO b VALUES (5)",
    ] {
        run(&simulation, sql);
    }
    let template = simulation.template().unwrap();
    let rows = |simulation: &Simulation| {
        let sql = "SELECT 'a', id, text FROM a UNION ALL SELECT 'b', rowid, a FROM b \
                   UNION ALL SELECT 'noted', id, NULL FROM noted \
                   UNION ALL SELECT name, 0, sql FROM sqlite_schema";
        let observer = simulation.observer();
        let rows = simulation.inspect(observer.database().query(sql, vec![]));
        format!("{:?}", rows.unwrap().unwrap())
    };
    let pristine = rows(&simulation);
    for changes in [
        &[
            "DELETE FROM b",
            "DELETE FROM a WHERE id = 5",
            "INSERT INTO a (text) VALUES ('z')",
        ][..],
        &["UPDATE a SET text = 'w'", "CREATE TABLE c (id INTEGER)"],
        &["DROP TRIGGER note"],
        &[],
    ] {
        let mut next = Simulation::from_template(1, &template).unwrap();
        assert_eq!(rows(&next), pristine, "before {changes:?}");
        assert_eq!(next.elapsed(), Duration::ZERO);
        for sql in changes {
            run(&next, sql);
        }
        // One is open when it ends, and time has passed.
        next.spawn_process("a", |platform| async move {
            let open = platform.database().transaction().await.unwrap();
            open.execute("INSERT INTO noted VALUES (9)", vec![])
                .await
                .unwrap();
            platform.clock().sleep(Duration::from_secs(9)).await;
        });
        next.run_for(Duration::from_secs(1), 1_000).unwrap();
    }
}

#[test]
fn foreign_keys_hold() {
    let simulation = Simulation::new(1).unwrap();
    let observer = simulation.observer();
    let run = |sql: &str| {
        simulation
            .inspect(observer.database().execute(sql, vec![]))
            .unwrap()
    };
    run("CREATE TABLE a (id INTEGER PRIMARY KEY)").unwrap();
    run("CREATE TABLE b (a INTEGER REFERENCES a (id))").unwrap();
    assert!(matches!(
        run("INSERT INTO b VALUES (7)"),
        Err(DatabaseError::Constraint(_))
    ));
    let in_transaction = simulation.inspect(async {
        let transaction = observer.database().transaction().await.unwrap();
        transaction
            .execute("INSERT INTO b VALUES (7)", vec![])
            .await
    });
    assert!(matches!(
        in_transaction.unwrap(),
        Err(DatabaseError::Constraint(_))
    ));
}
