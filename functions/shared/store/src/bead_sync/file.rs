use std::collections::HashSet;

use loom_domain::{bead_file::BeadFile, time::Timestamp};
use loom_platform::{Random, Statements};
use serde_json::json;

use super::Lease;
use crate::{
    StoreError,
    change::Change,
    row::{optional_json, to_json},
};

/// How many rows one statement writes.
const CHUNK: usize = 500;

/// What is known of a bead's file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileRow {
    /// The bead.
    pub bead_id: String,
    /// Its file.
    pub path: String,
    /// The id of the content, when it was read or written.
    pub blob: Option<String>,
    /// Whether both sides had it once.
    pub has_base: bool,
}

/// What is known of a project's files, by bead.
pub async fn files<S: Statements>(
    statements: &S,
    project_id: &str,
) -> Result<Vec<FileRow>, StoreError> {
    let sql =
        "SELECT bead_id, path, blob, base IS NOT NULL FROM bead_sync_file WHERE project_id = ?1";
    let rows = statements.query(sql, vec![project_id.into()]).await?;
    rows.iter()
        .map(|row| {
            Ok(FileRow {
                bead_id: row.text(0)?,
                path: row.text(1)?,
                blob: row.optional_text(2)?,
                has_base: row.boolean(3)?,
            })
        })
        .collect()
}

/// Which of these are beads of this Loom, deleted ones included.
pub async fn existing<S: Statements>(
    statements: &S,
    ids: &[&str],
) -> Result<HashSet<String>, StoreError> {
    let sql = "SELECT id FROM bead WHERE id IN (SELECT value FROM json_each(?1))";
    let rows = statements.query(sql, vec![to_json(&ids).into()]).await?;
    rows.iter().map(|row| Ok(row.text(0)?)).collect()
}

/// The beads that differ from what is known of their files, or that are still to be committed.
pub async fn changed<S: Statements>(
    statements: &S,
    project_id: &str,
) -> Result<Vec<String>, StoreError> {
    let differs = "file.pending IS NOT NULL OR file.bead_version <> bead.version \
                   OR (file.deleted_at IS NULL) <> (bead.deleted_at IS NULL) \
                   OR file.comments <> (SELECT COUNT(*) FROM comment WHERE comment.bead_id = bead.id)";
    let mut ids = Vec::new();
    for sql in [
        format!(
            "SELECT bead.id FROM bead LEFT JOIN bead_sync_file AS file ON file.bead_id = bead.id \
             WHERE bead.project_id = ?1 AND bead.deleted_at IS NULL AND (file.bead_id IS NULL OR {differs})"
        ),
        // Of the deleted ones, only those that the repository knows.
        format!(
            "SELECT bead.id FROM bead_sync_file AS file JOIN bead ON bead.id = file.bead_id \
             WHERE file.project_id = ?1 AND bead.deleted_at IS NOT NULL AND ({differs})"
        ),
    ] {
        for row in statements.query(&sql, vec![project_id.into()]).await? {
            ids.push(row.text(0)?);
        }
    }
    Ok(ids)
}

/// Commits whose end nobody saw.
pub async fn unfinished<S: Statements>(
    statements: &S,
    project_id: &str,
) -> Result<Vec<String>, StoreError> {
    let sql = "SELECT DISTINCT pending_commit FROM bead_sync_file \
               WHERE project_id = ?1 AND pending_commit IS NOT NULL ORDER BY pending_commit";
    let rows = statements.query(sql, vec![project_id.into()]).await?;
    rows.iter().map(|row| Ok(row.text(0)?)).collect()
}

/// Takes note that commits are in the branch: what they wrote is what both sides had.
pub async fn landed<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    lease: &Lease,
    commits: &[String],
) -> Result<(), StoreError> {
    if commits.is_empty() {
        return Ok(());
    }
    let those = "project_id = ?1 AND pending_commit IN (SELECT value FROM json_each(?2))";
    let values = vec![(&lease.project_id).into(), to_json(&commits).into()];
    let sql = format!("DELETE FROM bead_sync_file WHERE {those} AND pending = ''");
    change.tx.execute(&sql, values.clone()).await?;
    let sql = format!(
        "UPDATE bead_sync_file SET base = pending, pending = NULL, pending_commit = NULL WHERE {those}"
    );
    change.tx.execute(&sql, values).await?;
    Ok(())
}

