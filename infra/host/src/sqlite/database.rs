//! One database file and its idle connections.

use rusqlite::config::DbConfig;
use rusqlite::ffi::{SQLITE_ATTACH, SQLITE_DETACH};
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::{Connection, OpenFlags};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// Idle connections that are kept. Each has its page cache and its prepared statements.
const IDLE: usize = 32;
/// A statement that runs longer is interrupted.
const STATEMENT: Duration = Duration::from_secs(30);
/// Virtual machine steps between two looks at the clock.
const STEPS: i32 = 20_000;

/// A database file.
pub(crate) struct Database {
    path: PathBuf,
    idle: Mutex<Vec<Pooled>>,
    // Told when a transaction ends, so that who waits for the write lock tries again at once.
    pub(super) released: Notify,
}

/// A connection and what the pool has to know of it.
pub(super) struct Pooled {
    pub(super) connection: Connection,
    pub(super) watch: Arc<Watch>,
}

/// What the callbacks of a connection see and set.
pub(super) struct Watch {
    // The connection has state that the next borrower would inherit: temporary tables, settings.
    pub(super) tainted: AtomicBool,
    foreign_keys: AtomicBool,
    // Milliseconds after `epoch` at which the running statement is interrupted.
    deadline: AtomicU64,
    epoch: Instant,
}

impl Watch {
    /// Called before every statement.
    pub(super) fn start(&self) {
        let deadline = (self.epoch.elapsed() + STATEMENT).as_millis();
        self.deadline.store(
            u64::try_from(deadline).unwrap_or(u64::MAX),
            Ordering::Relaxed,
        );
    }

    fn is_over(&self) -> bool {
        self.epoch.elapsed().as_millis() > u128::from(self.deadline.load(Ordering::Relaxed))
    }

    fn authorize(&self, context: AuthContext<'_>) -> Authorization {
        match context.action {
            // VACUUM attaches a nameless temporary database, and so may others.
            AuthAction::Attach { filename: "" } => self.tainted.store(true, Ordering::Relaxed),
            // Another file would be outside of what the manifest grants. Without a literal name the action comes as
            // an unknown one.
            AuthAction::Unknown {
                code: SQLITE_ATTACH | SQLITE_DETACH,
                ..
            } => {
                return Authorization::Deny;
            }
            AuthAction::Attach { .. } | AuthAction::Detach { .. } => return Authorization::Deny,
            AuthAction::CreateTempTable { .. }
            | AuthAction::CreateTempView { .. }
            | AuthAction::CreateTempTrigger { .. }
            | AuthAction::CreateTempIndex { .. } => self.tainted.store(true, Ordering::Relaxed),
            AuthAction::Pragma {
                pragma_name,
                pragma_value: Some(_),
            } => {
                match pragma_name.to_ascii_lowercase().as_str() {
                    // Undone when the connection comes back.
                    "foreign_keys" => self.foreign_keys.store(true, Ordering::Relaxed),
                    // Not a setting of the connection: of the file, or a question.
                    "journal_mode" | "user_version" | "application_id" | "table_info"
                    | "table_xinfo" | "index_info" | "index_xinfo" | "index_list"
                    | "foreign_key_list" | "foreign_key_check" | "integrity_check"
                    | "quick_check" | "optimize" | "wal_checkpoint" | "incremental_vacuum" => {}
                    _ => self.tainted.store(true, Ordering::Relaxed),
                }
            }
            _ => {}
        }
        Authorization::Allow
    }
}

impl Database {
    /// Opens or creates the file at `path`.
    pub(crate) fn open(path: &Path) -> rusqlite::Result<Self> {
        let database = Self {
            path: path.to_owned(),
            idle: Mutex::default(),
            released: Notify::new(),
        };
        let first = database.connect()?;
        // Kept in the file: readers and the writer don't stop each other.
        first.connection.busy_timeout(Duration::from_secs(5))?;
        first
            .connection
            .pragma_update(None, "journal_mode", "WAL")?;
        first.connection.busy_timeout(Duration::ZERO)?;
        first.watch.tainted.store(false, Ordering::Relaxed);
        database.give_back(first);
        Ok(database)
    }

    /// A connection that nobody else uses.
    pub(super) fn take(&self) -> rusqlite::Result<Pooled> {
        let pooled = crate::locked(&self.idle).pop();
        pooled.map_or_else(|| self.connect(), Ok)
    }

    /// Gives a connection back, without whatever its borrower left in it.
    pub(super) fn give_back(&self, pooled: Pooled) {
        let Pooled { connection, watch } = &pooled;
        if !connection.is_autocommit() {
            watch.start();
            let undone = connection.execute_batch("ROLLBACK");
            self.released.notify_one();
            if undone.is_err() {
                return;
            }
        }
        if watch.foreign_keys.swap(false, Ordering::Relaxed)
            && connection
                .execute_batch("PRAGMA foreign_keys = OFF")
                .is_err()
        {
            return;
        }
        watch.foreign_keys.store(false, Ordering::Relaxed);
        if watch.tainted.load(Ordering::Relaxed) {
            return;
        }
        let mut idle = crate::locked(&self.idle);
        if idle.len() < IDLE {
            idle.push(pooled);
        }
    }

    fn connect(&self) -> rusqlite::Result<Pooled> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            // A connection has one user at a time.
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(&self.path, flags)?;
        // Never wait here: the statement is tried again without holding a thread.
        connection.busy_timeout(Duration::ZERO)?;
        // Every commit reaches the disk before it is reported. Loom journals a model's reply and then acts on it; an
        // action must not outlive its entry, and that includes a power cut.
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.set_prepared_statement_cache_capacity(128);
        // Without it a statement that could use a partial index is prepared again whenever a parameter is bound: the
        // planner looks at the values. That costs several times what the statement does.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        let watch = Arc::new(Watch {
            tainted: false.into(),
            foreign_keys: false.into(),
            deadline: u64::MAX.into(),
            epoch: Instant::now(),
        });
        let authorizer = watch.clone();
        connection.authorizer(Some(move |context: AuthContext<'_>| {
            authorizer.authorize(context)
        }))?;
        let progress = watch.clone();
        connection.progress_handler(STEPS, Some(move || progress.is_over()))?;
        Ok(Pooled { connection, watch })
    }
}
