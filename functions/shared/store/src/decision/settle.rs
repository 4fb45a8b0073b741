use loom_domain::{
    bead::HeldBy,
    decision::{Decision, DecisionStatus},
    event::{EventKind, NewEvent},
    run::answer_text,
    timer::TimerKind,
};
use loom_platform::{Random, Statements};

use super::{decider, get};
use crate::{StoreError, bead, change::Change, run, timer};

/// An event about a decision, with its project and bead.
pub(super) fn about(event: NewEvent, decision: &Decision) -> NewEvent {
    let event = match &decision.project_id {
        Some(project_id) => event.project(project_id),
        None => event,
    };
    match &decision.bead_id {
        Some(bead_id) => event.bead(bead_id),
        None => event,
    }
}

/// What follows from the end of a decision, whatever its answer: the event, the run that waits, the bead that was
/// held, the timer, and the decision-maker's bead, which only that bead's own run leaves open (`close_decider`).
pub(super) async fn settle<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    ended: &Decision,
    close_decider: bool,
) -> Result<(), StoreError> {
    timer::cancel(change.tx, TimerKind::DecisionDeadline, &ended.id).await?;
    let (event, text) = match ended.status {
        DecisionStatus::Expired => (
            NewEvent::new(EventKind::DecisionExpired)
                .with("decision_id", ended.id.clone())
                .with("kind", ended.kind.as_str()),
            "Nobody answered in time: the question has expired.".to_owned(),
        ),
        DecisionStatus::Open | DecisionStatus::Decided => {
            let decision = ended.decision.as_deref().unwrap_or_default();
            let decider = ended.decider.as_deref().unwrap_or_default();
            let rationale = ended.rationale.as_deref().unwrap_or_default();
            (
                NewEvent::new(EventKind::DecisionDecided)
                    .with("decision_id", ended.id.clone())
                    .with("kind", ended.kind.as_str())
                    .with("decision", decision)
                    .with("decider", decider)
                    .with("rationale", rationale),
                answer_text(decision, decider, rationale),
            )
        }
    };
    change.event(about(event, ended)).await?;
    run::wait::answered_decision(change, &ended.id, &text).await?;
    if let Some(bead_id) = &ended.bead_id {
        let sql = "UPDATE bead SET open_decisions = open_decisions - 1, version = version + 1 WHERE id = ?1";
        change.tx.execute(sql, vec![bead_id.into()]).await?;
    }
    if close_decider {
        let why = format!("Decision {} was ended by {}.", ended.id, change.actor);
        decider::close(change, ended, &why).await?;
    }
    Ok(())
}

/// Answers every open decision about a bead with the same words, and frees the bead. The answer does nothing else.
pub async fn answer_all<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    bead_id: &str,
    answer: &str,
    rationale: &str,
) -> Result<(), StoreError> {
    answer_where(change, "bead_id", bead_id, answer, rationale).await
}

/// Answers the open decision with this fingerprint, if there is one, and frees its bead. The answer does nothing else.
pub async fn answer_fingerprint<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    fingerprint: &str,
    answer: &str,
    rationale: &str,
) -> Result<(), StoreError> {
    answer_where(change, "fingerprint", fingerprint, answer, rationale).await
}

async fn answer_where<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    column: &str,
    value: &str,
    answer: &str,
    rationale: &str,
) -> Result<(), StoreError> {
    let sql = format!(
        "UPDATE decision SET status = 'decided', decision = ?2, decider = ?3, rationale = ?4, decided_at = ?5, \
         version = version + 1 WHERE {column} = ?1 AND status = 'open' RETURNING id"
    );
    let parameters = vec![
        value.into(),
        answer.into(),
        change.actor.into(),
        rationale.into(),
        change.now.0.into(),
    ];
    for row in change.tx.query(&sql, parameters).await? {
        let ended = get(change.tx, &row.text(0)?).await?;
        settle(change, &ended, true).await?;
        if let Some(bead_id) = &ended.bead_id {
            let holder = Some(HeldBy::Decision(ended.id.clone()));
            if let Some(bead) = bead::find(change.tx, bead_id).await?
                && bead.held_by == holder
            {
                bead::release(change, &bead).await?;
            }
        }
    }
    Ok(())
}

/// Ends every open decision about a bead whose question no longer matters.
pub async fn withdraw<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    bead_id: &str,
    why: &str,
) -> Result<(), StoreError> {
    answer_all(change, bead_id, "withdrawn", why).await
}

/// Removes the decisions about a project that is deleted, with their timers.
pub(crate) async fn forget_project<S: Statements>(
    tx: &S,
    project_id: &str,
) -> Result<(), StoreError> {
    let sql = "DELETE FROM decision WHERE project_id = ?1 RETURNING id";
    for row in tx.query(sql, vec![project_id.into()]).await? {
        timer::cancel(tx, TimerKind::DecisionDeadline, &row.text(0)?).await?;
    }
    Ok(())
}
