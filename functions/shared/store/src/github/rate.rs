use loom_domain::{
    bead::{Bead, BeadStatus},
    event::{EventKind, NewEvent},
    project::Project,
    time::{MINUTE, Timestamp},
    timer::TimerKind,
};
use loom_platform::{Random, Statements};

use super::{Applied, settings};
use crate::{StoreError, bead, change::Change, row::time, timer};

/// The window of the cap.
const HOUR: i64 = 60 * MINUTE;

/// When the bead of an issue or pull request may be worked on again, if not now: the cap of runs an hour.
pub(super) async fn free_at<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    project: &Project,
    bead_id: &str,
) -> Result<Option<Timestamp>, StoreError> {
    let most = i64::from(settings(project).max_runs_per_issue_hour.max(1));
    let sql = "SELECT created_at FROM run WHERE bead_id = ?1 AND created_at > ?2 \
               ORDER BY created_at DESC LIMIT 1 OFFSET ?3";
    let values = vec![
        bead_id.into(),
        (change.now.0 - HOUR).into(),
        (most - 1).into(),
    ];
    let row = change.tx.query_one(sql, values).await?;
    row.map(|row| Ok(Timestamp(time(&row, 0)?.0 + HOUR)))
        .transpose()
}

/// Puts the next run of an open bead off where its issue has had its share of runs: so an event that comes again and
/// again costs no more than that, and no work is lost.
pub(super) async fn hold_back<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    project: &Project,
    bead_id: &str,
    applied: &mut Applied,
) -> Result<(), StoreError> {
    let bead = bead::get(change.tx, bead_id).await?;
    if bead.status != BeadStatus::Open {
        return Ok(());
    }
    applied.nudge = true;
    let Some(at) = free_at(change, project, bead_id).await? else {
        return Ok(());
    };
    put_off(change, &bead, at).await?;
    applied.note(
        "rate_capped",
        format!(
            "Bead {bead_id} had {} runs within an hour, the most that one issue may start. It goes on at {}.",
            settings(project).max_runs_per_issue_hour,
            at.to_rfc3339()
        ),
    );
    Ok(())
}

async fn put_off<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    bead: &Bead,
    at: Timestamp,
) -> Result<(), StoreError> {
    let sql = "UPDATE bead SET retry_at = ?2, version = version + 1, updated_at = ?3 WHERE id = ?1";
    let values = vec![(&bead.id).into(), at.0.into(), change.now.0.into()];
    change.tx.execute(sql, values).await?;
    timer::set(change.tx, TimerKind::BeadRetry, &bead.id, at).await?;
    let event = NewEvent::new(EventKind::BeadUpdated)
        .project(&bead.project_id)
        .bead(&bead.id)
        .with("fields", vec!["retry_at"])
        .with("retry_at", at.to_rfc3339())
        .with("reason", "rate_capped");
    change.event(event).await?;
    Ok(())
}
