use loom_domain::{
    event::{EventKind, NewEvent},
    workflow::{Command, Execution, Record, decide},
};
use loom_platform::{Random, Statements};

use super::{
    definition,
    execution::{get, save, stale},
    place::place,
};
use crate::{StoreError, change::Change};

/// What an agent put to a person, beside its question.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// The answers to choose from; the standard ones when empty.
    pub options: Vec<String>,
    /// What the agent would answer.
    pub recommendation: Option<String>,
    /// The agent that goes on when more information is given.
    pub returned_to: Option<String>,
}

/// Puts a command to an execution, writes what follows from it, and places its bead.
///
/// `expected` is the version that the caller has read, where that matters. A command that changes nothing writes
/// nothing.
pub async fn advance<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    execution_id: &str,
    command: Command,
    asked: Option<&Asked>,
    expected: Option<i64>,
) -> Result<Execution, StoreError> {
    let before = get(change.tx, execution_id).await?;
    if let Some(expected) = expected.filter(|expected| *expected != before.version) {
        return Err(stale(execution_id, expected).into());
    }
    let version = Some(before.workflow_version);
    let definition = definition::get(change.tx, &before.workflow_id, version)
        .await?
        .definition;
    let records = decide(&definition, &before, command)?;
    if records.is_empty() {
        return Ok(before);
    }
    let mut execution = before.clone();
    for record in &records {
        execution.apply(record, change.now);
    }
    save(change, before.version, &execution, &records).await?;
    for record in &records {
        tell(change, &execution, record).await?;
    }
    place(change, &definition, Some(&before), &execution, asked).await?;
    // What the execution waits for may be there already, and then it has gone further by now.
    get(change.tx, execution_id).await
}

/// Records the event of one record.
pub(super) async fn tell<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    execution: &Execution,
    record: &Record,
) -> Result<(), StoreError> {
    let kind = match record {
        Record::Started { .. } => EventKind::WorkflowStarted,
        Record::Advanced { to: None, .. } | Record::Accepted { .. } | Record::Cancelled { .. } => {
            EventKind::WorkflowEnded
        }
        Record::Advanced { .. } | Record::Restarted { .. } => EventKind::WorkflowAdvanced,
        _ => EventKind::WorkflowStatusChanged,
    };
    let record = serde_json::to_value(record).unwrap_or_default();
    let event = NewEvent::new(kind)
        .project(&execution.project_id)
        .bead(&execution.bead_id)
        .with("execution_id", execution.id.clone())
        .with("workflow_id", execution.workflow_id.clone())
        .with("version", execution.version)
        .with("status", execution.status.as_str())
        .with("node", execution.node.clone())
        .with("record", record);
    change.event(event).await?;
    Ok(())
}
