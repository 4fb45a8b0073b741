//! One connection as its guest sees it.

use super::database::{Database, Pooled};
use loom_host_bindings::imports::spin::sqlite::sqlite::{Error, RowResult, Value};
use rusqlite::ffi::ErrorCode;
use rusqlite::types::{ToSqlOutput, ValueRef};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What a statement may return in all. A larger result would fill the memory of the host and of the guest.
const MAX_RESULT: usize = 64 << 20;
/// How long a statement waits for another's transaction, unless the guest set `PRAGMA busy_timeout`. SQLite's own
/// default in Spin.
const BUSY: Duration = Duration::from_secs(5);

/// A guest's connection: borrowed from the pool at the first statement, given back when this is dropped.
pub(super) struct Session {
    database: Arc<Database>,
    pooled: Option<Pooled>,
    busy: Duration,
    // The pool's connection counts for all its borrowers; what was before this one isn't shown to it.
    changes_before: u64,
}

/// The rows of a statement, or why there are none.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) columns: Vec<String>,
    pub(super) rows: Vec<RowResult>,
}

impl Session {
    pub(super) fn new(database: Arc<Database>) -> Self {
        Self {
            database,
            pooled: None,
            busy: BUSY,
            changes_before: 0,
        }
    }

    fn connection(&mut self) -> Result<&Pooled, Error> {
        if self.pooled.is_none() {
            let pooled = self.database.take().map_err(|error| explain(&error))?;
            self.changes_before = pooled.connection.total_changes();
            self.pooled = Some(pooled);
        }
        self.pooled.as_ref().ok_or(Error::InvalidConnection)
    }

    /// Runs one statement. While another transaction has the lock it waits without holding a thread.
    pub(super) async fn execute(
        &mut self,
        statement: &str,
        parameters: &[Value],
    ) -> Result<Outcome, Error> {
        if let Some(outcome) = self.busy_timeout(statement) {
            return Ok(outcome);
        }
        let give_up = Instant::now() + self.busy;
        let database = self.database.clone();
        loop {
            let pooled = self.connection()?;
            let in_transaction = !pooled.connection.is_autocommit();
            let result = run(pooled, statement, parameters);
            let ended = pooled.connection.is_autocommit()
                && (in_transaction || result.is_ok() && first_word(statement) != "select");
            if ended {
                database.released.notify_one();
            }
            let error = match result {
                Ok(outcome) => return Ok(outcome),
                Err(error) => error,
            };
            if !worth_another_try(&error) || Instant::now() >= give_up {
                return Err(explain(&error));
            }
            // Whoever ends a transaction in this process says so; for other processes there is the clock.
            let _ =
                tokio::time::timeout(Duration::from_millis(3), database.released.notified()).await;
        }
    }

    /// `PRAGMA busy_timeout = n` is kept here: SQLite itself must not wait.
    fn busy_timeout(&mut self, statement: &str) -> Option<Outcome> {
        let rest = statement.trim_start();
        let (word, rest) = rest.split_at_checked("pragma".len())?;
        if !word.eq_ignore_ascii_case("pragma") {
            return None;
        }
        let rest = rest.trim_start();
        let (word, rest) = rest.split_at_checked("busy_timeout".len())?;
        if !word.eq_ignore_ascii_case("busy_timeout") {
            return None;
        }
        let value = rest
            .trim()
            .trim_end_matches(';')
            .trim_matches([' ', '=', '(', ')']);
        if !value.is_empty() {
            let milliseconds: i64 = value.parse().ok()?;
            self.busy = Duration::from_millis(u64::try_from(milliseconds).unwrap_or(0));
        }
        let value = i64::try_from(self.busy.as_millis()).unwrap_or(i64::MAX);
        Some(Outcome {
            columns: vec!["timeout".to_owned()],
            rows: vec![RowResult {
                values: vec![Value::Integer(value)],
            }],
        })
    }

    /// The rowid of this session's latest insert, or 0.
    pub(super) fn last_insert_rowid(&self) -> i64 {
        self.written()
            .map_or(0, |pooled| pooled.connection.last_insert_rowid())
    }

    /// The number of rows that this session's latest write touched.
    pub(super) fn changes(&self) -> u64 {
        self.written()
            .map_or(0, |pooled| pooled.connection.changes())
    }

    fn written(&self) -> Option<&Pooled> {
        self.pooled
            .as_ref()
            .filter(|pooled| pooled.connection.total_changes() != self.changes_before)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if let Some(pooled) = self.pooled.take() {
            self.database.give_back(pooled);
        }
    }
}

