use loom_domain::{
    Refusal,
    event::{EventKind, NewEvent},
    project::Project,
};
use loom_platform::{Random, Statements};

use super::Report;
use crate::{
    StoreError,
    change::{Change, NOW},
    row::{optional_json, to_json},
};

/// The right to sync a project, proved by its fence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The project.
    pub project_id: String,
    /// Grows with each holder.
    pub fence: i64,
}

/// Where a project's sync stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    /// The branch that was synced with last.
    pub branch: Option<String>,
    /// The commit that it was at.
    pub head: Option<String>,
    /// The content of `issues.jsonl` as it was last written or read.
    pub issues_blob: Option<String>,
    /// Whether a syncer is at work.
    pub is_running: bool,
    /// How the last round ended.
    pub report: Option<Report>,
}

/// Takes the lease of a project for `lease_ms`, or refuses with `sync_running`.
pub async fn take<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    project_id: &str,
    lease_ms: i64,
) -> Result<Lease, StoreError> {
    let sql = "INSERT INTO bead_sync (project_id, fence, lease_until, started_at) VALUES (?1, 1, ?2 + ?3, ?2) \
               ON CONFLICT (project_id) DO UPDATE SET fence = fence + 1, lease_until = excluded.lease_until, \
               started_at = excluded.started_at WHERE lease_until <= ?2 RETURNING fence";
    let values = vec![project_id.into(), change.now.0.into(), lease_ms.into()];
    match change.tx.query_one(sql, values).await? {
        Some(row) => Ok(Lease {
            project_id: project_id.to_owned(),
            fence: row.integer(0)?,
        }),
        None => Err(Refusal::conflict(
            "sync_running",
            "The beads of this project are being synced already. Ask again in a minute.",
        )
        .into()),
    }
}

/// Renews a lease, and refuses one that was lost: called first in every transaction of a round.
pub async fn hold<S: Statements>(tx: &S, lease: &Lease, lease_ms: i64) -> Result<(), StoreError> {
    let sql = format!(
        "UPDATE bead_sync SET lease_until = {NOW} + ?3 WHERE project_id = ?1 AND fence = ?2"
    );
    let values = vec![
        (&lease.project_id).into(),
        lease.fence.into(),
        lease_ms.into(),
    ];
    if tx.execute(&sql, values).await? == 0 {
        let message = "Another round has taken over the sync of this project; this one stops.";
        return Err(Refusal::conflict("stale_fence", message).into());
    }
    Ok(())
}

/// Where a project's sync stands; nothing when it never was synced.
pub async fn state<S: Statements>(statements: &S, project_id: &str) -> Result<State, StoreError> {
    let sql = format!(
        "SELECT branch, head, issues_blob, lease_until > {NOW}, report FROM bead_sync WHERE project_id = ?1"
    );
    let Some(row) = statements.query_one(&sql, vec![project_id.into()]).await? else {
        return Ok(State::default());
    };
    Ok(State {
        branch: row.optional_text(0)?,
        head: row.optional_text(1)?,
        issues_blob: row.optional_text(2)?,
        is_running: row.boolean(3)?,
        report: optional_json(&row, 4)?,
    })
}

/// The open projects whose beads are kept in their repositories.
pub async fn synced<S: Statements>(statements: &S) -> Result<Vec<String>, StoreError> {
    let sql =
        "SELECT id FROM project WHERE status = 'open' AND bead_sync_branch IS NOT NULL ORDER BY id";
    let rows = statements.query(sql, vec![]).await?;
    rows.iter().map(|row| Ok(row.text(0)?)).collect()
}

/// Begins with a branch as it is. Where it is another branch or repository than the last time, or has gone, everything
/// that was known of its files is forgotten: they are then merged without a base, and nothing counts as deleted. Says
/// whether it was so.
pub async fn begin<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    project: &Project,
    branch: &str,
    exists: bool,
) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM bead_sync WHERE project_id = ?1 AND repository = ?2 AND branch = ?3";
    let values = vec![
        (&project.id).into(),
        (&project.git_repo).into(),
        branch.into(),
    ];
    let is_known = change.tx.query_one(sql, values.clone()).await?.is_some();
    if !is_known || !exists {
        let forget = "DELETE FROM bead_sync_file WHERE project_id = ?1";
        change
            .tx
            .execute(forget, vec![(&project.id).into()])
            .await?;
        let sql = "UPDATE bead_sync SET repository = ?2, branch = ?3, head = NULL, issues_blob = NULL \
                   WHERE project_id = ?1";
        change.tx.execute(sql, values).await?;
    }
    Ok(!is_known || !exists)
}

/// Keeps how a round ended, and gives the lease back. An event tells of a round that did something, and of one that
/// failed otherwise than the last.
pub async fn finish<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    lease: &Lease,
    mut report: Report,
    issues_blob: Option<&str>,
) -> Result<Report, StoreError> {
    report.ended_at = Some(change.now);
    let before = state(change.tx, &lease.project_id).await?.report;
    let sql = "UPDATE bead_sync SET lease_until = 0, ended_at = ?3, report = ?4, head = COALESCE(?5, head), \
               issues_blob = COALESCE(?6, issues_blob) WHERE project_id = ?1 AND fence = ?2";
    let values = vec![
        (&lease.project_id).into(),
        lease.fence.into(),
        change.now.0.into(),
        to_json(&report).into(),
        report.head.clone().into(),
        issues_blob.into(),
    ];
    if change.tx.execute(sql, values).await? == 0 {
        return Ok(report);
    }
    let counts = &report.counts;
    let did = [
        counts.created,
        counts.updated,
        counts.deleted,
        counts.committed,
        counts.conflicts,
    ];
    let failed_before = before.and_then(|before| before.code);
    let kind = match &report.code {
        Some(_) if failed_before != report.code => EventKind::BeadsSyncFailed,
        None if did.iter().any(|count| *count > 0) || failed_before.is_some() => {
            EventKind::BeadsSynced
        }
        _ => return Ok(report),
    };
    let event = NewEvent::new(kind)
        .project(&lease.project_id)
        .with("created", counts.created)
        .with("updated", counts.updated)
        .with("deleted", counts.deleted)
        .with("committed", counts.committed)
        .with("conflicts", counts.conflicts)
        .with("problems", counts.problems)
        .with("head", report.head.clone())
        .with("code", report.code.clone())
        .with("error", report.error.clone());
    change.event(event).await?;
    Ok(report)
}
