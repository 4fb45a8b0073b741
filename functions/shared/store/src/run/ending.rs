use loom_domain::{
    bead::BeadStatus,
    event::{EventKind, NewEvent},
    run::{EndReason, Ending, Hold, RetryPolicy, Run, end as decide, transition},
    timer::TimerKind,
};
use loom_platform::{Random, Statements};

use super::{get, lease::guard, wait};
use crate::{StoreError, agent, bead, budget, change::Change, decision, timer, workflow};

/// Ends a run: its status, its bead, its agent, its reservation, and the question that it raises, all at once.
pub async fn end<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    hold: &Hold,
    reason: EndReason,
    retry: RetryPolicy,
    summary: Option<&str>,
) -> Result<Ending, StoreError> {
    guard(change.tx, hold).await?;
    let run = get(change.tx, &hold.run_id).await?;
    apply(change, &run, reason, retry, summary).await
}

/// Stops a live run on behalf of a person or of the system; its holder finds its fence stale.
pub async fn cancel<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    run_id: &str,
    reason: &str,
) -> Result<(), StoreError> {
    let run = get(change.tx, run_id).await?;
    if run.status.is_live() {
        let reason = EndReason::Cancelled {
            reason: reason.to_owned(),
        };
        apply(change, &run, reason, RetryPolicy { first_wait: 0 }, None).await?;
    }
    Ok(())
}

pub(super) async fn apply<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    run: &Run,
    reason: EndReason,
    retry: RetryPolicy,
    summary: Option<&str>,
) -> Result<Ending, StoreError> {
    let bead = bead::get(change.tx, &run.bead_id).await?;
    let ending = decide(&bead, reason.clone(), retry, change.now);
    transition(&run.id, run.status, ending.status).or_else(|refusal| {
        // A run that was never leased may still be ended by the tick or by a person.
        if run.status.is_live() && !ending.status.is_live() {
            Ok(())
        } else {
            Err(refusal)
        }
    })?;
    budget::release_run(change.tx, run).await?;
    change
        .tx
        .execute(
            "UPDATE run SET status = ?2, reason = ?3, summary = COALESCE(?4, summary), ended_at = ?5, fence = fence + 1, \
             commit_id = COALESCE(?6, commit_id) WHERE id = ?1",
            vec![
                (&run.id).into(),
                ending.status.as_str().into(),
                (&ending.code).into(),
                summary.or(Some(ending.message.as_str())).into(),
                change.now.0.into(),
                ending.bead.commit.as_ref().into(),
            ],
        )
        .await?;
    let after = &ending.bead;
    let status = bead::unless_held(&bead, after.status);
    let closes = status == BeadStatus::Closed;
    change
        .tx
        .execute(
            "UPDATE bead SET status = ?2, run_id = NULL, in_review = ?3, retry_at = ?4, failed_runs = failed_runs + ?5, \
             close_reason = ?6, commit_id = COALESCE(?7, commit_id), closed_at = ?8, fence = fence + 1, \
             version = version + 1, updated_at = ?9, held_by = CASE WHEN ?2 = 'closed' THEN NULL ELSE held_by END \
             WHERE id = ?1",
            vec![
                (&bead.id).into(),
                status.as_str().into(),
                after.in_review.into(),
                after.retry_at.map(|at| at.0).into(),
                after.counts_as_failure.into(),
                after.close_reason.as_ref().into(),
                after.commit.as_ref().into(),
                closes.then_some(change.now.0).into(),
                change.now.0.into(),
            ],
        )
        .await?;
    if let Some(retry_at) = after.retry_at {
        timer::set(change.tx, TimerKind::BeadRetry, &bead.id, retry_at).await?;
    }
    wait::forget(change, run).await?;
    let about = |kind| {
        NewEvent::new(kind)
            .project(&run.project_id)
            .bead(&run.bead_id)
            .run(&run.id)
            .agent(&run.agent_id)
    };
    let ended = about(EventKind::RunEnded)
        .with("status", ending.status.as_str())
        .with("code", ending.code.clone())
        .with("message", ending.message.clone())
        .with("steps", run.steps);
    change.event(ended).await?;
    agent::run_ended(change, run, &ending).await?;
    if status != bead.status {
        bead::status_changed(change, &bead, status, &ending.code).await?;
    }
    if let Some(new) = &ending.decision {
        let bead = bead::get(change.tx, &bead.id).await?;
        decision::ask(change, &bead, new, &ending.message).await?;
    }
    if let Some(execution_id) = &bead.execution_id {
        workflow::run_ended(change, execution_id, run, &reason).await?;
    }
    Ok(ending)
}
