use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use super::NativeDatabase;
use crate::{Database, DatabaseError, Row, Statements, Transaction, Value};

async fn numbers() -> NativeDatabase {
    let database = NativeDatabase::temporary().unwrap();
    database
        .execute("CREATE TABLE n (v INTEGER PRIMARY KEY) STRICT", vec![])
        .await
        .unwrap();
    database
}

async fn count(database: &impl Statements) -> i64 {
    let row = database
        .query_one("SELECT count(*) FROM n", vec![])
        .await
        .unwrap()
        .unwrap();
    row.integer(0).unwrap()
}

#[tokio::test]
async fn all_five_kinds_of_value_come_back() {
    let database = NativeDatabase::temporary().unwrap();
    let values = vec![
        Value::Null,
        Value::Integer(i64::MIN),
        Value::Real(0.1),
        Value::Text("Ünï".to_owned()),
        Value::Blob(vec![0, 255]),
    ];
    let rows = database
        .query("SELECT ?1, ?2, ?3, ?4, ?5", values.clone())
        .await
        .unwrap();
    assert_eq!(rows, [Row(values)]);
}

#[tokio::test]
async fn execute_counts_changes_and_drops_returned_rows() {
    let database = numbers().await;
    let insert = "INSERT INTO n VALUES (1), (2), (3) RETURNING v";
    assert_eq!(database.execute(insert, vec![]).await, Ok(3));
    assert_eq!(
        database
            .execute("DELETE FROM n WHERE v > ?1", vec![1.into()])
            .await,
        Ok(2)
    );
    assert_eq!(
        database.execute("DELETE FROM n WHERE v > 9", vec![]).await,
        Ok(0)
    );
}

#[tokio::test]
async fn errors_are_of_the_right_kind() {
    let database = numbers().await;
    database
        .execute("INSERT INTO n VALUES (1)", vec![])
        .await
        .unwrap();
    let twice = database.execute("INSERT INTO n VALUES (1)", vec![]).await;
    assert!(
        matches!(twice, Err(DatabaseError::Constraint(_))),
        "{twice:?}"
    );
    let wrong_type = database.execute("INSERT INTO n VALUES ('x')", vec![]).await;
    assert!(matches!(
        wrong_type,
        Err(DatabaseError::Constraint(_) | DatabaseError::Other(_))
    ));
    let nonsense = database.query("SELEKT", vec![]).await;
    assert!(
        matches!(nonsense, Err(DatabaseError::Other(_))),
        "{nonsense:?}"
    );
    let too_many = database.query("SELECT ?1", vec![1.into(), 2.into()]).await;
    assert!(
        matches!(too_many, Err(DatabaseError::Other(_))),
        "{too_many:?}"
    );
}

#[tokio::test]
async fn foreign_keys_hold_on_every_connection() {
    let database = NativeDatabase::temporary().unwrap();
    database
        .execute("CREATE TABLE a (id INTEGER PRIMARY KEY)", vec![])
        .await
        .unwrap();
    database
        .execute("CREATE TABLE b (a INTEGER REFERENCES a (id))", vec![])
        .await
        .unwrap();
    let first = database.transaction().await.unwrap();
    // The transaction holds the only connection so far, so this one is new.
    let orphan = "INSERT INTO b VALUES (7)";
    assert!(matches!(
        first.execute(orphan, vec![]).await,
        Err(DatabaseError::Constraint(_))
    ));
    drop(first);
    assert!(matches!(
        database.execute(orphan, vec![]).await,
        Err(DatabaseError::Constraint(_))
    ));
}

#[tokio::test]
async fn a_dropped_transaction_is_rolled_back_and_a_committed_one_stays() {
    let database = numbers().await;
    let dropped = database.transaction().await.unwrap();
    dropped
        .execute("INSERT INTO n VALUES (1)", vec![])
        .await
        .unwrap();
    assert_eq!(count(&dropped).await, 1);
    assert_eq!(count(&database).await, 0, "others must not see it");
    drop(dropped);
    assert_eq!(count(&database).await, 0);

    let committed = database.transaction().await.unwrap();
    committed
        .execute("INSERT INTO n VALUES (1)", vec![])
        .await
        .unwrap();
    committed.commit().await.unwrap();
    assert_eq!(count(&database).await, 1);
}

