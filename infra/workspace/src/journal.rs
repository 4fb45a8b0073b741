//! What the service remembers, in SQLite under its root: the highest fence of each run, where its worktree is, and
//! every call that may have changed something.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use loom_workspace::{Call, Outcome, WorkspaceError};
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::Value;

use crate::error::Result;

const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS fence (
    run TEXT PRIMARY KEY,
    fence INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS run (
    id TEXT PRIMARY KEY,
    repository TEXT NOT NULL,
    branch TEXT NOT NULL,
    base_commit TEXT NOT NULL,
    git_dir TEXT,
    UNIQUE (repository, branch)
) STRICT;
CREATE TABLE IF NOT EXISTS call (
    run TEXT NOT NULL,
    key TEXT NOT NULL,
    operation TEXT NOT NULL,
    plan TEXT,
    answer TEXT,
    at INTEGER NOT NULL DEFAULT (unixepoch()),
    PRIMARY KEY (run, key)
) STRICT, WITHOUT ROWID;
-- For forgetting calls that nobody can repeat any more.
CREATE INDEX IF NOT EXISTS call_at ON call (at);
";
/// How long a call can be repeated: far longer than a run lives.
const KEEP_SECONDS: i64 = 30 * 24 * 3600;

/// What came of a call.
pub(crate) type Answer = std::result::Result<Outcome, WorkspaceError>;

/// What the journal says about a key.
pub(crate) enum Known {
    /// The call was answered.
    Answered(Answer),
    /// The call was begun, and perhaps done, but not answered; with what it planned to do.
    Begun(Option<Value>),
    /// Nobody has used the key.
    New,
    /// The key was used for another operation.
    Other,
}

/// Where a run works.
pub(crate) struct RunRow {
    /// The repository's common git directory.
    pub(crate) repository: String,
    pub(crate) branch: String,
    /// Where the branch left the base branch.
    pub(crate) base_commit: String,
    /// The worktree's git directory; none while there is no worktree.
    pub(crate) git_dir: Option<String>,
}

pub(crate) struct Journal {
    connection: Mutex<Connection>,
}

impl Journal {
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let connection = Connection::open(path).map_err(failed)?;
        connection
            .busy_timeout(Duration::from_secs(10))
            .map_err(failed)?;
        connection
            .pragma_update(None, "journal_mode", "WAL")
            .map_err(failed)?;
        connection.execute_batch(SCHEMA).map_err(failed)?;
        connection
            .execute(
                "DELETE FROM call WHERE at < unixepoch() - ?1",
                [KEEP_SECONDS],
            )
            .map_err(failed)?;
        Ok(Self {
            connection: Mutex::new(connection),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Has the statements that follow survive a power cut, or only the end of this process. What is answered must not
    /// be forgotten; what is only begun may be, at the price of a refusal when it is repeated.
    fn durable(connection: &Connection, durable: bool) -> Result<()> {
        let level = if durable { "FULL" } else { "NORMAL" };
        connection
            .pragma_update(None, "synchronous", level)
            .map_err(failed)
    }

    /// Notes the fence, and gives the highest one seen (invariant I2).
    pub(crate) fn raise_fence(&self, run: &str, fence: i64) -> Result<i64> {
        let connection = self.lock();
        let seen: Option<i64> = connection
            .query_row("SELECT fence FROM fence WHERE run = ?1", [run], |row| {
                row.get(0)
            })
            .optional()
            .map_err(failed)?;
        if let Some(seen) = seen.filter(|seen| *seen >= fence) {
            return Ok(seen);
        }
        Self::durable(&connection, true)?;
        connection
            .query_row(
                "INSERT INTO fence (run, fence) VALUES (?1, ?2)
                 ON CONFLICT (run) DO UPDATE SET fence = max(fence, excluded.fence) RETURNING fence",
                params![run, fence],
                |row| row.get(0),
            )
            .map_err(failed)
    }

    pub(crate) fn run(&self, id: &str) -> Result<Option<RunRow>> {
        self.lock()
            .query_row(
                "SELECT repository, branch, base_commit, git_dir FROM run WHERE id = ?1",
                [id],
                |row| {
                    Ok(RunRow {
                        repository: row.get(0)?,
                        branch: row.get(1)?,
                        base_commit: row.get(2)?,
                        git_dir: row.get(3)?,
                    })
                },
            )
            .optional()
            .map_err(failed)
    }

    pub(crate) fn put_run(&self, id: &str, row: &RunRow) -> Result<()> {
        let connection = self.lock();
        Self::durable(&connection, true)?;
        connection
            .execute(
                "INSERT INTO run (id, repository, branch, base_commit, git_dir) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (id) DO UPDATE SET git_dir = excluded.git_dir",
                params![id, row.repository, row.branch, row.base_commit, row.git_dir],
            )
            .map_err(failed)?;
        Ok(())
    }

    /// Whether some run has been given this branch, even if it does not exist yet or any more.
    pub(crate) fn is_taken(&self, repository: &str, branch: &str) -> Result<bool> {
        self.lock()
            .query_row(
                "SELECT EXISTS (SELECT 1 FROM run WHERE repository = ?1 AND branch = ?2)",
                [repository, branch],
                |row| row.get(0),
            )
            .map_err(failed)
    }

    /// What is known of the call; a new one is noted as begun.
    pub(crate) fn begin(&self, call: &Call) -> Result<Known> {
        let operation = serde_json::to_string(&call.operation).unwrap_or_default();
        let operation = crate::files::digest(operation.as_bytes());
        let connection = self.lock();
        let row: Option<(String, Option<String>, Option<String>)> = connection
            .query_row(
                "SELECT operation, plan, answer FROM call WHERE run = ?1 AND key = ?2",
                [&call.run.id, &call.key],
                |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
            )
            .optional()
            .map_err(failed)?;
        match row {
            Some((other, _, _)) if other != operation => Ok(Known::Other),
            Some((_, _, Some(answer))) => serde_json::from_str(&answer)
                .map(Known::Answered)
                .map_err(garbled),
            Some((_, plan, None)) => {
                let plan = plan
                    .map(|plan| serde_json::from_str(&plan))
                    .transpose()
                    .map_err(garbled)?;
                Ok(Known::Begun(plan))
            }
            None => {
                Self::durable(&connection, false)?;
                connection
                    .execute(
                        "INSERT INTO call (run, key, operation) VALUES (?1, ?2, ?3)",
                        [&call.run.id, &call.key, &operation],
                    )
                    .map_err(failed)?;
                Ok(Known::New)
            }
        }
    }

    /// Notes what a begun call is about to do, so that it can be recognised when it is done.
    pub(crate) fn plan(&self, call: &Call, plan: &Value) -> Result<()> {
        self.set(
            "UPDATE call SET plan = ?3 WHERE run = ?1 AND key = ?2",
            call,
            plan.to_string(),
            false,
        )
    }

    /// Notes the answer of a begun call.
    pub(crate) fn finish(&self, call: &Call, answer: &Answer) -> Result<()> {
        let answer = serde_json::to_string(answer).map_err(garbled)?;
        self.set(
            "UPDATE call SET answer = ?3 WHERE run = ?1 AND key = ?2",
            call,
            answer,
            true,
        )
    }

    fn set(&self, sql: &str, call: &Call, value: String, durable: bool) -> Result<()> {
        let connection = self.lock();
        Self::durable(&connection, durable)?;
        connection
            .execute(sql, params![call.run.id, call.key, value])
            .map_err(failed)?;
        Ok(())
    }
}

fn failed(error: rusqlite::Error) -> WorkspaceError {
    WorkspaceError::unavailable(
        "journal_failed",
        format!("the workspace service's journal failed: {error}"),
    )
}

fn garbled(error: serde_json::Error) -> WorkspaceError {
    WorkspaceError::unavailable(
        "journal_failed",
        format!("the workspace service's journal can't be read: {error}"),
    )
}
