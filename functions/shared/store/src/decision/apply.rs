//! What an answer does, by the table in the domain.

use loom_domain::{
    bead::{Bead, BeadStatus, HeldBy},
    budget::BudgetScope,
    decision::{
        Answer, Decision, DecisionKind, Effect, budget_of, effect, is_exhausted, releases,
        triage_agent,
    },
    event::{EventKind, NewEvent},
    project::ProjectStatus,
    timer::TimerKind,
};
use loom_platform::{Random, Statements};

use super::{decide::By, find};
use crate::{StoreError, agent, bead, budget, change::Change, project, run, timer, workflow};

/// Applies an answer to a decision that is already marked as decided.
pub(super) async fn apply<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    decision: &Decision,
    answer: &Answer,
    rationale: &str,
    by: By,
) -> Result<(), StoreError> {
    let what = effect(decision.kind, answer);
    match what {
        // Boxes, because these may end runs and ask, and so lead back here.
        Effect::Workflow => {
            return Box::pin(workflow::answered(
                change,
                decision,
                answer.as_str(),
                rationale,
            ))
            .await;
        }
        Effect::CloseProject => {
            return Box::pin(close_project(change, decision, by)).await;
        }
        Effect::GrantBudget | Effect::WithholdBudget => {
            return budget_answered(change, decision, what, by).await;
        }
        Effect::Tell | Effect::Nothing => return Ok(()),
        Effect::CloseBead
        | Effect::Triage
        | Effect::ReturnBead
        | Effect::OpenBead
        | Effect::KeepBlocked
        | Effect::RetryNow => {}
    }
    if what == Effect::RetryNow {
        return retry_now(change, decision).await;
    }
    let Some(bead) = idle_bead(change, decision).await? else {
        return Ok(());
    };
    let reopens = Reopens {
        decision,
        by,
        forgets: by == By::Person,
    };
    match what {
        Effect::CloseBead => {
            let verb = match decision.kind {
                DecisionKind::HighRisk => "refused",
                _ => "closed",
            };
            let reason = format!("{verb} by {}: {rationale}", change.actor);
            bead::change_status(change, &bead, BeadStatus::Closed, &reason).await
        }
        Effect::Triage => {
            let agents = agent::all(change.tx).await?;
            let agent = triage_agent(&agents, &bead.project_id).map(|agent| agent.id.as_str());
            assign(change, &bead, agent).await?;
            reopen(change, &bead, reopens).await
        }
        Effect::ReturnBead => {
            if let Some(agent_id) = &decision.returned_to
                && works_for(change.tx, agent_id, &bead.project_id).await?
            {
                assign(change, &bead, Some(agent_id)).await?;
            }
            reopen(change, &bead, reopens).await
        }
        Effect::OpenBead => reopen(change, &bead, reopens).await,
        Effect::KeepBlocked => keep_blocked(change, &bead, decision, "needs_more_info").await,
        _ => Ok(()),
    }
}

/// The bead of a decision; `None` when it is closed or there is none.
async fn bead_of<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    decision: &Decision,
) -> Result<Option<Bead>, StoreError> {
    let Some(bead_id) = &decision.bead_id else {
        return Ok(None);
    };
    let found = bead::find(change.tx, bead_id).await?;
    Ok(found.filter(|bead| bead.status != BeadStatus::Closed))
}

/// The bead of a decision, its live run stopped; `None` when it is closed or there is none.
async fn idle_bead<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    decision: &Decision,
) -> Result<Option<Bead>, StoreError> {
    let Some(bead) = bead_of(change, decision).await? else {
        return Ok(None);
    };
    let Some(run_id) = &bead.run_id else {
        return Ok(Some(bead));
    };
    let why = format!("Decision {} was answered by {}.", decision.id, change.actor);
    Box::pin(run::cancel(change, run_id, &why)).await?;
    bead_of(change, decision).await
}

/// How an answer opens a bead.
struct Reopens<'a> {
    decision: &'a Decision,
    by: By,
    /// Whether the bead's failures are forgotten: when a person says so, and never otherwise (invariant I10).
    forgets: bool,
}

/// Opens a bead, unless a person's word holds it that this answer does not take back.
async fn reopen<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    bead: &Bead,
    how: Reopens<'_>,
) -> Result<(), StoreError> {
    if how.forgets {
        bead::forget_failures(change, &bead.id).await?;
    }
    let is_released = match &bead.held_by {
        None => false,
        Some(_) if how.by != By::Person => false,
        Some(HeldBy::Person(_)) => true,
        Some(HeldBy::Decision(id)) => find(change.tx, id)
            .await?
            .is_none_or(|holder| releases(how.decision, &holder)),
    };
    if is_released {
        bead::release(change, bead).await?;
    }
    // Where its workflow waits, asks or is paused, the bead stays as that has put it.
    if !workflow::wants_work(change.tx, &bead.id).await? {
        return Ok(());
    }
    let now = bead::get(change.tx, &bead.id).await?;
    bead::change_status(change, &now, BeadStatus::Open, "decided").await
}

