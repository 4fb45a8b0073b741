use std::{cell::RefCell, time::Duration};

use send_wrapper::SendWrapper;
use spin_sdk::{
    sqlite::{Connection, Error, Value as SpinValue},
    wasip3::clocks::monotonic_clock,
};

use crate::{
    Database, DatabaseError, Random, Row, Statements, Transaction, Value,
    contention::{LONGEST_WAIT, pause},
    system::SystemRandom,
};

const LABEL: &str = "default";

/// As many as an instance serves requests at once; more would only hold files open.
const MOST_IDLE: usize = 16;

/// The first is the schema's safety and must hold. The others make waiting cheaper, because the host waits better than
/// its guest can, and readers independent of writers; a remote provider may refuse them and has its own ways.
const REQUIRED_SETUP: &str = "PRAGMA foreign_keys = ON";
const OPTIONAL_SETUP: [&str; 2] = ["PRAGMA busy_timeout = 1000", "PRAGMA journal_mode = WAL"];

thread_local! {
    /// Connections that no request is using. Opening one costs as much as some statements, so they are kept for the
    /// instance's life. One that is in use is owned by that use alone: two requests interleaving statements on one
    /// connection would end up in each other's transactions.
    static IDLE: RefCell<Vec<Connection>> = const { RefCell::new(Vec::new()) };
}

/// The SQLite database `default`, which the component's entry in `spin.toml` must grant.
#[derive(Debug, Clone, Copy, Default)]
pub struct SpinDatabase;

impl Statements for SpinDatabase {
    fn query(
        &self,
        sql: &str,
        parameters: Vec<Value>,
    ) -> impl Future<Output = Result<Vec<Row>, DatabaseError>> + Send {
        SendWrapper::new(async move {
            let connection = take().await?;
            let rows = patiently(async || rows(&connection, sql, &parameters).await).await;
            give_back_unless_broken(connection, rows.as_ref().err());
            rows
        })
    }

    fn execute(
        &self,
        sql: &str,
        parameters: Vec<Value>,
    ) -> impl Future<Output = Result<u64, DatabaseError>> + Send {
        SendWrapper::new(async move {
            let connection = take().await?;
            let changes = patiently(async || changes(&connection, sql, &parameters).await).await;
            give_back_unless_broken(connection, changes.as_ref().err());
            changes
        })
    }
}

impl Database for SpinDatabase {
    type Transaction = SpinTransaction;

    fn transaction(&self) -> impl Future<Output = Result<SpinTransaction, DatabaseError>> + Send {
        SendWrapper::new(async move {
            let connection = take().await?;
            match patiently(async || rows(&connection, "BEGIN IMMEDIATE", &[]).await).await {
                Ok(_) => Ok(SpinTransaction {
                    connection: SendWrapper::new(connection),
                }),
                Err(error) => {
                    give_back_unless_broken(connection, Some(&error));
                    Err(error)
                }
            }
        })
    }
}

/// An open transaction on a connection of its own.
///
/// Dropping it closes the connection, and closing rolls back: a destructor can't wait for a `ROLLBACK` to run, so
/// the connection of an uncommitted transaction never goes back among the idle ones.
pub struct SpinTransaction {
    connection: SendWrapper<Connection>,
}

impl Statements for SpinTransaction {
    fn query(
        &self,
        sql: &str,
        parameters: Vec<Value>,
    ) -> impl Future<Output = Result<Vec<Row>, DatabaseError>> + Send {
        SendWrapper::new(async move { rows(&self.connection, sql, &parameters).await })
    }

    fn execute(
        &self,
        sql: &str,
        parameters: Vec<Value>,
    ) -> impl Future<Output = Result<u64, DatabaseError>> + Send {
        SendWrapper::new(async move { changes(&self.connection, sql, &parameters).await })
    }
}

impl Transaction for SpinTransaction {
    fn commit(self) -> impl Future<Output = Result<(), DatabaseError>> + Send {
        SendWrapper::new(async move {
            let connection = self.connection.take();
            // A busy COMMIT (possible only without WAL, while a reader is in the way) leaves the transaction open.
            patiently(async || rows(&connection, "COMMIT", &[]).await).await?;
            give_back(connection);
            Ok(())
        })
    }
}

