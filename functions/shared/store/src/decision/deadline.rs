use loom_domain::{
    bead::{BeadStatus, HeldBy, Priority},
    budget::BudgetScope,
    decision::{
        DEADLINE_DECIDER, Decision, DecisionKind, DecisionStatus, Due, budget_of, is_exhausted,
        when_due,
    },
};
use loom_platform::{Random, Statements};

use super::{
    decide::{By, take},
    decider, find, get,
    settle::settle,
};
use crate::{StoreError, bead, budget, change::Change, workflow};

/// Applies the passing of a decision's deadline; one that was answered or moved meanwhile is left alone.
pub async fn deadline_is_due<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    id: &str,
) -> Result<(), StoreError> {
    let Some(decision) = find(change.tx, id).await? else {
        return Ok(());
    };
    if decision.status != DecisionStatus::Open || decision.deadline_at > change.now {
        return Ok(());
    }
    let bead = match &decision.bead_id {
        Some(bead_id) => bead::find(change.tx, bead_id).await?,
        None => None,
    };
    match when_due(&decision, bead.as_ref().is_some_and(is_exhausted)) {
        Due::Decide(answer) => {
            let by_deadline = Change {
                tx: change.tx,
                random: change.random,
                actor: DEADLINE_DECIDER,
                now: change.now,
            };
            let rationale = format!(
                "Nobody had answered by {}, and this is the declared default.",
                decision.deadline_at.to_rfc3339()
            );
            take(&by_deadline, &decision, &answer, &rationale, By::Deadline).await?;
        }
        Due::HandToHuman => {
            let note = format!(
                "The decision-maker had not answered by {}.",
                decision.deadline_at.to_rfc3339()
            );
            let priority = decision.priority;
            decider::escalate(change, &decision, priority, "deadline", &note).await?;
            decider::close(change, &decision, "a person decides instead").await?;
        }
        Due::AskAgain => {
            let note = format!(
                "Nobody had answered by {}; the question is put once more.",
                decision.deadline_at.to_rfc3339()
            );
            decider::escalate(change, &decision, Priority::P0, "deadline", &note).await?;
        }
        Due::ExpireInWorkflow => {
            let expired = expire(change, &decision).await?;
            Box::pin(workflow::decision_expired(change, &expired)).await?;
        }
        Due::Expire => {
            let expired = expire(change, &decision).await?;
            hold_without_question(change, &expired).await?;
        }
    }
    Ok(())
}

async fn expire<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    decision: &Decision,
) -> Result<Decision, StoreError> {
    let sql = "UPDATE decision SET status = 'expired', decided_at = ?2, version = version + 1 \
               WHERE id = ?1 AND status = 'open'";
    let values = vec![(&decision.id).into(), change.now.0.into()];
    change.tx.execute(sql, values).await?;
    let expired = get(change.tx, &decision.id).await?;
    settle(change, &expired, true).await?;
    Ok(expired)
}

/// What an expired question held stays held, but for the question of a run, which goes on without an answer.
async fn hold_without_question<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    expired: &Decision,
) -> Result<(), StoreError> {
    if let Some((BudgetScope::Project, project_id)) = budget_of(&expired.fingerprint) {
        return budget::withhold(change.tx, BudgetScope::Project, project_id).await;
    }
    if expired.kind == DecisionKind::Question {
        return Ok(());
    }
    let Some(bead_id) = &expired.bead_id else {
        return Ok(());
    };
    let bead = bead::get(change.tx, bead_id).await?;
    let waits = matches!(bead.status, BeadStatus::Open | BeadStatus::Blocked);
    if waits && bead.held_by.is_none() {
        let by = HeldBy::Decision(expired.id.clone());
        bead::hold(change, bead_id, &by, "decision_expired").await?;
    }
    Ok(())
}
