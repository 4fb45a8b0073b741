use loom_domain::{
    bead::BeadStatus,
    decision::{Decision, DecisionKind, triage_agent},
    workflow::{Command, Outcome},
};
use loom_platform::{Random, Statements};

use super::{advance::advance, execution::get};
use crate::{StoreError, agent, bead, change::Change};

/// Moves an execution on, whose question a person has answered: `answer` is canonical (`approve`, `deny`,
/// `needs_more_info`, or one of the options).
///
/// Of an approval, `approve` is its yes, and everything else its no: more information is given by working on it again.
/// Of an escalation, `approve` takes the work as it is and ends; everything else puts it on its way again with limits
/// that begin anew, after `deny` in the hands of the project's triage agent, after `needs_more_info` in the hands of
/// the agent that asked.
pub async fn answered<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    decision: &Decision,
    answer: &str,
    rationale: &str,
) -> Result<(), StoreError> {
    let Some(execution_id) = &decision.execution_id else {
        return Ok(());
    };
    let execution = get(change.tx, execution_id).await?;
    if !execution.status.is_live() {
        return Ok(());
    }
    let note = format!("{}: {answer}. {rationale}", change.actor);
    let is_escalation = decision.kind == DecisionKind::WorkflowEscalation;
    let command = match (is_escalation, answer) {
        (true, "approve") => Command::Accept { note },
        (true, _) => Command::Resume { note },
        (false, answer) => Command::Conclude {
            outcome: if answer == "approve" {
                Outcome::Approved
            } else {
                Outcome::Rejected
            },
            agent_id: None,
            note,
        },
    };
    advance(change, execution_id, command, None, None).await?;
    if !is_escalation || answer == "approve" {
        return Ok(());
    }
    let assignee = match answer {
        "deny" => {
            let agents = agent::all(change.tx).await?;
            triage_agent(&agents, &execution.project_id).map(|agent| agent.id.clone())
        }
        "needs_more_info" => decision.returned_to.clone(),
        _ => None,
    };
    let bead = bead::get(change.tx, &execution.bead_id).await?;
    if let Some(agent_id) = assignee
        && (bead.status == BeadStatus::Open || bead.held_by.is_some())
        && bead.author_agent.as_ref() != Some(&agent_id)
    {
        let sql = "UPDATE bead SET assigned_to = ?2, version = version + 1 WHERE id = ?1 \
                   AND EXISTS (SELECT 1 FROM agent WHERE id = ?2)";
        change
            .tx
            .execute(sql, vec![(&bead.id).into(), agent_id.into()])
            .await?;
    }
    Ok(())
}

/// Moves an execution on, whose question nobody answered in time: an approval has timed out. An escalation stays where
/// it is, and its bead blocked, until a person restarts or cancels it.
pub async fn decision_expired<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    decision: &Decision,
) -> Result<(), StoreError> {
    let Some(execution_id) = &decision.execution_id else {
        return Ok(());
    };
    if decision.kind == DecisionKind::WorkflowEscalation {
        return Ok(());
    }
    let execution = get(change.tx, execution_id).await?;
    if execution.status.is_live() && Some(&execution.node) == decision.node.as_ref() {
        let command = Command::TimeOut {
            stay: execution.stay,
        };
        advance(change, execution_id, command, None, None).await?;
    }
    Ok(())
}