fn run(pooled: &Pooled, statement: &str, parameters: &[Value]) -> rusqlite::Result<Outcome> {
    pooled.watch.start();
    if is_cacheable(statement) {
        rows(
            &mut *pooled.connection.prepare_cached(statement)?,
            parameters,
        )
    } else {
        rows(&mut pooled.connection.prepare(statement)?, parameters)
    }
}

fn rows(
    statement: &mut rusqlite::Statement<'_>,
    parameters: &[Value],
) -> rusqlite::Result<Outcome> {
    let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let mut cursor =
        statement.query(rusqlite::params_from_iter(parameters.iter().map(Parameter)))?;
    let mut rows = Vec::new();
    let mut size = 0;
    while let Some(row) = cursor.next()? {
        let mut values = Vec::with_capacity(columns.len());
        for index in 0..columns.len() {
            let value = match row.get_ref(index)? {
                ValueRef::Null => Value::Null,
                ValueRef::Integer(value) => Value::Integer(value),
                ValueRef::Real(value) => Value::Real(value),
                ValueRef::Text(text) => Value::Text(String::from_utf8_lossy(text).into_owned()),
                ValueRef::Blob(bytes) => Value::Blob(bytes.to_vec()),
            };
            size += size_of::<Value>()
                + match &value {
                    Value::Text(text) => text.len(),
                    Value::Blob(bytes) => bytes.len(),
                    _ => 0,
                };
            values.push(value);
        }
        if size > MAX_RESULT {
            return Err(rusqlite::Error::ToSqlConversionFailure(
                format!(
                    "the result has more than {} MiB; read it in pages, with LIMIT",
                    MAX_RESULT >> 20
                )
                .into(),
            ));
        }
        rows.push(RowResult { values });
    }
    Ok(Outcome { columns, rows })
}

struct Parameter<'a>(&'a Value);

