use serde_json::Value;

use super::{Definition, Execution, ExecutionStatus, Node, NodeType, Outcome, Record, Wait};
use crate::Refusal;

/// How often a node may be entered before a person is asked: three rejections of the same work are one decision.
pub const MAX_VISITS: i64 = 3;

/// What is asked of an execution.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// The work at the node came to something.
    Conclude {
        /// To what.
        outcome: Outcome,
        /// Who did it, if an agent did.
        agent_id: Option<String>,
        /// What is said about it.
        note: String,
    },
    /// A run failed without having come to anything.
    FailAttempt {
        /// Whose.
        agent_id: Option<String>,
        /// Why, as the run's code.
        code: String,
        /// Why, in words.
        note: String,
    },
    /// The time of a stay ran out. Of another stay than the present one it is old news.
    TimeOut {
        /// Which stay.
        stay: i64,
    },
    /// A signal came from outside.
    Signal {
        /// Its name.
        name: String,
        /// What it carries.
        data: Value,
    },
    /// What the node waits for is there.
    EndWait,
    /// Stay where it is, once the run at work has ended.
    Pause,
    /// Go on: after a pause, or after an escalation.
    Resume {
        /// What the person says.
        note: String,
    },
    /// Take an escalated execution's work as it is, and end.
    Accept {
        /// What the person says.
        note: String,
    },
    /// Go to a node, with limits that begin anew.
    Restart {
        /// The node.
        node: String,
    },
    /// Stop for good.
    Cancel {
        /// Why.
        reason: String,
    },
}

/// Answers a command with what happens, which may be nothing, or with a refusal that says why.
pub fn decide(
    definition: &Definition,
    execution: &Execution,
    command: Command,
) -> Result<Vec<Record>, Refusal> {
    if let Command::TimeOut { stay } = command {
        if execution.status != ExecutionStatus::Active
            || execution.stay != stay
            || execution.is_paused
        {
            return Ok(Vec::new());
        }
        let node = node(definition, execution)?;
        // The time of a timer node is what it waits for.
        let outcome = match node.wait {
            Some(Wait::TimerMinutes(_)) => Outcome::Success,
            _ => Outcome::Timeout,
        };
        let note = match outcome {
            Outcome::Success => String::new(),
            _ => format!("Its {} minute(s) ran out.", node.timeout_minutes),
        };
        return Ok(vec![leave(definition, execution, outcome, None, note)]);
    }
    if let Command::Restart { node } = command {
        return restart(definition, node);
    }
    if !execution.status.is_live() {
        return Err(ended(execution));
    }
    let is_escalated = execution.status == ExecutionStatus::Escalated;
    match command {
        Command::Cancel { reason } => Ok(vec![Record::Cancelled { reason }]),
        Command::Resume { note } if is_escalated || execution.is_paused => {
            Ok(vec![Record::Resumed { note }])
        }
        Command::Resume { .. } => Err(Refusal::conflict(
            "execution_not_paused",
            format!(
                "Execution {} is neither paused nor escalated; it is at node {}.",
                execution.id, execution.node
            ),
        )),
        Command::Accept { note } if is_escalated => Ok(vec![Record::Accepted { note }]),
        _ if is_escalated => Err(Refusal::conflict(
            "execution_escalated",
            format!(
                "Execution {} waits for a person's decision. Decide it, or restart the execution from a node.",
                execution.id
            ),
        )
        .detail("node", execution.node.clone())),
        Command::Accept { .. } => Err(Refusal::conflict(
            "execution_not_escalated",
            format!(
                "Execution {} is not escalated; its node {} concludes it.",
                execution.id, execution.node
            ),
        )),
        Command::Pause if execution.is_paused => Err(Refusal::conflict(
            "execution_paused",
            format!("Execution {} is paused already.", execution.id),
        )),
        Command::Pause => Ok(vec![Record::Paused {}]),
        Command::Signal { name, data } => signal(definition, execution, name, data),
        Command::EndWait => {
            let node = node(definition, execution)?;
            if node.node_type != NodeType::Wait || execution.is_paused {
                return Ok(Vec::new());
            }
            Ok(vec![leave(
                definition,
                execution,
                Outcome::Success,
                None,
                String::new(),
            )])
        }
        Command::Conclude {
            outcome,
            agent_id,
            note,
        } => {
            refuse_foreign(node(definition, execution)?, outcome)?;
            Ok(vec![leave(definition, execution, outcome, agent_id, note)])
        }
        Command::FailAttempt {
            agent_id,
            code,
            note,
        } => {
            let node = node(definition, execution)?;
            if node.max_attempts == 0 || execution.attempts + 1 < node.max_attempts {
                return Ok(vec![Record::AttemptFailed {
                    node: node.node_key.clone(),
                    agent_id,
                    code,
                    note,
                }]);
            }
            let note = format!(
                "{} run(s) failed; the last with {code}: {note}",
                execution.attempts + 1
            );
            Ok(vec![leave(
                definition,
                execution,
                Outcome::Failure,
                agent_id,
                note,
            )])
        }
        Command::TimeOut { .. } | Command::Restart { .. } => Ok(Vec::new()),
    }
}