#[tokio::test]
async fn a_failed_statement_leaves_the_transaction_open() {
    let database = numbers().await;
    let transaction = database.transaction().await.unwrap();
    transaction
        .execute("INSERT INTO n VALUES (1)", vec![])
        .await
        .unwrap();
    assert!(
        transaction
            .execute("INSERT INTO n VALUES (1)", vec![])
            .await
            .is_err()
    );
    transaction
        .execute("INSERT INTO n VALUES (2)", vec![])
        .await
        .unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(count(&database).await, 2);
}

#[tokio::test]
async fn a_second_writer_waits_for_the_first() {
    let database = numbers().await;
    let first = database.transaction().await.unwrap();
    first
        .execute("INSERT INTO n VALUES (1)", vec![])
        .await
        .unwrap();
    let committed = Arc::new(AtomicBool::new(false));
    let (other, seen) = (database.clone(), Arc::clone(&committed));
    let second = tokio::spawn(async move {
        let transaction = other.transaction().await.unwrap();
        assert!(
            seen.load(Ordering::SeqCst),
            "it must not begin before the first ends"
        );
        count(&transaction).await
    });
    tokio::task::yield_now().await;
    committed.store(true, Ordering::SeqCst);
    first.commit().await.unwrap();
    assert_eq!(second.await.unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn waiting_for_a_writer_ends_with_busy() {
    let database = numbers().await;
    let first = database.transaction().await.unwrap();
    assert!(matches!(
        database.transaction().await,
        Err(DatabaseError::Busy)
    ));
    let single = database.execute("INSERT INTO n VALUES (1)", vec![]).await;
    assert_eq!(single, Err(DatabaseError::Busy));
    assert_eq!(count(&database).await, 0, "readers don't wait");
    drop(first);
    database
        .execute("INSERT INTO n VALUES (1)", vec![])
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_transactions_lose_no_update() {
    let database = numbers().await;
    database
        .execute("INSERT INTO n VALUES (0)", vec![])
        .await
        .unwrap();
    let workers = (0..8).map(|_| {
        let database = database.clone();
        tokio::spawn(async move {
            for _ in 0..10 {
                let transaction = database.transaction().await.unwrap();
                let row = transaction
                    .query_one("SELECT v FROM n", vec![])
                    .await
                    .unwrap()
                    .unwrap();
                let next = row.integer(0).unwrap() + 1;
                transaction
                    .execute("UPDATE n SET v = ?1", vec![next.into()])
                    .await
                    .unwrap();
                transaction.commit().await.unwrap();
            }
        })
    });
    for worker in workers.collect::<Vec<_>>() {
        worker.await.unwrap();
    }
    let row = database
        .query_one("SELECT v FROM n", vec![])
        .await
        .unwrap()
        .unwrap();
    assert_eq!(row.integer(0), Ok(80));
}

#[tokio::test]
async fn temporary_databases_are_isolated_and_files_stay() {
    assert!(
        numbers()
            .await
            .query("SELECT v FROM n", vec![])
            .await
            .is_ok()
    );
    assert!(
        NativeDatabase::temporary()
            .unwrap()
            .query("SELECT v FROM n", vec![])
            .await
            .is_err()
    );

    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("kept.db");
    let first = NativeDatabase::file(&path).unwrap();
    first
        .execute("CREATE TABLE kept (v)", vec![])
        .await
        .unwrap();
    drop(first);
    let again = NativeDatabase::file(&path).unwrap();
    assert_eq!(again.query("SELECT v FROM kept", vec![]).await, Ok(vec![]));
}

#[tokio::test]
async fn the_clock_of_the_database_has_fractions() {
    let database = NativeDatabase::temporary().unwrap();
    let sql = "SELECT CAST(unixepoch('subsec') * 1000 AS INTEGER), typeof(unixepoch('subsec'))";
    let row = database.query_one(sql, vec![]).await.unwrap().unwrap();
    assert!(row.integer(0).unwrap() > 1_600_000_000_000);
    assert_eq!(row.text(1).unwrap(), "real");
}
