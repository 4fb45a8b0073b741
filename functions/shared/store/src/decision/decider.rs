//! The bead on which an agent of the role `decision-maker` works, for a decision that is routine.

use loom_domain::{
    Refusal,
    bead::{Bead, BeadInput, BeadStatus, Priority, TITLE_LIMIT},
    decision::{
        Answer, Assignee, Decision, DecisionStatus, contradicts, decided_by_bead,
        decider_fingerprint, next_deadline, normalise,
    },
    event::{EventKind, NewEvent},
    timer::TimerKind,
};
use loom_platform::{Random, Statements};

use super::{
    decide::{By, refuse_ended, take},
    find, get,
    settle::about,
};
use crate::{
    StoreError,
    bead::{self, Origin},
    change::Change,
    run, timer,
};

/// In SQL: the context of a decision with the note `?2` at its end, on a line of its own.
const WITH_NOTE: &str = "CASE context WHEN '' THEN ?2 ELSE context || char(10) || ?2 END";

/// Whether the project has an agent that decides what is routine.
pub(super) async fn exists<S: Statements>(tx: &S, project_id: &str) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM agent WHERE role = 'decision-maker' AND (project_id IS NULL OR project_id = ?1) LIMIT 1";
    Ok(tx.query_one(sql, vec![project_id.into()]).await?.is_some())
}

/// Files the bead on which the decision-maker answers. When bounded causality (invariant I9) or anything else refuses
/// it, the question is a person's.
pub(super) async fn file<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    decision: &Decision,
    about_bead: Option<&Bead>,
) -> Result<(), StoreError> {
    let input = BeadInput {
        project_id: decision.project_id.clone(),
        kind: Some("decision".to_owned()),
        title: Some(title(&decision.question)),
        description: Some(description(decision)),
        priority: Some(decision.priority),
        related: about_bead.map(|bead| vec![bead.id.clone()]),
        ..BeadInput::default()
    };
    let origin = Origin {
        fingerprint: Some(decider_fingerprint(&decision.id)),
        cause: about_bead.map(|bead| bead.id.clone()),
        ..Origin::default()
    };
    // A box, because filing may start a workflow, which may ask.
    match Box::pin(bead::file(change, input, origin)).await {
        Ok((filed, _)) => {
            let sql = "UPDATE decision SET decider_bead = ?2 WHERE id = ?1";
            let values = vec![(&decision.id).into(), (&filed.id).into()];
            change.tx.execute(sql, values).await?;
        }
        Err(StoreError::Refused(refusal)) => {
            let note = format!("The decision-maker was not asked: {}", refusal.message);
            let sql = format!(
                "UPDATE decision SET assignee = 'human', context = {WITH_NOTE} WHERE id = ?1"
            );
            let values = vec![(&decision.id).into(), note.into()];
            change.tx.execute(&sql, values).await?;
        }
        Err(error) => return Err(error),
    }
    Ok(())
}

fn title(question: &str) -> String {
    const BEFORE: &str = "[decision-maker] Decide: ";
    let question = question.split_whitespace().collect::<Vec<_>>().join(" ");
    let room = TITLE_LIMIT.saturating_sub(BEFORE.len());
    let mut end = question.len().min(room).min(160);
    while !question.is_char_boundary(end) {
        end -= 1;
    }
    format!("{BEFORE}{}", question.get(..end).unwrap_or_default())
}

fn description(decision: &Decision) -> String {
    let mut text = format!("{}\n\nPossible answers:\n", decision.question);
    for (answer, effect) in &decision.effects {
        text.push_str(&format!("- {answer}: {effect}\n"));
    }
    if let Some(recommendation) = &decision.recommendation {
        text.push_str(&format!(
            "\n{} recommends: {recommendation}\n",
            decision.requester
        ));
    }
    if !decision.context.trim().is_empty() {
        text.push_str(&format!("\nContext: {}\n", decision.context.trim()));
    }
    text.push_str(
        "\nAnswer with the action approve and your reason; to choose another answer than approve or deny, name it in the \
         field option of approve. Answer deny with the action reject and your reason. If a person should decide, use \
         escalate.",
    );
    text
}

/// What came of an agent's answer.
#[derive(Debug, Clone, PartialEq)]
pub enum AgentAnswer {
    /// It holds, with its effects.
    Decided(Box<Decision>),
    /// It contradicts what the requester recommends, so a person decides.
    HandedToHuman(Box<Decision>),
}

