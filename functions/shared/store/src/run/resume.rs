//! Waiting runs that have their answers go on.

use loom_domain::{
    agent::{Agent, AgentStatus},
    bead::overlap,
    event::EventKind,
    project::ProjectStatus,
    run::{EndReason, RetryPolicy, Run, RunStatus, transition},
};
use loom_platform::{Random, Statements};

use super::{COLUMNS, ending, from_row, get, lease::tell, wait::about, working};
use crate::{StoreError, agent, bead, change::Change, project};

/// Up to `limit` waiting runs that have all their answers and whose agent is not at other work, first answered first:
/// what the tick looks at.
pub async fn resumable<S: Statements>(statements: &S, limit: i64) -> Result<Vec<Run>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM run WHERE status = 'waiting' AND resumable_at IS NOT NULL \
         AND NOT EXISTS (SELECT 1 FROM agent WHERE agent.id = run.agent_id AND agent.status = 'busy') \
         ORDER BY resumable_at, id LIMIT ?1"
    );
    let rows = statements.query(&sql, vec![limit.into()]).await?;
    rows.iter().map(from_row).collect()
}

/// What came of trying to resume a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resumed {
    /// It is in the queue under a fresh fence, and its agent is busy: start it.
    Queued,
    /// There is no room for it now: `at_capacity`, `project_at_capacity`, `touches_overlap` or `agent_busy`.
    Later(&'static str),
    /// It cannot go on and was ended as cancelled; its bead is open again.
    Cancelled,
    /// It does not wait any more, or not all of its answers are there: somebody else was faster.
    NotResumable,
}

/// Takes a waiting run with all its answers up again: the same run, with its conversation, its count of steps and its
/// branch. It must be leased within `hand_over_ms`.
///
/// Room is looked for within the transaction, so that no number of callers resumes more than fits: `max_concurrent` runs
/// in all, those of its project, and no other live run that changes the same paths. A run whose agent is gone, stuck or
/// works for another project, or whose project is closed, is cancelled.
pub async fn resume<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    run_id: &str,
    hand_over_ms: i64,
    max_concurrent: i64,
) -> Result<Resumed, StoreError> {
    let sql = "SELECT 1 FROM run WHERE id = ?1 AND status = 'waiting' AND resumable_at IS NOT NULL";
    if change
        .tx
        .query_one(sql, vec![run_id.into()])
        .await?
        .is_none()
    {
        return Ok(Resumed::NotResumable);
    }
    let run = get(change.tx, run_id).await?;
    let project = project::get(change.tx, &run.project_id).await?;
    let agent = agent::find(change.tx, &run.agent_id).await?;
    let obstacle = if project.status == ProjectStatus::Closed {
        Some(format!(
            "Project {} was closed while it waited.",
            project.name
        ))
    } else {
        unfit(agent.as_ref(), &run)
    };
    if let Some(reason) = obstacle {
        let reason = EndReason::Cancelled { reason };
        ending::apply(change, &run, reason, RetryPolicy { first_wait: 0 }, None).await?;
        return Ok(Resumed::Cancelled);
    }
    if agent.is_some_and(|agent| agent.status != AgentStatus::Idle) {
        return Ok(Resumed::Later("agent_busy"));
    }
    let counts = working(change.tx).await?;
    if counts.iter().map(|(_, count)| count).sum::<i64>() >= max_concurrent {
        return Ok(Resumed::Later("at_capacity"));
    }
    let of_project = counts.iter().find(|(id, _)| *id == run.project_id);
    if of_project.is_some_and(|(_, count)| *count >= project.max_concurrent) {
        return Ok(Resumed::Later("project_at_capacity"));
    }
    let touches = bead::get(change.tx, &run.bead_id).await?.touches;
    let live = bead::live_touches(change.tx, &run.project_id).await?;
    if live.iter().any(|(_, other)| overlap(&touches, other)) {
        return Ok(Resumed::Later("touches_overlap"));
    }
    queue(change, &run, hand_over_ms).await?;
    Ok(Resumed::Queued)
}

/// Why the run can never go on with its agent.
fn unfit(agent: Option<&Agent>, run: &Run) -> Option<String> {
    let Some(agent) = agent else {
        return Some("Its agent was deleted while it waited.".to_owned());
    };
    if agent.status == AgentStatus::Stuck {
        return Some(format!(
            "Its agent {} got stuck while it waited: {}.",
            agent.name,
            agent.status_reason.as_deref().unwrap_or("no reason given")
        ));
    }
    let moved = agent
        .project_id
        .as_ref()
        .is_some_and(|id| *id != run.project_id);
    moved.then(|| format!("Its agent {} works for another project now.", agent.name))
}

async fn queue<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    run: &Run,
    hand_over_ms: i64,
) -> Result<(), StoreError> {
    transition(&run.id, run.status, RunStatus::Queued)?;
    let sql = "UPDATE run SET status = 'queued', fence = fence + 1, lease_until = ?2, resumable_at = NULL \
               WHERE id = ?1";
    let until = change.now.0 + hand_over_ms;
    change
        .tx
        .execute(sql, vec![(&run.id).into(), until.into()])
        .await?;
    let queued = get(change.tx, &run.id).await?;
    let sql = "UPDATE bead SET fence = ?2 WHERE id = ?1";
    change
        .tx
        .execute(sql, vec![(&run.bead_id).into(), queued.fence.into()])
        .await?;
    let sql = "UPDATE agent SET status = 'busy', current_run = ?2, current_bead = ?3, last_active_at = ?4 WHERE id = ?1";
    let values = vec![
        (&run.agent_id).into(),
        (&run.id).into(),
        (&run.bead_id).into(),
        change.now.0.into(),
    ];
    change.tx.execute(sql, values).await?;
    tell(change, &queued, run.status, Some("resumed")).await?;
    change
        .event(
            about(EventKind::AgentStatusChanged, run)
                .with("old_status", "idle")
                .with("new_status", "busy"),
        )
        .await?;
    Ok(())
}
