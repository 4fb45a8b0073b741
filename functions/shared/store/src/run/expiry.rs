use loom_domain::{
    event::{EventKind, NewEvent},
    run::{EndReason, Expiry, RetryPolicy, Run, on_expiry},
};
use loom_platform::{Random, Statements};

use super::{COLUMNS, ending, from_row, get};
use crate::{
    StoreError,
    change::{Change, NOW},
};

/// Up to `limit` runs whose lease has run out by the database's clock: their holder is taken to be dead (invariant
/// I3), or nobody took them over.
pub async fn expired<S: Statements>(statements: &S, limit: i64) -> Result<Vec<Run>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM run WHERE lease_until <= {NOW} AND status IN ('queued', 'running') ORDER BY lease_until LIMIT ?1"
    );
    statements
        .query(&sql, vec![limit.into()])
        .await?
        .iter()
        .map(from_row)
        .collect()
}

/// Puts a run whose lease ran out back in the queue under a new fence, so that its old holder can write nothing more;
/// or fails it when that happened too often. Returns whether it is to be started again by the caller.
///
/// Of several callers one wins; the others find the lease no longer expired and get `false`.
pub async fn requeue<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    run_id: &str,
    hand_over_ms: i64,
    retry: RetryPolicy,
) -> Result<bool, StoreError> {
    let sql = "UPDATE run SET status = 'queued', fence = fence + 1, restarts = restarts + 1, lease_until = ?3 \
               WHERE id = ?1 AND status IN ('queued', 'running') AND lease_until <= ?2 RETURNING restarts, bead_id, project_id, fence";
    let row = change
        .tx
        .query_one(
            sql,
            vec![
                run_id.into(),
                change.now.0.into(),
                (change.now.0 + hand_over_ms).into(),
            ],
        )
        .await?;
    let Some(row) = row else { return Ok(false) };
    let (restarts, bead_id, project_id) = (row.integer(0)?, row.text(1)?, row.text(2)?);
    change
        .tx
        .execute(
            "UPDATE bead SET fence = ?2 WHERE id = ?1",
            vec![(&bead_id).into(), row.integer(3)?.into()],
        )
        .await?;
    let event = NewEvent::new(EventKind::RunRequeued)
        .project(&project_id)
        .bead(&bead_id)
        .run(run_id)
        .with("status", "queued")
        .with("restarts", restarts)
        .with("reason", "lease_expired");
    change.event(event).await?;
    if on_expiry(restarts) == Expiry::Fail {
        let run = get(change.tx, run_id).await?;
        let reason = EndReason::Failed {
            code: "lease_lost".to_owned(),
            message: format!(
                "It was put back in the queue {restarts} times without making progress."
            ),
        };
        ending::apply(change, &run, reason, retry, None).await?;
        return Ok(false);
    }
    Ok(true)
}
