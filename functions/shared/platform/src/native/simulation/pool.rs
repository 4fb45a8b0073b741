//! Databases of simulations that have ended, kept by their thread for the next ones from the same template: opening one
//! and preparing its statements takes longer than putting its rows back.

use std::{
    cell::RefCell,
    fs, io,
    path::Path,
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};

use rusqlite::{Connection, OpenFlags, config::DbConfig};
use tempfile::TempDir;

use super::{database::connect, template::Template};
use crate::{DatabaseError, native::statement::explain};

/// How many a thread keeps of one template: simulations that it runs at the same time are few.
const KEPT: usize = 2;

thread_local! {
    static POOL: RefCell<Vec<Files>> = const { RefCell::new(Vec::new()) };
}

/// A SQLite file with its open connections.
pub(super) struct Files {
    /// For single statements, each a transaction of its own.
    pub(super) single: Connection,
    /// For transactions.
    pub(super) writer: Connection,
    pub(super) rest: Rest,
}

/// What belongs to a file beside the connections that a simulation uses.
pub(super) struct Rest {
    /// Simulated time in microseconds since the Unix epoch, as the connections read it.
    pub(super) clock: Arc<AtomicU64>,
    /// The task whose turn it is, as the connections read it.
    pub(super) turn: Arc<AtomicU64>,
    template: Template,
    again: Again,
    _directory: TempDir,
}

/// What makes a file again what its template is.
struct Again {
    /// Has the template attached as `fresh`; without triggers and foreign keys.
    connection: Connection,
    schema_version: i64,
    /// Selects the names of the tables that have rows.
    filled: String,
    /// Those that have rows in the template.
    templated: Vec<String>,
}

impl Files {
    /// A copy of the template: one that an earlier simulation of this thread left, or a new one.
    pub(super) fn of(template: &Template) -> Result<Self, DatabaseError> {
        let kept = POOL.with_borrow_mut(|pool| {
            let place = pool.iter().position(|files| files.rest.is_of(template))?;
            Some(pool.swap_remove(place))
        });
        if let Some(files) = kept
            && files.rest.again.put_back().unwrap_or(false)
        {
            return Ok(files);
        }
        Self::open(template)
    }

    fn open(template: &Template) -> Result<Self, DatabaseError> {
        let failed = |error: io::Error| {
            DatabaseError::Other(format!(
                "the simulation's database file could not be made: {error}"
            ))
        };
        let directory = temporary_directory().map_err(failed)?;
        let path = directory.path().join("loom.db");
        fs::write(&path, &template.bytes).map_err(failed)?;
        let pristine = directory.path().join("template.db");
        fs::write(&pristine, &template.bytes).map_err(failed)?;
        let (clock, turn) = (Arc::default(), Arc::default());
        Ok(Self {
            single: connect(&path, &clock, &turn).map_err(explain)?,
            writer: connect(&path, &clock, &turn).map_err(explain)?,
            rest: Rest {
                clock,
                turn,
                template: template.clone(),
                again: Again::new(&path, &pristine).map_err(explain)?,
                _directory: directory,
            },
        })
    }

    /// Keeps the file for a later simulation of this thread from the same template.
    pub(super) fn keep(self) {
        // An empty one has nothing that it would be worth while for.
        if self.rest.template.bytes.is_empty() || !self.writer.is_autocommit() {
            return;
        }
        // While the thread ends, there is no pool any more.
        let _ = POOL.try_with(|pool| {
            let mut pool = pool.borrow_mut();
            let kept = pool
                .iter()
                .filter(|files| files.rest.is_of(&self.rest.template));
            if kept.count() < KEPT {
                pool.push(self);
            }
        });
    }
}

impl Rest {
    fn is_of(&self, template: &Template) -> bool {
        Arc::ptr_eq(&self.template.bytes, &template.bytes)
    }
}

impl Again {
    fn new(path: &Path, pristine: &Path) -> rusqlite::Result<Self> {
        let connection = open(path)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)?;
        connection.execute_batch("PRAGMA foreign_keys = OFF; PRAGMA synchronous = OFF;")?;
        let pristine = pristine.to_string_lossy();
        connection.execute("ATTACH ?1 AS fresh", [&pristine])?;
        let sql = "SELECT name FROM main.sqlite_schema WHERE type = 'table' AND (name NOT LIKE 'sqlite_%' OR name = 'sqlite_sequence')";
        let tables = names(&connection, sql)?;
        let filled = |schema: &str| {
            let one = |table: &String| {
                format!("SELECT '{table}' WHERE EXISTS (SELECT 1 FROM {schema}.\"{table}\")")
            };
            let each: Vec<String> = tables.iter().map(one).collect();
            each.join(" UNION ALL ")
        };
        Ok(Self {
            schema_version: schema_version(&connection)?,
            templated: names(&connection, &filled("fresh"))?,
            filled: filled("main"),
            connection,
        })
    }

    /// Puts the rows of the template in place of all others. Whether that was possible: a schema that was changed stays
    /// changed.
    fn put_back(&self) -> rusqlite::Result<bool> {
        if schema_version(&self.connection)? != self.schema_version {
            return Ok(false);
        }
        let run = |sql: &str| self.connection.prepare_cached(sql)?.execute(()).map(drop);
        run("BEGIN IMMEDIATE")?;
        for table in names(&self.connection, &self.filled)? {
            run(&format!("DELETE FROM main.\"{table}\""))?;
        }
        for table in &self.templated {
            run(&format!(
                "INSERT INTO main.\"{table}\" SELECT * FROM fresh.\"{table}\""
            ))?;
        }
        run("COMMIT")?;
        Ok(true)
    }
}

fn schema_version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("PRAGMA main.schema_version", (), |row| row.get(0))
}

/// The names that a statement selects; without a table there is no statement.
fn names(connection: &Connection, sql: &str) -> rusqlite::Result<Vec<String>> {
    if sql.is_empty() {
        return Ok(Vec::new());
    }
    let mut statement = connection.prepare_cached(sql)?;
    let names = statement.query_map((), |row| row.get(0))?;
    names.collect()
}

/// A connection whose locks are this process's own affair, so that they need no system calls: a tenth of a simulation's
/// time.
pub(super) fn open(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags_and_vfs(path, OpenFlags::default(), c"unix-excl")?;
    connection.busy_timeout(Duration::ZERO)?;
    connection.set_prepared_statement_cache_capacity(512);
    Ok(connection)
}

/// In memory where the system offers that as a directory, because thousands of these files are written.
fn temporary_directory() -> io::Result<TempDir> {
    tempfile::Builder::new()
        .prefix("loom-simulation-")
        .tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
}
