use loom_domain::{
    bead::{MAX_DISPATCHES, MAX_FAILED_RUNS},
    motivation::BreakerState,
};
use loom_platform::{Random, Statements};

use super::{about, find};
use crate::{StoreError, change::Change};
use loom_domain::event::EventKind;

/// Beads of motivations that are closed, or blocked because their attempts are used up or their workflow is stuck.
const ENDED: &str = "FROM motivation_trigger JOIN bead ON bead.id = motivation_trigger.bead_id \
    WHERE motivation_trigger.result = 'fired' AND motivation_trigger.bead_id IS NOT NULL \
    AND motivation_trigger.outcome IS NULL \
    AND (bead.status = 'closed' OR (bead.status = 'blocked' AND (bead.failed_runs >= ?1 OR bead.dispatch_count >= ?2 \
    OR EXISTS (SELECT 1 FROM workflow_execution WHERE workflow_execution.id = bead.execution_id \
    AND workflow_execution.status = 'escalated'))))";

/// Whether a bead that a motivation filed has ended, and its breaker does not know yet.
pub async fn outcomes_wait<S: Statements>(statements: &S) -> Result<bool, StoreError> {
    let values = vec![MAX_FAILED_RUNS.into(), MAX_DISPATCHES.into()];
    let row = statements
        .query_one(&format!("SELECT 1 {ENDED} LIMIT 1"), values)
        .await?;
    Ok(row.is_some())
}

/// Tells the breakers how the beads of their motivations ended. A bead that used up its attempts, or whose workflow got
/// stuck or ended in failure, is a failure; any other that was closed is a success, and one that was deleted tells nothing.
pub async fn settle<S: Statements, R: Random>(change: &Change<'_, S, R>) -> Result<(), StoreError> {
    let rows = change
        .tx
        .query(
            &format!(
                "SELECT motivation_trigger.id, motivation_trigger.motivation_id, bead.status, bead.deleted_at, \
                 COALESCE(bead.close_reason, '') LIKE 'workflow_failed%' {ENDED} \
                 ORDER BY motivation_trigger.created_at, motivation_trigger.id LIMIT 200"
            ),
            vec![MAX_FAILED_RUNS.into(), MAX_DISPATCHES.into()],
        )
        .await?;
    for row in rows {
        let (id, motivation_id) = (row.text(0)?, row.text(1)?);
        let Some(motivation) = find(change.tx, &motivation_id).await? else {
            continue;
        };
        let (outcome, breaker) = match (row.text(2)?.as_str(), row.optional_integer(3)?) {
            ("closed", None) if !row.boolean(4)? => ("succeeded", motivation.breaker.succeeded()),
            ("closed", Some(_)) => ("withdrawn", motivation.breaker.withdrawn(change.now)),
            _ => ("failed", motivation.breaker.failed(change.now)),
        };
        change
            .tx
            .execute(
                "UPDATE motivation_trigger SET outcome = ?2 WHERE id = ?1",
                vec![id.into(), outcome.into()],
            )
            .await?;
        change
            .tx
            .execute(
                "UPDATE motivation SET breaker = ?2, breaker_failures = ?3, breaker_wait_ms = ?4, breaker_retry_at = ?5 \
                 WHERE id = ?1",
                vec![
                    (&motivation.id).into(),
                    breaker.state.as_str().into(),
                    breaker.failures.into(),
                    breaker.wait_ms.into(),
                    breaker.retry_at.map(|at| at.0).into(),
                ],
            )
            .await?;
        if breaker.state != motivation.breaker.state {
            let why = match breaker.state {
                BreakerState::Open => "breaker_opened",
                BreakerState::Closed => "breaker_closed",
                BreakerState::HalfOpen => "breaker_half_open",
            };
            let event = about(EventKind::MotivationUpdated, &motivation)
                .with("status", motivation.status.as_str())
                .with("change", why);
            change.event(event).await?;
        }
    }
    Ok(())
}
