//! What an execution asks people.

use loom_domain::{
    decision::{DecisionKind, NewDecision},
    workflow::{Definition, Execution, Record},
};
use loom_platform::{Random, Statements};

use super::{advance::Asked, execution::history};
use crate::{StoreError, bead, change::Change, decision};

/// The fingerprint of the question whether what a stay is about is approved.
pub(super) fn of_stay(execution: &Execution) -> String {
    format!("workflow:{}:{}", execution.id, execution.stay)
}

/// The fingerprint of the question how an escalated execution goes on.
pub(super) fn of_escalation(execution_id: &str) -> String {
    format!("workflow-escalation:{execution_id}")
}

/// How many of the newest records are told in a question.
const TOLD: i64 = 8;

/// Asks for a node's yes or no. Of the node's time limit, where it has one, the question's deadline is made.
pub(super) async fn approval<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    definition: &Definition,
    execution: &Execution,
    bead_id: &str,
) -> Result<(), StoreError> {
    let bead = bead::get(change.tx, bead_id).await?;
    let node = definition.node(&execution.node);
    let question = format!(
        "{}: is {} approved for {} ({})?",
        definition.name, execution.node, bead.id, bead.title
    );
    let mut new = NewDecision::new(DecisionKind::WorkflowApproval, of_stay(execution), question)
        .execution(&execution.id, &execution.node)
        .priority(bead.priority);
    if node
        .and_then(|node| node.role_required.as_ref())
        .is_some_and(|role| role.is_human_seat())
    {
        new = new.high_risk();
    }
    if let Some(at) = node.and_then(|node| node.due_at(execution.entered_at)) {
        new = new.deadline(at);
    }
    let instructions = node.map_or("", |node| node.instructions.as_str());
    let context = format!("{instructions}\n\n{}", report(change, execution).await?);
    decision::ask(change, &bead, &new, context.trim()).await?;
    Ok(())
}

/// Asks how an execution goes on that cannot by itself: one question, whatever led to it.
pub(super) async fn escalation<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    definition: &Definition,
    execution: &Execution,
    bead_id: &str,
    asked: Option<&Asked>,
) -> Result<(), StoreError> {
    let bead = bead::get(change.tx, bead_id).await?;
    let why = last_words(change, execution).await?;
    let question = match asked {
        Some(_) => why.clone(),
        None => format!(
            "{} of {} ({}) cannot go on: {why} What should happen?",
            definition.name, bead.id, bead.title
        ),
    };
    let asked = asked.cloned().unwrap_or_default();
    let new = NewDecision::new(
        DecisionKind::WorkflowEscalation,
        of_escalation(&execution.id),
        question,
    )
    .execution(&execution.id, &execution.node)
    .priority(bead.priority)
    .recommendation(asked.recommendation)
    .returned_to(asked.returned_to)
    .options(asked.options);
    decision::ask(change, &bead, &new, &report(change, execution).await?).await?;
    Ok(())
}

async fn last_words<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    execution: &Execution,
) -> Result<String, StoreError> {
    let records = history(change.tx, &execution.id, execution.version - 1, 1).await?;
    Ok(records
        .last()
        .map(|record| sentence(&record.record))
        .unwrap_or_default())
}

/// The newest part of the history in words.
async fn report<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    execution: &Execution,
) -> Result<String, StoreError> {
    let after = (execution.version - TOLD).max(0);
    let records = history(change.tx, &execution.id, after, TOLD).await?;
    let lines: Vec<String> = records
        .iter()
        .map(|record| format!("{}. {}", record.version, sentence(&record.record)))
        .collect();
    Ok(format!("What happened:\n{}", lines.join("\n")))
}

/// One record in words.
fn sentence(record: &Record) -> String {
    let said = |note: &str| {
        if note.is_empty() {
            String::new()
        } else {
            format!(" {note}")
        }
    };
    match record {
        Record::Started { node } => format!("It began at {node}."),
        Record::Advanced {
            from,
            outcome,
            to,
            note,
            ..
        } => format!(
            "{from} came to {}, which led to {}.{}",
            outcome.as_str(),
            to.as_deref().unwrap_or("the end"),
            said(note)
        ),
        Record::AttemptFailed {
            node, code, note, ..
        } => format!("An attempt at {node} failed with {code}.{}", said(note)),
        Record::Escalated {
            from, code, note, ..
        } if code == "asked" => {
            if note.is_empty() {
                format!("{from} asks a person.")
            } else {
                note.clone()
            }
        }
        Record::Escalated {
            from,
            outcome,
            code,
            resume_at,
            note,
            ..
        } => match code.as_str() {
            "revisit_limit" => format!(
                "{from} came to {} again, and {resume_at} was entered as often as it may be.{}",
                outcome.as_str(),
                said(note)
            ),
            _ => format!(
                "{from} came to {}, for which the workflow has no way.{}",
                outcome.as_str(),
                said(note)
            ),
        },
        Record::Signalled { name, .. } => format!("The signal {name} came."),
        Record::Paused {} => "It was paused.".to_owned(),
        Record::Resumed { note } => format!("It was resumed.{}", said(note)),
        Record::Restarted { node } => format!("It was put to {node}."),
        Record::Accepted { note } => format!("It was taken as it is.{}", said(note)),
        Record::Cancelled { reason } => format!("It was cancelled: {reason}"),
    }
}