impl rusqlite::ToSql for Parameter<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self.0 {
            Value::Null => ValueRef::Null,
            Value::Integer(value) => ValueRef::Integer(*value),
            Value::Real(value) => ValueRef::Real(*value),
            Value::Text(text) => ValueRef::Text(text.as_bytes()),
            Value::Blob(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

/// Whether the prepared statement is kept. The rest may set state of the connection, and SQLite reports that only
/// while it prepares.
fn is_cacheable(statement: &str) -> bool {
    matches!(
        first_word(statement).as_str(),
        "select"
            | "insert"
            | "update"
            | "delete"
            | "with"
            | "replace"
            | "begin"
            | "commit"
            | "end"
            | "rollback"
            | "savepoint"
            | "release"
    )
}

fn first_word(statement: &str) -> String {
    statement
        .trim_start()
        .chars()
        .take_while(char::is_ascii_alphabetic)
        .take(9)
        .collect::<String>()
        .to_ascii_lowercase()
}

/// Another try can succeed when somebody else's lock is in the way. It can't when this transaction read a state that
/// was overwritten since: SQLite wants it to start again.
fn worth_another_try(error: &rusqlite::Error) -> bool {
    const BUSY_SNAPSHOT: i32 = rusqlite::ffi::SQLITE_BUSY_SNAPSHOT;
    match error {
        rusqlite::Error::SqliteFailure(error, _) => {
            error.code == ErrorCode::DatabaseBusy && error.extended_code != BUSY_SNAPSHOT
        }
        _ => false,
    }
}

fn explain(error: &rusqlite::Error) -> Error {
    match error {
        rusqlite::Error::SqliteFailure(error, _) if error.code == ErrorCode::DiskFull => {
            Error::DatabaseFull
        }
        rusqlite::Error::SqliteFailure(error, _)
            if error.code == ErrorCode::OperationInterrupted =>
        {
            Error::Io(
                "the statement took longer than the host allows; add an index or read less"
                    .to_owned(),
            )
        }
        rusqlite::Error::SqliteFailure(error, _)
            if error.code == ErrorCode::AuthorizationForStatementDenied =>
        {
            Error::Io(
                "not authorized: ATTACH and DETACH are not available to components".to_owned(),
            )
        }
        rusqlite::Error::ToSqlConversionFailure(reason) => Error::Io(reason.to_string()),
        error => Error::Io(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn database() -> (tempfile::TempDir, Arc<Database>) {
        let dir = tempfile::tempdir().unwrap();
        let database = Arc::new(Database::open(&dir.path().join("t.db")).unwrap());
        (dir, database)
    }

    async fn one(session: &mut Session, statement: &str) -> Value {
        session
            .execute(statement, &[])
            .await
            .unwrap()
            .rows
            .remove(0)
            .values
            .remove(0)
    }

    #[tokio::test]
    async fn nothing_of_one_borrower_reaches_the_next() {
        let (_dir, database) = database();
        let mut first = Session::new(database.clone());
        first
            .execute("CREATE TABLE t (a INTEGER PRIMARY KEY)", &[])
            .await
            .unwrap();
        assert_eq!(first.last_insert_rowid(), 0);
        first
            .execute("INSERT INTO t VALUES (7)", &[])
            .await
            .unwrap();
        assert_eq!((first.last_insert_rowid(), first.changes()), (7, 1));
        // Twice, since the second finds the statement prepared if it was cached.
        for _ in 0..2 {
            first
                .execute("PRAGMA foreign_keys = ON", &[])
                .await
                .unwrap();
            assert!(matches!(
                one(&mut first, "PRAGMA foreign_keys").await,
                Value::Integer(1)
            ));
            first.execute("BEGIN IMMEDIATE", &[]).await.unwrap();
            first
                .execute("INSERT INTO t VALUES (8)", &[])
                .await
                .unwrap();
            drop(first);
            first = Session::new(database.clone());
            assert_eq!((first.last_insert_rowid(), first.changes()), (0, 0));
            assert!(matches!(
                one(&mut first, "PRAGMA foreign_keys").await,
                Value::Integer(0)
            ));
            assert!(matches!(
                one(&mut first, "SELECT count(*) FROM t").await,
                Value::Integer(1)
            ));
        }
        first
            .execute("CREATE TEMP TABLE leak (a)", &[])
            .await
            .unwrap();
        drop(first);
        let mut next = Session::new(database);
        assert!(next.execute("SELECT * FROM leak", &[]).await.is_err());
    }

    #[tokio::test]
    async fn writers_wait_for_each_other_without_a_thread() {
        // One thread runs both, so a wait that held it would never end.
        let (_dir, database) = database();
        let mut first = Session::new(database.clone());
        first.execute("CREATE TABLE t (a)", &[]).await.unwrap();
        first.execute("BEGIN IMMEDIATE", &[]).await.unwrap();
        let second = tokio::spawn(async move {
            let mut second = Session::new(database);
            second.execute("BEGIN IMMEDIATE", &[]).await.unwrap();
            second
                .execute("INSERT INTO t VALUES (2)", &[])
                .await
                .unwrap();
            second.execute("COMMIT", &[]).await.unwrap();
        });
        tokio::task::yield_now().await;
        first
            .execute("INSERT INTO t VALUES (1)", &[])
            .await
            .unwrap();
        first.execute("COMMIT", &[]).await.unwrap();
        second.await.unwrap();
        let rows = first
            .execute("SELECT a FROM t ORDER BY rowid", &[])
            .await
            .unwrap()
            .rows;
        assert_eq!(rows.len(), 2);
    }

    #[tokio::test]
    async fn the_guests_own_timeout_counts() {
        let (_dir, database) = database();
        let mut holder = Session::new(database.clone());
        holder.execute("BEGIN IMMEDIATE", &[]).await.unwrap();
        let mut other = Session::new(database);
        assert!(matches!(
            one(&mut other, "PRAGMA busy_timeout").await,
            Value::Integer(5000)
        ));
        assert!(matches!(
            one(&mut other, " pragma Busy_Timeout = 0;").await,
            Value::Integer(0)
        ));
        let error = other.execute("BEGIN IMMEDIATE", &[]).await.unwrap_err();
        assert!(matches!(error, Error::Io(text) if text.contains("database is locked")));
    }

    #[tokio::test]
    async fn other_files_are_out_of_reach() {
        let (dir, database) = database();
        let mut session = Session::new(database);
        let other = dir.path().join("other.db");
        let name = other.display().to_string();
        for (statement, parameters) in [
            ("ATTACH ?1 AS o".to_owned(), vec![Value::Text(name.clone())]),
            (format!("ATTACH '{name}' AS o"), vec![]),
            (format!("ATTACH '{name}' || '' AS o"), vec![]),
            (format!("VACUUM INTO '{name}'"), vec![]),
            ("VACUUM INTO ?1".to_owned(), vec![Value::Text(name.clone())]),
        ] {
            let error = session.execute(&statement, &parameters).await.unwrap_err();
            assert!(
                matches!(&error, Error::Io(text) if text.contains("not authorized")),
                "{statement}: {error:?}"
            );
        }
        session.execute("VACUUM", &[]).await.unwrap();
        assert!(!other.exists());
    }

    #[tokio::test]
    async fn bad_text_is_repaired_and_bad_sql_is_an_error() {
        let (_dir, database) = database();
        let mut session = Session::new(database);
        assert!(
            matches!(one(&mut session, "SELECT CAST(x'ff' AS TEXT)").await, Value::Text(text) if text == "\u{fffd}")
        );
        assert!(session.execute("SELEC 1", &[]).await.is_err());
        assert!(matches!(
            one(&mut session, "SELECT 1").await,
            Value::Integer(1)
        ));
    }
}