/// The record of an outcome: the edge that it takes, or the escalation where there is none, or too many rounds.
fn leave(
    definition: &Definition,
    execution: &Execution,
    outcome: Outcome,
    agent_id: Option<String>,
    note: String,
) -> Record {
    let from = execution.node.clone();
    let escalated = |code: &str, resume_at: &str, agent_id, note| Record::Escalated {
        from: execution.node.clone(),
        outcome,
        code: code.to_owned(),
        resume_at: resume_at.to_owned(),
        agent_id,
        note,
    };
    let Some(edge) = definition.edge(&from, outcome) else {
        let code = if outcome == Outcome::Escalated {
            "asked"
        } else {
            "no_edge"
        };
        return escalated(code, &from, agent_id, note);
    };
    if edge.to_node_key.is_empty() {
        // Nothing ends because somebody asked a question: the answer decides.
        if outcome == Outcome::Escalated {
            return escalated("asked", &from, agent_id, note);
        }
    } else if execution
        .visits
        .get(&edge.to_node_key)
        .copied()
        .unwrap_or(0)
        >= MAX_VISITS
    {
        return escalated("revisit_limit", &edge.to_node_key, agent_id, note);
    }
    let signal = match definition.node(&from).and_then(|node| node.wait.as_ref()) {
        Some(Wait::Signal(name)) if outcome == Outcome::Success => Some(name.clone()),
        _ => None,
    };
    Record::Advanced {
        from,
        outcome,
        signal,
        edge: edge.id.clone(),
        to: (!edge.to_node_key.is_empty()).then(|| edge.to_node_key.clone()),
        agent_id,
        note,
    }
}

fn signal(
    definition: &Definition,
    execution: &Execution,
    name: String,
    data: Value,
) -> Result<Vec<Record>, Refusal> {
    let names: Vec<&str> = definition
        .nodes
        .iter()
        .filter_map(|node| match &node.wait {
            Some(Wait::Signal(name)) => Some(name.as_str()),
            _ => None,
        })
        .collect();
    if !names.contains(&name.as_str()) {
        let known = if names.is_empty() {
            "It waits for no signal at all.".to_owned()
        } else {
            format!("It waits for: {}.", names.join(", "))
        };
        return Err(Refusal::conflict(
            "signal_not_awaited",
            format!(
                "No node of workflow {} waits for the signal {name:?}. {known}",
                definition.id
            ),
        )
        .detail("signals", names.join(", ")));
    }
    let is_awaited = !execution.is_paused
        && matches!(&node(definition, execution)?.wait, Some(Wait::Signal(awaited)) if *awaited == name);
    let mut records = vec![Record::Signalled { name, data }];
    if is_awaited {
        records.push(leave(
            definition,
            execution,
            Outcome::Success,
            None,
            String::new(),
        ));
    }
    Ok(records)
}

fn restart(definition: &Definition, node: String) -> Result<Vec<Record>, Refusal> {
    if definition.node(&node).is_some() {
        return Ok(vec![Record::Restarted { node }]);
    }
    let known: Vec<&str> = definition
        .nodes
        .iter()
        .map(|node| node.node_key.as_str())
        .collect();
    Err(Refusal::invalid(
        "invalid_fields",
        format!(
            "Workflow {} has no node {node:?}. Its nodes: {}.",
            definition.id,
            known.join(", ")
        ),
    )
    .field("node", "must be a node of the workflow"))
}

fn node<'a>(definition: &'a Definition, execution: &Execution) -> Result<&'a Node, Refusal> {
    definition.node(&execution.node).ok_or_else(|| {
        Refusal::conflict(
            "node_unknown",
            format!(
                "Execution {} is at node {}, which workflow {} does not have. Restart it from a node that it has.",
                execution.id, execution.node, definition.id
            ),
        )
    })
}

/// An outcome that the node cannot have, such as a plain success where a yes or no is asked for.
fn refuse_foreign(node: &Node, outcome: Outcome) -> Result<(), Refusal> {
    let own = node.node_type.outcomes();
    if own.contains(&outcome) || matches!(outcome, Outcome::Escalated | Outcome::Timeout) {
        return Ok(());
    }
    let words: Vec<&str> = own.iter().map(|outcome| outcome.as_str()).collect();
    Err(Refusal::conflict(
        "outcome_not_of_node",
        format!(
            "Node {} is of type {} and comes to {}, not to {}.",
            node.node_key,
            node.node_type.as_str(),
            words.join(" or "),
            outcome.as_str()
        ),
    ))
}

fn ended(execution: &Execution) -> Refusal {
    Refusal::conflict(
        "execution_ended",
        format!(
            "Execution {} has ended ({}); nothing changes it but a restart from a node.",
            execution.id,
            execution.status.as_str()
        ),
    )
    .detail("status", execution.status.as_str())
}
