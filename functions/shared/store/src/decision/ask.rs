use loom_domain::{
    bead::{Bead, HeldBy, Priority},
    budget::BudgetScope,
    decision::{
        Assignee, DEADLINE, DecisionKind, HIGH_RISK_TAG, NewDecision, Stakes, assign, budget_of,
        decided_by_bead, is_exhausted,
    },
    event::{EventKind, NewEvent},
    time::Timestamp,
    timer::TimerKind,
};
use loom_platform::{Random, Statements};

use super::{decider, get};
use crate::{StoreError, bead, budget, change::Change, row::to_json, timer};

/// Puts a question about a bead, and holds the bead. Does nothing while a question with the same fingerprint is open
/// (invariant I10), and returns `None` then.
///
/// A bead on which the decision-maker works is not asked about: its own decision goes to a person instead, the bead is
/// closed, and the answer is `None` too.
pub async fn ask<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    bead: &Bead,
    new: &NewDecision,
    context: &str,
) -> Result<Option<String>, StoreError> {
    if let Some(decision_id) = decided_by_bead(bead.fingerprint.as_deref())
        && is_about_bead_alone(new)
    {
        decider::give_up(change, bead, decision_id, &new.question).await?;
        return Ok(None);
    }
    put(change, Some(bead), Some(&bead.project_id), new, context).await
}

/// Puts a question about a project, or about nothing in particular. It holds no bead.
pub async fn ask_about_project<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    project_id: Option<&str>,
    new: &NewDecision,
    context: &str,
) -> Result<Option<String>, StoreError> {
    put(change, None, project_id, new, context).await
}

/// Whether nothing but this bead waits for the answer. The question of a provider or of a project's budget is
/// everybody's, and that of a run is its own.
fn is_about_bead_alone(new: &NewDecision) -> bool {
    match new.kind {
        DecisionKind::AttemptsExhausted | DecisionKind::Escalation | DecisionKind::HighRisk => true,
        DecisionKind::BudgetOverride => {
            matches!(budget_of(&new.fingerprint), Some((BudgetScope::Bead, _)))
        }
        _ => false,
    }
}

async fn put<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    bead: Option<&Bead>,
    project_id: Option<&str>,
    new: &NewDecision,
    context: &str,
) -> Result<Option<String>, StoreError> {
    let id = change.new_id();
    let of_bead = bead.map_or(Priority::DEFAULT, |bead| bead.priority);
    let priority = new
        .priority
        .unwrap_or_else(|| of_bead.min(new.kind.least_priority()));
    let deadline_at = new
        .deadline_at
        .unwrap_or(Timestamp(change.now.0 + DEADLINE));
    let assignee = assignee(change.tx, bead, project_id, new, priority).await?;
    let (execution_id, node) = new.execution.clone().unzip();
    let inserted = change
        .tx
        .execute(
            "INSERT INTO decision (id, bead_id, project_id, kind, priority, fingerprint, question, options, \
             recommendation, context, requester, assignee, default_answer, returned_to, execution_id, node, status, \
             created_at, deadline_at) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, 'open', ?17, ?18) \
             ON CONFLICT (fingerprint) WHERE status = 'open' DO NOTHING",
            vec![
                (&id).into(),
                bead.map(|bead| bead.id.clone()).into(),
                project_id.into(),
                new.kind.as_str().into(),
                priority.number().into(),
                (&new.fingerprint).into(),
                (&new.question).into(),
                to_json(&new.options).into(),
                new.recommendation.as_ref().into(),
                context.into(),
                change.actor.into(),
                assignee.as_str().into(),
                new.default_answer.as_ref().into(),
                new.returned_to.as_ref().into(),
                execution_id.into(),
                node.into(),
                change.now.0.into(),
                deadline_at.0.into(),
            ],
        )
        .await?;
    if inserted == 0 {
        return Ok(None);
    }
    timer::set(change.tx, TimerKind::DecisionDeadline, &id, deadline_at).await?;
    if let Some(bead) = bead {
        let sql = "UPDATE bead SET open_decisions = open_decisions + 1, version = version + 1 WHERE id = ?1";
        change.tx.execute(sql, vec![(&bead.id).into()]).await?;
        if new.kind.holds_until_answered() {
            let by = HeldBy::Decision(id.clone());
            bead::hold(change, &bead.id, &by, new.kind.as_str()).await?;
        }
    }
    if assignee == Assignee::DecisionMaker {
        decider::file(change, &get(change.tx, &id).await?, bead).await?;
    }
    let decision = get(change.tx, &id).await?;
    let event = NewEvent::new(EventKind::DecisionCreated)
        .with("decision_id", id.clone())
        .with("kind", new.kind.as_str())
        .with("question", new.question.clone())
        .with("priority", priority.to_string())
        .with("assignee", decision.assignee.as_str())
        .with("deadline_at", deadline_at.to_rfc3339());
    change.event(super::settle::about(event, &decision)).await?;
    Ok(Some(id))
}

async fn assignee<S: Statements>(
    tx: &S,
    bead: Option<&Bead>,
    project_id: Option<&str>,
    new: &NewDecision,
    priority: Priority,
) -> Result<Assignee, StoreError> {
    let stakes = Stakes {
        kind: new.kind,
        priority,
        is_high_risk: new.is_high_risk
            || bead.is_some_and(|bead| bead.tags.iter().any(|tag| tag == HIGH_RISK_TAG)),
        spent_micro_usd: 0,
        is_auto_filed: bead.is_some_and(|bead| bead.fingerprint.is_some()),
        is_exhausted: bead.is_some_and(is_exhausted),
        has_decision_maker: project_id.is_some(),
    };
    // Most questions are for people whatever the database says.
    let (Assignee::DecisionMaker, Some(project_id)) = (assign(&stakes), project_id) else {
        return Ok(Assignee::Human);
    };
    let spent_micro_usd = match bead {
        Some(bead) => {
            budget::balance(tx, BudgetScope::Bead, &bead.id)
                .await?
                .spent_micro_usd
        }
        None => 0,
    };
    Ok(assign(&Stakes {
        spent_micro_usd,
        has_decision_maker: decider::exists(tx, project_id).await?,
        ..stakes
    }))
}
