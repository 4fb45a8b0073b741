use std::{
    future::poll_fn,
    path::Path,
    pin::pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    task::{Poll, Waker},
};

use futures_util::future::{Either, select};
use rusqlite::{Connection, config::DbConfig, functions::FunctionFlags};

use super::{
    pool::{Files, Rest, open},
    template::Template,
    world::{Link, lock},
};
use crate::{
    Database, DatabaseError, Row, Statements, Transaction, Value,
    contention::LONGEST_WAIT,
    native::statement::{self, explain},
};

/// The SQLite file of a simulation. It survives the processes.
pub(super) struct Store {
    /// For single statements, each a transaction of its own; there until the end.
    single: Mutex<Option<Connection>>,
    /// For transactions; absent while one is open.
    writer: Mutex<Option<Connection>>,
    waiting: Mutex<Vec<Waker>>,
    /// There until the end.
    rest: Mutex<Option<Rest>>,
    pub(super) clock: Arc<AtomicU64>,
    pub(super) turn: Arc<AtomicU64>,
}

impl Store {
    pub(super) fn open(template: &Template) -> Result<Self, DatabaseError> {
        let Files {
            single,
            writer,
            rest,
        } = Files::of(template)?;
        Ok(Self {
            clock: Arc::clone(&rest.clock),
            turn: Arc::clone(&rest.turn),
            single: Mutex::new(Some(single)),
            writer: Mutex::new(Some(writer)),
            waiting: Mutex::default(),
            rest: Mutex::new(Some(rest)),
        })
    }

    fn single<T>(
        &self,
        operation: impl FnOnce(&mut Connection) -> Result<T, DatabaseError>,
    ) -> Result<T, DatabaseError> {
        match &mut *lock(&self.single) {
            Some(connection) => operation(connection),
            None => Err(DatabaseError::Other("the simulation has ended".to_owned())),
        }
    }

    pub(super) fn template(&self) -> Result<Template, DatabaseError> {
        self.single(serialize)
    }

    /// Gives the writer's connection back and lets those who wait try again.
    fn release(&self, connection: Connection) {
        *lock(&self.writer) = Some(connection);
        for waker in lock(&self.waiting).drain(..) {
            waker.wake();
        }
    }

    /// Ready when no transaction is open.
    async fn released(&self) {
        poll_fn(|context| {
            if lock(&self.writer).is_some() {
                return Poll::Ready(());
            }
            lock(&self.waiting).push(context.waker().clone());
            Poll::Pending
        })
        .await;
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        let (single, writer) = (lock(&self.single).take(), lock(&self.writer).take());
        let rest = lock(&self.rest).take();
        // Where a test fails, anything may have been going on.
        if let (Some(single), Some(writer), Some(rest), false) =
            (single, writer, rest, std::thread::panicking())
        {
            let files = Files {
                single,
                writer,
                rest,
            };
            files.keep();
        }
    }
}

pub(super) fn connect(
    path: &Path,
    clock: &Arc<AtomicU64>,
    turn: &Arc<AtomicU64>,
) -> rusqlite::Result<Connection> {
    let connection = open(path)?;
    // Else a statement is prepared anew whenever its parameters change: a quarter of a simulation's time.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.execute_batch(
        "PRAGMA foreign_keys = ON; PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF;",
    )?;
    let clock = Arc::clone(clock);
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_INNOCUOUS;
    connection.create_scalar_function("unixepoch", -1, flags, move |context| {
        let mut fraction = false;
        for index in 0..context.len() {
            match context.get::<String>(index)?.as_str() {
                "now" => {}
                "subsec" | "subsecond" => fraction = true,
                other => {
                    let unknown = format!("the simulated unixepoch knows no {other:?}");
                    return Err(rusqlite::Error::UserFunctionError(unknown.into()));
                }
            }
        }
        let millis = clock.load(Ordering::Relaxed) / 1_000;
        Ok(if fraction {
            let millis = millis as f64;
            rusqlite::types::Value::Real(millis / 1_000.0)
        } else {
            rusqlite::types::Value::Integer(i64::try_from(millis / 1_000).unwrap_or(i64::MAX))
        })
    })?;
    // For triggers by which a test notes who wrote what: the number of the task as in the trace, -1 for the test itself.
    let turn = Arc::clone(turn);
    connection.create_scalar_function("simulated_task", 0, flags, move |_| {
        Ok(i64::try_from(turn.load(Ordering::Relaxed)).unwrap_or(-1))
    })?;
    for random in ["random", "randomblob"] {
        connection.create_scalar_function(random, -1, flags, |_| -> rusqlite::Result<i64> {
            let reason =
                "SQL's own randomness is not the seed's: pass a value from the Random port";
            Err(rusqlite::Error::UserFunctionError(reason.into()))
        })?;
    }
    Ok(connection)
}

pub(super) fn serialize(connection: &mut Connection) -> Result<Template, DatabaseError> {
    let bytes = connection.serialize("main").map_err(explain)?;
    Ok(Template {
        bytes: Arc::from(&*bytes),
    })
}