/// Blocks a bead that waits for a person without a question, until a person releases it.
async fn keep_blocked<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    bead: &Bead,
    decision: &Decision,
    reason: &str,
) -> Result<(), StoreError> {
    bead::change_status(change, bead, BeadStatus::Blocked, reason).await?;
    let by = HeldBy::Decision(decision.id.clone());
    bead::hold(change, &bead.id, &by, reason).await
}

async fn assign<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    bead: &Bead,
    agent_id: Option<&str>,
) -> Result<(), StoreError> {
    if bead.assigned_to.as_deref() == agent_id {
        return Ok(());
    }
    let sql =
        "UPDATE bead SET assigned_to = ?2, version = version + 1, updated_at = ?3 WHERE id = ?1";
    let values = vec![(&bead.id).into(), agent_id.into(), change.now.0.into()];
    change.tx.execute(sql, values).await?;
    let event = NewEvent::new(EventKind::BeadAssigned)
        .project(&bead.project_id)
        .bead(&bead.id)
        .with("assigned_to", agent_id);
    change.event(event).await?;
    Ok(())
}

async fn works_for<S: Statements>(
    tx: &S,
    agent_id: &str,
    project_id: &str,
) -> Result<bool, StoreError> {
    Ok(agent::find(tx, agent_id).await?.is_some_and(|agent| {
        agent
            .project_id
            .as_deref()
            .is_none_or(|own| own == project_id)
    }))
}

/// Tries a bead again now that waits after a failure. A live run of it goes on.
async fn retry_now<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    decision: &Decision,
) -> Result<(), StoreError> {
    let Some(bead) = bead_of(change, decision).await? else {
        return Ok(());
    };
    timer::cancel(change.tx, TimerKind::BeadRetry, &bead.id).await?;
    let sql = "UPDATE bead SET retry_at = NULL, version = version + 1, updated_at = ?2 \
               WHERE id = ?1 AND retry_at IS NOT NULL";
    let values = vec![(&bead.id).into(), change.now.0.into()];
    if change.tx.execute(sql, values).await? > 0 {
        let event = NewEvent::new(EventKind::BeadUpdated)
            .project(&bead.project_id)
            .bead(&bead.id)
            .with("fields", vec!["retry_at"]);
        change.event(event).await?;
    }
    Ok(())
}

/// The same cap once more, or nothing. A project's budget holds no bead but the one that met its end.
async fn budget_answered<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    decision: &Decision,
    what: Effect,
    by: By,
) -> Result<(), StoreError> {
    let Some((scope, subject)) = budget_of(&decision.fingerprint) else {
        return Ok(());
    };
    let Some(project_id) = &decision.project_id else {
        return Ok(());
    };
    if what == Effect::GrantBudget {
        let project = project::get(change.tx, project_id).await?;
        let cap = match scope {
            BudgetScope::Bead => project.bead_budget_micro_usd,
            BudgetScope::Project => project.budget_micro_usd,
            BudgetScope::Day => None,
        };
        budget::grant(change.tx, scope, subject, cap.unwrap_or_default()).await?;
    }
    match (scope, what) {
        (BudgetScope::Project, Effect::WithholdBudget) => {
            budget::withhold(change.tx, scope, subject).await
        }
        (BudgetScope::Bead, _) => {
            let Some(bead) = idle_bead(change, decision).await? else {
                return Ok(());
            };
            if what == Effect::GrantBudget {
                let how = Reopens {
                    decision,
                    by,
                    forgets: by == By::Person && is_exhausted(&bead),
                };
                reopen(change, &bead, how).await
            } else {
                keep_blocked(change, &bead, decision, "budget_withheld").await
            }
        }
        _ => Ok(()),
    }
}

async fn close_project<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    decision: &Decision,
    by: By,
) -> Result<(), StoreError> {
    let Some(project_id) = &decision.project_id else {
        return Ok(());
    };
    let project = project::get(change.tx, project_id).await?;
    // A tick has nobody to tell that a project became perpetual meanwhile: it leaves it as it is.
    if project.status == ProjectStatus::Closed || (by == By::Deadline && project.is_perpetual) {
        return Ok(());
    }
    project::close(change, project, true).await?;
    Ok(())
}