/// Takes note of a commit that was made, and of the ids that the contents got by it, by bead.
pub async fn committed<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    lease: &Lease,
    commit: &str,
    blobs: &[(String, String)],
) -> Result<(), StoreError> {
    let sql = "UPDATE bead_sync_file SET base = pending, pending = NULL, pending_commit = NULL, \
               blob = json_extract(value, '$[1]') FROM json_each(?3) \
               WHERE bead_id = json_extract(value, '$[0]') AND +project_id = ?1 AND pending_commit = ?2 AND pending <> ''";
    // The + keeps the project's index out of it: a bead at a time is found by its key.
    for chunk in blobs.chunks(CHUNK) {
        let values = vec![
            (&lease.project_id).into(),
            commit.into(),
            json!(chunk).to_string().into(),
        ];
        change.tx.execute(sql, values).await?;
    }
    landed(change, lease, &[commit.to_owned()]).await
}

/// Tombstones that have been in the repository since before `time`: each with its file.
pub async fn expired<S: Statements>(
    statements: &S,
    project_id: &str,
    time: Timestamp,
) -> Result<Vec<(String, String)>, StoreError> {
    let sql = "SELECT bead_id, path FROM bead_sync_file \
               WHERE project_id = ?1 AND deleted_at < ?2 AND base IS NOT NULL ORDER BY bead_id";
    let rows = statements
        .query(sql, vec![project_id.into(), time.0.into()])
        .await?;
    rows.iter()
        .map(|row| Ok((row.text(0)?, row.text(1)?)))
        .collect()
}

/// Takes note that the files of these beads are being removed by a commit.
pub async fn remove<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    lease: &Lease,
    bead_ids: &[&str],
    commit: &str,
) -> Result<(), StoreError> {
    let sql = "UPDATE bead_sync_file SET pending = '', pending_commit = ?3 \
               WHERE project_id = ?1 AND bead_id IN (SELECT value FROM json_each(?2))";
    let values = vec![
        (&lease.project_id).into(),
        to_json(&bead_ids).into(),
        commit.into(),
    ];
    change.tx.execute(sql, values).await?;
    Ok(())
}

/// What is known of some beads, with the beads.
pub(super) struct Known {
    pub(super) bead_id: String,
    pub(super) project_id: String,
    pub(super) path: String,
    pub(super) blob: Option<String>,
    pub(super) base: Option<BeadFile>,
    pub(super) pending: Option<BeadFile>,
}

pub(super) async fn known<S: Statements>(tx: &S, ids: &[&str]) -> Result<Vec<Known>, StoreError> {
    let sql = "SELECT bead_id, project_id, path, blob, base, NULLIF(pending, '') FROM bead_sync_file \
               WHERE bead_id IN (SELECT value FROM json_each(?1))";
    let rows = tx.query(sql, vec![to_json(&ids).into()]).await?;
    rows.iter()
        .map(|row| {
            Ok(Known {
                bead_id: row.text(0)?,
                project_id: row.text(1)?,
                path: row.text(2)?,
                blob: row.optional_text(3)?,
                base: optional_json(row, 4)?,
                pending: optional_json(row, 5)?,
            })
        })
        .collect()
}

/// A row as it is written.
#[derive(serde::Serialize)]
pub(super) struct Written {
    pub(super) bead_id: String,
    pub(super) path: String,
    pub(super) blob: Option<String>,
    pub(super) base: Option<String>,
    pub(super) pending: Option<String>,
    pub(super) pending_commit: Option<String>,
    pub(super) bead_version: i64,
    pub(super) comments: i64,
    pub(super) deleted_at: Option<i64>,
}

pub(super) async fn put<S: Statements>(
    tx: &S,
    project_id: &str,
    rows: &[Written],
) -> Result<(), StoreError> {
    let columns =
        "bead_id, path, blob, base, pending, pending_commit, bead_version, comments, deleted_at";
    let values: Vec<String> = columns
        .split(", ")
        .map(|name| format!("json_extract(value, '$.{name}')"))
        .collect();
    let sets: Vec<String> = columns
        .split(", ")
        .skip(1)
        .map(|name| format!("{name} = excluded.{name}"))
        .collect();
    let sql = format!(
        "INSERT INTO bead_sync_file (project_id, {columns}) SELECT ?1, {} FROM json_each(?2) WHERE true \
         ON CONFLICT (bead_id) DO UPDATE SET {}",
        values.join(", "),
        sets.join(", ")
    );
    for chunk in rows.chunks(CHUNK) {
        let values = vec![project_id.into(), to_json(&chunk).into()];
        tx.execute(&sql, values).await?;
    }
    Ok(())
}

pub(super) async fn forget<S: Statements>(tx: &S, ids: &[&str]) -> Result<(), StoreError> {
    let sql = "DELETE FROM bead_sync_file WHERE bead_id IN (SELECT value FROM json_each(?1))";
    tx.execute(sql, vec![to_json(&ids).into()]).await?;
    Ok(())
}