/// An idle connection, or a new one, set up.
async fn take() -> Result<Connection, DatabaseError> {
    if let Some(idle) = IDLE.with_borrow_mut(Vec::pop) {
        return Ok(idle);
    }
    let connection = Connection::open(LABEL).await.map_err(explain)?;
    rows(&connection, REQUIRED_SETUP, &[]).await?;
    for statement in OPTIONAL_SETUP {
        // Refused or busy: see the constant. The next connection tries again.
        rows(&connection, statement, &[]).await.ok();
    }
    Ok(connection)
}

fn give_back(connection: Connection) {
    IDLE.with_borrow_mut(|idle| {
        if idle.len() < MOST_IDLE {
            idle.push(connection);
        }
    });
}

/// Keeps a connection whose statement worked, or failed in a way that says nothing about the connection.
fn give_back_unless_broken(connection: Connection, error: Option<&DatabaseError>) {
    if !matches!(error, Some(DatabaseError::Other(_))) {
        give_back(connection);
    }
}

/// Tries again, for a bounded time, while another writer is in the way. A statement that reports busy has changed
/// nothing.
async fn patiently<T>(
    operation: impl AsyncFn() -> Result<T, DatabaseError>,
) -> Result<T, DatabaseError> {
    let start = monotonic_clock::now();
    let mut attempt = 0;
    loop {
        let outcome = operation().await;
        let waited = Duration::from_nanos(monotonic_clock::now().saturating_sub(start));
        if outcome.as_ref().err() != Some(&DatabaseError::Busy) || waited >= LONGEST_WAIT {
            return outcome;
        }
        let random = u64::from_le_bytes(SystemRandom.bytes());
        spin_sdk::time::sleep(pause(attempt, random)).await;
        attempt += 1;
    }
}

/// Runs one statement and reads its result to the end.
///
/// The host reports a failed statement only at the end of the rows, and lets no other statement on the connection
/// begin before that. `collect` also reads many rows per call to the host, `next` one.
async fn rows(
    connection: &Connection,
    sql: &str,
    parameters: &[Value],
) -> Result<Vec<Row>, DatabaseError> {
    let result = connection
        .execute(sql, parameters.iter().map(to_spin))
        .await
        .map_err(explain)?;
    let rows = result.collect().await.map_err(explain)?;
    Ok(rows
        .into_iter()
        .map(|row| Row(row.values.into_iter().map(from_spin).collect()))
        .collect())
}

/// Runs one statement and asks how many rows it changed, which the host knows only once the result has been read.
async fn changes(
    connection: &Connection,
    sql: &str,
    parameters: &[Value],
) -> Result<u64, DatabaseError> {
    rows(connection, sql, parameters).await?;
    Ok(connection.changes().await)
}

fn to_spin(value: &Value) -> SpinValue {
    match value {
        Value::Null => SpinValue::Null,
        Value::Integer(v) => SpinValue::Integer(*v),
        Value::Real(v) => SpinValue::Real(*v),
        Value::Text(v) => SpinValue::Text(v.clone()),
        Value::Blob(v) => SpinValue::Blob(v.clone()),
    }
}

fn from_spin(value: SpinValue) -> Value {
    match value {
        SpinValue::Null => Value::Null,
        SpinValue::Integer(v) => Value::Integer(v),
        SpinValue::Real(v) => Value::Real(v),
        SpinValue::Text(v) => Value::Text(v),
        SpinValue::Blob(v) => Value::Blob(v),
    }
}

fn explain(error: Error) -> DatabaseError {
    match error {
        Error::Io(text) => DatabaseError::from_text(&text),
        Error::AccessDenied => DatabaseError::Other(format!(
            "this function may not use it: add sqlite_databases = [{LABEL:?}] to its component in spin.toml"
        )),
        Error::NoSuchDatabase => {
            DatabaseError::Other(format!("the host has no SQLite database named {LABEL:?}"))
        }
        Error::InvalidConnection => {
            DatabaseError::Other("the host no longer knows the connection".to_owned())
        }
        Error::DatabaseFull => DatabaseError::Other("it is full".to_owned()),
    }
}