/// The simulation's database, as one process reaches it.
#[derive(Debug, Clone)]
pub struct SimDatabase {
    link: Link,
}

impl SimDatabase {
    pub(super) fn new(link: Link) -> Self {
        Self { link }
    }

    async fn run<T>(
        &self,
        event: &'static str,
        sql: &str,
        operation: impl Fn(&Connection) -> Result<T, DatabaseError>,
    ) -> Result<T, DatabaseError> {
        self.link.before(event, shorten(sql)).await;
        if writes(sql) && self.link.fault("fault: busy", |faults| faults.busy) {
            return Err(DatabaseError::Busy);
        }
        let store = &self.link.world.store;
        let mut too_long = pin!(self.link.sleep(LONGEST_WAIT));
        loop {
            let outcome = store.single(|connection| operation(connection));
            if outcome.as_ref().err() != Some(&DatabaseError::Busy) {
                self.link.after().await;
                return outcome;
            }
            if let Either::Right(_) = select(pin!(store.released()), &mut too_long).await {
                return Err(DatabaseError::Busy);
            }
        }
    }
}

impl Statements for SimDatabase {
    async fn query(&self, sql: &str, parameters: Vec<Value>) -> Result<Vec<Row>, DatabaseError> {
        let operation = |connection: &Connection| statement::query(connection, sql, &parameters);
        self.run("database.query", sql, operation).await
    }

    async fn execute(&self, sql: &str, parameters: Vec<Value>) -> Result<u64, DatabaseError> {
        let operation = |connection: &Connection| statement::execute(connection, sql, &parameters);
        self.run("database.execute", sql, operation).await
    }
}

impl Database for SimDatabase {
    type Transaction = SimTransaction;

    async fn transaction(&self) -> Result<SimTransaction, DatabaseError> {
        self.link.before("database.begin", "").await;
        if self.link.fault("fault: busy", |faults| faults.busy) {
            return Err(DatabaseError::Busy);
        }
        let store = &self.link.world.store;
        let mut too_long = pin!(self.link.sleep(LONGEST_WAIT));
        loop {
            let taken = lock(&store.writer).take();
            if let Some(connection) = taken {
                let begun = statement::execute(&connection, "BEGIN IMMEDIATE", &[]);
                let transaction = SimTransaction {
                    link: self.link.clone(),
                    connection: Mutex::new(Some(connection)),
                };
                begun?;
                self.link.after().await;
                return Ok(transaction);
            }
            if let Either::Right(_) = select(pin!(store.released()), &mut too_long).await {
                return Err(DatabaseError::Busy);
            }
        }
    }
}

/// An open transaction of one process. Dropped, also by a crash, it is rolled back.
#[derive(Debug)]
pub struct SimTransaction {
    link: Link,
    connection: Mutex<Option<Connection>>,
}

impl SimTransaction {
    fn with<T>(
        &self,
        operation: impl FnOnce(&Connection) -> Result<T, DatabaseError>,
    ) -> Result<T, DatabaseError> {
        match &*lock(&self.connection) {
            Some(connection) => operation(connection),
            None => Err(DatabaseError::Other("the transaction has ended".to_owned())),
        }
    }
}

impl Statements for SimTransaction {
    async fn query(&self, sql: &str, parameters: Vec<Value>) -> Result<Vec<Row>, DatabaseError> {
        self.link.before("transaction.query", shorten(sql)).await;
        let outcome = self.with(|connection| statement::query(connection, sql, &parameters));
        self.link.after().await;
        outcome
    }

    async fn execute(&self, sql: &str, parameters: Vec<Value>) -> Result<u64, DatabaseError> {
        self.link.before("transaction.execute", shorten(sql)).await;
        let outcome = self.with(|connection| statement::execute(connection, sql, &parameters));
        self.link.after().await;
        outcome
    }
}

impl Transaction for SimTransaction {
    async fn commit(self) -> Result<(), DatabaseError> {
        self.link.before("transaction.commit", "").await;
        let link = self.link.clone();
        self.with(|connection| statement::execute(connection, "COMMIT", &[]))?;
        // Lets the next writer in before the process learns of the commit, or dies without having learnt.
        drop(self);
        link.after().await;
        Ok(())
    }
}

impl Drop for SimTransaction {
    fn drop(&mut self) {
        let Some(connection) = lock(&self.connection).take() else {
            return;
        };
        if !connection.is_autocommit() {
            if !self.link.observer {
                self.link.world.trace("rollback", "");
            }
            statement::execute(&connection, "ROLLBACK", &[]).ok();
        }
        self.link.world.store.release(connection);
    }
}

fn writes(sql: &str) -> bool {
    let first = sql.split_whitespace().next().unwrap_or("");
    !first.eq_ignore_ascii_case("select") && !first.eq_ignore_ascii_case("pragma")
}

/// Enough of a statement to recognise it by, on one line.
fn shorten(sql: &str) -> String {
    let mut short = String::with_capacity(100);
    for word in sql.split_whitespace() {
        if short.len() + word.len() > 99 {
            short.push_str(" …");
            break;
        }
        if !short.is_empty() {
            short.push(' ');
        }
        short.push_str(word);
    }
    short
}