/// Answers, as the agent that is the change's actor, the decision on which its bead works: with `approve` (or the
/// option that it names), or with `deny`. `None` when the bead works on no decision.
///
/// Refuses what [`decide`](super::decide) refuses, an empty reason (`reason_missing`), and with `decision_of_human` when
/// a person is asked by now.
pub async fn answer_as_agent<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    decider_bead: &Bead,
    approves: bool,
    option: Option<&str>,
    reason: &str,
) -> Result<Option<AgentAnswer>, StoreError> {
    let Some(id) = decided_by_bead(decider_bead.fingerprint.as_deref()) else {
        return Ok(None);
    };
    let decision = get(change.tx, id).await?;
    refuse_ended(&decision)?;
    if reason.trim().is_empty() {
        let message = "Say in the field reason why you decide so: people and the next run read it.";
        return Err(Refusal::invalid("reason_missing", message).into());
    }
    if decision.assignee == Assignee::Human {
        let message = format!("Decision {id} was handed to a person, who answers it. Use done.");
        return Err(Refusal::conflict("decision_of_human", message).into());
    }
    let answer = match (approves, option) {
        (true, Some(option)) => normalise(option, &decision.options)?,
        (true, None) => Answer::Approve,
        (false, _) => Answer::Deny,
    };
    if contradicts(
        &answer,
        decision.recommendation.as_deref(),
        &decision.options,
    ) {
        let note = format!(
            "Conflicting recommendations: {} answers {} ({reason}), the requester recommends {}.",
            change.actor,
            answer.as_str(),
            decision.recommendation.as_deref().unwrap_or_default()
        );
        escalate(
            change,
            &decision,
            decision.priority,
            "conflicting_recommendations",
            &note,
        )
        .await?;
        let handed = Box::new(get(change.tx, id).await?);
        return Ok(Some(AgentAnswer::HandedToHuman(handed)));
    }
    let decided = take(change, &decision, &answer, reason, By::Agent).await?;
    Ok(Some(AgentAnswer::Decided(Box::new(decided))))
}

/// Puts an open decision to a person, with a new deadline; `reason` is a code, `note` says more.
pub(super) async fn escalate<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    decision: &Decision,
    priority: Priority,
    reason: &str,
    note: &str,
) -> Result<(), StoreError> {
    let deadline_at = next_deadline(change.now);
    let sql = format!(
        "UPDATE decision SET assignee = 'human', priority = ?3, escalations = escalations + 1, deadline_at = ?4, \
         context = {WITH_NOTE}, version = version + 1 WHERE id = ?1 AND status = 'open'"
    );
    let values = vec![
        (&decision.id).into(),
        note.into(),
        priority.number().into(),
        deadline_at.0.into(),
    ];
    if change.tx.execute(&sql, values).await? == 0 {
        return Ok(());
    }
    timer::set(
        change.tx,
        TimerKind::DecisionDeadline,
        &decision.id,
        deadline_at,
    )
    .await?;
    let event = NewEvent::new(EventKind::DecisionEscalated)
        .with("decision_id", decision.id.clone())
        .with("kind", decision.kind.as_str())
        .with("reason", reason)
        .with("note", note)
        .with("priority", priority.to_string())
        .with("deadline_at", deadline_at.to_rfc3339());
    change.event(about(event, decision)).await?;
    Ok(())
}

/// Hands a decision to a person when the bead on which the decision-maker works has ended without an answer.
pub(crate) async fn decider_ended<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    decider_bead: &Bead,
) -> Result<(), StoreError> {
    let Some(id) = decided_by_bead(decider_bead.fingerprint.as_deref()) else {
        return Ok(());
    };
    let Some(decision) = find(change.tx, id).await? else {
        return Ok(());
    };
    if decision.status != DecisionStatus::Open || decision.assignee != Assignee::DecisionMaker {
        return Ok(());
    }
    let note = format!(
        "The decision-maker's bead {} ended without an answer.",
        decider_bead.id
    );
    escalate(change, &decision, decision.priority, "no_answer", &note).await
}

/// Ends the work of the decision-maker on a decision that it cannot answer: a person is asked instead, and no second
/// question arises about the bead.
pub(super) async fn give_up<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    decider_bead: &Bead,
    decision_id: &str,
    why: &str,
) -> Result<(), StoreError> {
    if let Some(decision) = find(change.tx, decision_id).await?
        && decision.status == DecisionStatus::Open
        && decision.assignee == Assignee::DecisionMaker
    {
        let note = format!("The decision-maker could not answer: {why}");
        escalate(change, &decision, decision.priority, "no_answer", &note).await?;
    }
    let now = bead::get(change.tx, &decider_bead.id).await?;
    let reason = format!("a person answers decision {decision_id}");
    bead::change_status(change, &now, BeadStatus::Closed, &reason).await
}

/// Closes the bead on which the decision-maker works, because its answer is no longer wanted.
pub(super) async fn close<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    decision: &Decision,
    why: &str,
) -> Result<(), StoreError> {
    let Some(id) = &decision.decider_bead else {
        return Ok(());
    };
    let Some(bead) = bead::find(change.tx, id).await? else {
        return Ok(());
    };
    if bead.status == BeadStatus::Closed {
        return Ok(());
    }
    if let Some(run_id) = &bead.run_id {
        // A box, because the end of a run withdraws its questions, which may have deciders.
        Box::pin(run::cancel(change, run_id, why)).await?;
    }
    let now = bead::get(change.tx, id).await?;
    bead::change_status(change, &now, BeadStatus::Closed, why).await
}
