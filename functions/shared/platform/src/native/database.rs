use std::{
    fmt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use rusqlite::Connection;
use tempfile::TempDir;
use tokio::time::Instant;

use super::statement;
use crate::{
    Database, DatabaseError, Random, Row, Statements, Transaction, Value,
    contention::{LONGEST_WAIT, pause},
    system::SystemRandom,
};

/// Idle connections beyond this number are closed.
const MOST_IDLE: usize = 64;

/// A SQLite file with a pool of connections, set up as the Spin adapter does.
///
/// A "memory" database is a temporary file all the same: SQLite's shared in-memory databases lock whole tables and
/// know no WAL, so they would behave differently from every real one.
///
/// Statements run on the calling thread. They are short, and they never wait there: SQLite's own busy handler is
/// off, waiting for another writer is an asynchronous pause. Handing each to a thread pool costs several times the
/// statement.
#[derive(Clone)]
pub struct NativeDatabase {
    pool: Arc<Pool>,
}

struct Pool {
    idle: Mutex<Vec<Connection>>,
    path: PathBuf,
    setup: &'static str,
    /// Removes the file of a temporary database along with the last handle. After `idle`, so that it goes last.
    _temporary: Option<TempDir>,
}

const SETUP: &str = "PRAGMA foreign_keys = ON; PRAGMA journal_mode = WAL;";
/// A temporary database need not survive a power failure, so nothing waits for the disk.
const TEMPORARY_SETUP: &str =
    "PRAGMA foreign_keys = ON; PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF;";

impl NativeDatabase {
    /// Opens the database file at `path`, making it if need be.
    pub fn file(path: impl Into<PathBuf>) -> Result<Self, DatabaseError> {
        Self::open(path.into(), SETUP, None)
    }

    /// Makes an empty database that nobody else sees and that is gone with its last handle.
    pub fn temporary() -> Result<Self, DatabaseError> {
        let directory = tempfile::tempdir().map_err(|error| {
            DatabaseError::Other(format!("no temporary directory could be made: {error}"))
        })?;
        let path = directory.path().join("loom.db");
        Self::open(path, TEMPORARY_SETUP, Some(directory))
    }

    fn open(
        path: PathBuf,
        setup: &'static str,
        temporary: Option<TempDir>,
    ) -> Result<Self, DatabaseError> {
        let pool = Pool {
            idle: Mutex::default(),
            path,
            setup,
            _temporary: temporary,
        };
        // The first connection tells at once when the file can't be opened.
        let first = pool.open()?;
        pool.give_back(first);
        Ok(Self {
            pool: Arc::new(pool),
        })
    }

    /// Where the file lies.
    pub fn path(&self) -> &Path {
        &self.pool.path
    }

    /// Runs `operation` on a connection of the pool, again and again while another writer is in the way.
    async fn patiently<T>(
        &self,
        operation: impl Fn(&Connection) -> Result<T, DatabaseError>,
    ) -> (Lease, Result<T, DatabaseError>) {
        let mut lease = Lease {
            pool: Arc::clone(&self.pool),
            connection: None,
        };
        // Tokio's clock: a test may stop it.
        let give_up = Instant::now() + LONGEST_WAIT;
        let mut attempt = 0;
        loop {
            let outcome = lease.connection().and_then(&operation);
            let busy = outcome.as_ref().err() == Some(&DatabaseError::Busy);
            if !busy || Instant::now() >= give_up {
                return (lease, outcome);
            }
            let random = u64::from_le_bytes(SystemRandom.bytes());
            tokio::time::sleep(pause(attempt, random)).await;
            attempt += 1;
        }
    }
}

impl fmt::Debug for NativeDatabase {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("NativeDatabase")
            .field("path", &self.pool.path)
            .finish()
    }
}

impl Statements for NativeDatabase {
    async fn query(&self, sql: &str, parameters: Vec<Value>) -> Result<Vec<Row>, DatabaseError> {
        self.patiently(|connection| statement::query(connection, sql, &parameters))
            .await
            .1
    }

    async fn execute(&self, sql: &str, parameters: Vec<Value>) -> Result<u64, DatabaseError> {
        self.patiently(|connection| statement::execute(connection, sql, &parameters))
            .await
            .1
    }
}

impl Database for NativeDatabase {
    type Transaction = NativeTransaction;

    async fn transaction(&self) -> Result<NativeTransaction, DatabaseError> {
        let (lease, begun) = self
            .patiently(|connection| statement::execute(connection, "BEGIN IMMEDIATE", &[]))
            .await;
        begun?;
        Ok(NativeTransaction {
            lease: Mutex::new(lease),
        })
    }
}

/// An open transaction on a connection of its own; dropping it rolls back at once.
pub struct NativeTransaction {
    /// A connection may move between threads but not be shared by them, hence the lock. It is never held across an
    /// await.
    lease: Mutex<Lease>,
}

impl NativeTransaction {
    fn with<T>(
        &self,
        operation: impl FnOnce(&Connection) -> Result<T, DatabaseError>,
    ) -> Result<T, DatabaseError> {
        let mut lease = self.lease.lock().unwrap_or_else(PoisonError::into_inner);
        lease.connection().and_then(operation)
    }
}

impl Statements for NativeTransaction {
    async fn query(&self, sql: &str, parameters: Vec<Value>) -> Result<Vec<Row>, DatabaseError> {
        self.with(|connection| statement::query(connection, sql, &parameters))
    }

    async fn execute(&self, sql: &str, parameters: Vec<Value>) -> Result<u64, DatabaseError> {
        self.with(|connection| statement::execute(connection, sql, &parameters))
    }
}

impl Transaction for NativeTransaction {
    async fn commit(self) -> Result<(), DatabaseError> {
        self.with(|connection| statement::execute(connection, "COMMIT", &[]))?;
        Ok(())
    }
}

/// A connection taken out of the pool; it goes back, without an open transaction, when this is dropped.
struct Lease {
    pool: Arc<Pool>,
    connection: Option<Connection>,
}

impl Lease {
    fn connection(&mut self) -> Result<&Connection, DatabaseError> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.pool.take()?,
        };
        Ok(self.connection.insert(connection))
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else {
            return;
        };
        if !connection.is_autocommit() {
            // When this fails the connection is closed below, which rolls back too.
            statement::execute(&connection, "ROLLBACK", &[]).ok();
        }
        if connection.is_autocommit() {
            self.pool.give_back(connection);
        }
    }
}

impl Pool {
    fn take(&self) -> Result<Connection, DatabaseError> {
        let idle = self
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        idle.map_or_else(|| self.open(), Ok)
    }

    fn give_back(&self, connection: Connection) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < MOST_IDLE {
            idle.push(connection);
        }
    }

    fn open(&self) -> Result<Connection, DatabaseError> {
        let connection = Connection::open(&self.path).map_err(statement::explain)?;
        connection.set_prepared_statement_cache_capacity(256);
        // Turning WAL on needs the file for itself for a moment; only here SQLite may wait for that.
        connection
            .busy_timeout(Duration::from_secs(5))
            .map_err(statement::explain)?;
        connection
            .execute_batch(self.setup)
            .map_err(statement::explain)?;
        connection
            .busy_timeout(Duration::ZERO)
            .map_err(statement::explain)?;
        Ok(connection)
    }
}

#[cfg(test)]
mod tests;
