use std::collections::BTreeMap;

use loom_domain::workflow::{ExecutionStatus, MAX_VISITS, NodeType, Outcome, Record};

use super::{FlowEvidence, ensure};

/// Every history has dense versions and adds up to the very state that is stored.
pub(super) fn histories_replay(evidence: &FlowEvidence) -> Result<(), String> {
    for story in &evidence.stories {
        let id = &story.stored.id;
        for (expected, record) in (1..).zip(&story.history) {
            ensure(record.version == expected, || {
                format!("record {expected} of {id} is missing")
            })?;
        }
        ensure(story.replayed == story.stored, || {
            format!(
                "{id} is stored as {:#?} and replays to {:#?}",
                story.stored, story.replayed
            )
        })?;
    }
    Ok(())
}

/// Between two interventions of people no node is entered more often than it may be, counted by the history alone.
pub(super) fn no_node_is_entered_too_often(evidence: &FlowEvidence) -> Result<(), String> {
    for story in &evidence.stories {
        let mut visits: BTreeMap<&str, i64> = BTreeMap::new();
        let mut escalated_at = None;
        for record in &story.history {
            let entered = match &record.record {
                Record::Started { node } | Record::Restarted { node } => {
                    visits.clear();
                    Some(node.as_str())
                }
                Record::Advanced { to, .. } => to.as_deref(),
                Record::Escalated { resume_at, .. } => {
                    escalated_at = Some(resume_at.as_str());
                    continue;
                }
                Record::Resumed { .. } if escalated_at.is_some() => {
                    visits.clear();
                    escalated_at
                }
                _ => continue,
            };
            escalated_at = None;
            let Some(node) = entered else { continue };
            let count = visits.entry(node).or_default();
            *count += 1;
            ensure(*count <= MAX_VISITS, || {
                format!(
                    "{} entered {node} for the {count}th time with record {}",
                    story.stored.id, record.version
                )
            })?;
        }
    }
    Ok(())
}

/// No agent says yes or no to what it did itself.
pub(super) fn nobody_judges_their_own_work(evidence: &FlowEvidence) -> Result<(), String> {
    for story in &evidence.stories {
        let mut author: Option<&str> = None;
        for record in &story.history {
            let (Record::Advanced {
                from,
                outcome,
                agent_id,
                ..
            }
            | Record::Escalated {
                from,
                outcome,
                agent_id,
                ..
            }) = &record.record
            else {
                continue;
            };
            let judges = story.nodes.get(from).copied().is_some_and(NodeType::judges);
            let agent = agent_id.as_deref();
            if judges && matches!(outcome, Outcome::Approved | Outcome::Rejected) {
                ensure(agent.is_none() || agent != author, || {
                    format!(
                        "{agent:?} did the work that it judged at {from} of {} (record {})",
                        story.stored.id, record.version
                    )
                })?;
            } else if matches!(outcome, Outcome::Success | Outcome::Failure) && agent.is_some() {
                author = agent;
            }
        }
        let is_over = story.stored.ended_at.is_some();
        let lives = matches!(
            story.stored.status,
            ExecutionStatus::Active | ExecutionStatus::Escalated
        );
        ensure(is_over != lives, || {
            format!(
                "{} is {} and ended at {:?}",
                story.stored.id,
                story.stored.status.as_str(),
                story.stored.ended_at
            )
        })?;
    }
    Ok(())
}
