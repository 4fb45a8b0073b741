//! What a run has changed and not committed yet.

use std::collections::BTreeMap;

use loom_github::Mode;
use loom_platform::{Row, Statements, Value};

use super::{
    error::{Result, corrupt, database},
    mode,
};

/// One changed file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change {
    /// For a deleted file, the mode that it had.
    pub(super) mode: Mode,
    pub(super) now: Now,
    /// The blob in the tree below; none when the file is new.
    pub(super) base_blob: Option<String>,
}

/// What a changed file is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Now {
    Deleted,
    /// An existing blob, such as after a move.
    Blob(String),
    /// New content, of this many bytes.
    Content(u64),
}

impl Now {
    /// How much of the run's own content it is.
    pub(super) fn bytes(&self) -> u64 {
        match self {
            Self::Content(bytes) => *bytes,
            Self::Blob(_) | Self::Deleted => 0,
        }
    }
}

/// The changed files of a run, by path, without their content.
pub(super) type Changes = BTreeMap<String, Change>;

/// A file as it shall be noted.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) path: String,
    pub(super) mode: Mode,
    pub(super) content: Put,
    pub(super) base_blob: Option<String>,
}

/// What a file shall be.
#[derive(Debug, Clone)]
pub(super) enum Put {
    Deleted,
    Blob(String),
    Content(Vec<u8>),
}

pub(super) async fn load<S: Statements>(statements: &S, run: &str) -> Result<Changes> {
    statements
        .query(
            "SELECT path, mode, length(content), blob, base_blob FROM github_overlay WHERE run_id = ?1",
            vec![run.into()],
        )
        .await
        .map_err(database)?
        .iter()
        .map(|row| Ok((row.text(0).map_err(database)?, change(row)?)))
        .collect()
}

/// The new content of a changed file; none when it has none of its own.
pub(super) async fn content<S: Statements>(
    statements: &S,
    run: &str,
    path: &str,
) -> Result<Option<Vec<u8>>> {
    statements
        .query_one(
            "SELECT content FROM github_overlay WHERE run_id = ?1 AND path = ?2 AND content IS NOT NULL",
            vec![run.into(), path.into()],
        )
        .await
        .and_then(|row| row.map(|row| row.blob(0)).transpose())
        .map_err(database)
}

pub(super) async fn put<S: Statements>(statements: &S, run: &str, entry: Entry) -> Result<()> {
    let (content, blob) = match entry.content {
        Put::Deleted => (Value::Null, Value::Null),
        Put::Blob(blob) => (Value::Null, blob.into()),
        Put::Content(bytes) => (bytes.into(), Value::Null),
    };
    statements
        .execute(
            "INSERT INTO github_overlay (run_id, path, mode, content, blob, base_blob)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (run_id, path) DO UPDATE SET mode = excluded.mode, content = excluded.content,
               blob = excluded.blob, base_blob = excluded.base_blob",
            vec![
                run.into(),
                entry.path.into(),
                entry.mode.digits().into(),
                content,
                blob,
                entry.base_blob.into(),
            ],
        )
        .await
        .map(|_| ())
        .map_err(database)
}

/// The file is again as it is in the tree.
pub(super) async fn forget<S: Statements>(statements: &S, run: &str, path: &str) -> Result<()> {
    statements
        .execute(
            "DELETE FROM github_overlay WHERE run_id = ?1 AND path = ?2",
            vec![run.into(), path.into()],
        )
        .await
        .map(|_| ())
        .map_err(database)
}

/// Nothing is changed any more.
pub(super) async fn clear<S: Statements>(statements: &S, run: &str) -> Result<()> {
    statements
        .execute(
            "DELETE FROM github_overlay WHERE run_id = ?1",
            vec![run.into()],
        )
        .await
        .map(|_| ())
        .map_err(database)
}

fn change(row: &Row) -> Result<Change> {
    let digits = row.text(1).map_err(database)?;
    let mode = mode::of_digits(&digits).ok_or_else(|| corrupt("a changed file", &digits))?;
    let length = row.optional_integer(2).map_err(database)?;
    let now = match (length, row.optional_text(3).map_err(database)?) {
        (Some(length), _) => Now::Content(u64::try_from(length).unwrap_or_default()),
        (None, Some(blob)) => Now::Blob(blob),
        (None, None) => Now::Deleted,
    };
    Ok(Change {
        mode,
        now,
        base_blob: row.optional_text(4).map_err(database)?,
    })
}
