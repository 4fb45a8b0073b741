//! Status comments: which are due, and what was written.

use loom_domain::time::Timestamp;
use loom_platform::{Random, Row, Statements};
use serde::{Deserialize, Serialize};

use crate::{
    StoreError,
    change::{Change, NOW},
    row::{json, to_json},
};

/// How many answers to commands a status comment shows.
const NOTICES: usize = 5;

/// The answer to a command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// When.
    pub at: Timestamp,
    /// The login of who gave the command.
    pub by: String,
    /// The command, as `/loom work`.
    pub command: String,
    /// What came of it, as a sentence.
    pub answer: String,
}

/// A status comment that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The project.
    pub project_id: String,
    /// The issue or pull request that the comment is on.
    pub number: i64,
    /// The bead that it tells of; none while there is only an answer to tell.
    pub bead_id: Option<String>,
    /// The answers to the last commands, oldest first.
    pub notices: Vec<Notice>,
    /// GitHub's id of the comment, once it is written.
    pub comment_id: Option<i64>,
    /// The SHA-256 of what it says: where that has not changed, there is nothing to write.
    pub text_sha256: Option<String>,
    /// How many changes this tells of; [`reported`] takes it, so that a later change stays due.
    pub changes: i64,
}

const COLUMNS: &str = "project_id, number, bead_id, notices, comment_id, text_sha256, changes";

/// Up to `limit` status comments that are due now and that nobody writes, the longest due first.
pub async fn due_reports<S: Statements>(
    statements: &S,
    limit: i64,
) -> Result<Vec<Report>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM github_report WHERE changes > reported_changes AND not_before <= {NOW} \
         ORDER BY not_before, project_id, number LIMIT ?1"
    );
    let rows = statements.query(&sql, vec![limit.into()]).await?;
    rows.iter().map(from_row).collect()
}

/// Takes the writing of a status comment, until `until`: of several who try one succeeds. Whoever dies with it gives it
/// back by that.
pub async fn take_report<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    report: &Report,
    until: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "UPDATE github_report SET not_before = ?3 WHERE project_id = ?1 AND number = ?2 \
               AND changes > reported_changes AND not_before <= ?4";
    let values = vec![
        (&report.project_id).into(),
        report.number.into(),
        until.0.into(),
        change.now.0.into(),
    ];
    Ok(change.tx.execute(sql, values).await? > 0)
}

/// Notes that a status comment says what `report` tells of. What changed meanwhile is due from `next_at` on.
pub async fn reported<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    report: &Report,
    comment_id: Option<i64>,
    text_sha256: &str,
    next_at: Timestamp,
) -> Result<(), StoreError> {
    let sql = "UPDATE github_report SET reported_changes = MAX(reported_changes, ?3), not_before = ?4, \
               comment_id = COALESCE(?5, comment_id), text_sha256 = ?6 WHERE project_id = ?1 AND number = ?2";
    let values = vec![
        (&report.project_id).into(),
        report.number.into(),
        report.changes.into(),
        next_at.0.into(),
        comment_id.into(),
        text_sha256.into(),
    ];
    change.tx.execute(sql, values).await?;
    Ok(())
}

/// Puts a status comment off that could not be written.
pub async fn report_later<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    report: &Report,
    at: Timestamp,
) -> Result<(), StoreError> {
    let sql = "UPDATE github_report SET not_before = ?3 WHERE project_id = ?1 AND number = ?2";
    let values = vec![
        (&report.project_id).into(),
        report.number.into(),
        at.0.into(),
    ];
    change.tx.execute(sql, values).await?;
    Ok(())
}

/// Puts off what is due until `until`, of one project or of all: GitHub takes no calls before, so trying one after the
/// other would only make it wait longer.
pub async fn hold_reports<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    project_id: Option<&str>,
    until: Timestamp,
) -> Result<(), StoreError> {
    let sql = "UPDATE github_report SET not_before = ?1 WHERE changes > reported_changes AND not_before <= ?2 \
               AND (?3 IS NULL OR project_id = ?3)";
    let values = vec![until.0.into(), change.now.0.into(), project_id.into()];
    change.tx.execute(sql, values).await?;
    Ok(())
}

/// Gives up on a status comment: its issue is gone, or Loom may not write there.
pub async fn forget_report<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    report: &Report,
) -> Result<(), StoreError> {
    let sql = "DELETE FROM github_report WHERE project_id = ?1 AND number = ?2";
    let values = vec![(&report.project_id).into(), report.number.into()];
    change.tx.execute(sql, values).await?;
    Ok(())
}

/// Begins the status comment of an issue or pull request, if there is none.
pub(super) async fn begin<S: Statements>(
    tx: &S,
    project_id: &str,
    number: i64,
    bead_id: Option<&str>,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO github_report (project_id, number, bead_id) VALUES (?1, ?2, ?3) \
               ON CONFLICT (project_id, number) DO UPDATE SET bead_id = excluded.bead_id, changes = changes + 1 \
               WHERE bead_id IS NOT excluded.bead_id";
    tx.execute(sql, vec![project_id.into(), number.into(), bead_id.into()])
        .await?;
    Ok(())
}

/// Whether an issue or pull request has a status comment, or will have one.
pub(super) async fn exists<S: Statements>(
    tx: &S,
    project_id: &str,
    number: i64,
) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM github_report WHERE project_id = ?1 AND number = ?2";
    let row = tx
        .query_one(sql, vec![project_id.into(), number.into()])
        .await?;
    Ok(row.is_some())
}

/// Answers a command, and brings the status comment up to date by that.
pub(super) async fn answer<S: Statements>(
    tx: &S,
    project_id: &str,
    number: i64,
    bead_id: Option<&str>,
    notice: Notice,
) -> Result<(), StoreError> {
    begin(tx, project_id, number, bead_id).await?;
    let sql = "SELECT notices FROM github_report WHERE project_id = ?1 AND number = ?2";
    let row = tx
        .query_one(sql, vec![project_id.into(), number.into()])
        .await?;
    let mut notices: Vec<Notice> = row.as_ref().map_or(Ok(Vec::new()), |row| json(row, 0))?;
    notices.push(notice);
    let over = notices.len().saturating_sub(NOTICES);
    notices.drain(..over);
    let sql = "UPDATE github_report SET notices = ?3, changes = changes + 1 WHERE project_id = ?1 AND number = ?2";
    let values = vec![project_id.into(), number.into(), to_json(&notices).into()];
    tx.execute(sql, values).await?;
    Ok(())
}

fn from_row(row: &Row) -> Result<Report, StoreError> {
    Ok(Report {
        project_id: row.text(0)?,
        number: row.integer(1)?,
        bead_id: row.optional_text(2)?,
        notices: json(row, 3)?,
        comment_id: row.optional_integer(4)?,
        text_sha256: row.optional_text(5)?,
        changes: row.integer(6)?,
    })
}
