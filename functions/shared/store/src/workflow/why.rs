use loom_domain::{
    bead::{Bead, BeadStatus, Reason, ReasonCode},
    workflow::{ExecutionStatus, Stand, Wait, stand},
};
use loom_platform::Statements;

use super::{
    execution::{live_of_bead, node_of},
    plan::HELD_BY,
    question::of_stay,
};
use crate::{StoreError, decision};

/// Why the workflow of a blocked bead, or the plan that it is part of, keeps it from being worked on.
pub(crate) async fn why<S: Statements>(
    statements: &S,
    bead: &Bead,
) -> Result<Option<Reason>, StoreError> {
    if bead.status != BeadStatus::Blocked {
        return Ok(None);
    }
    if let Some(root) = bead.context.get(HELD_BY).and_then(|root| root.as_str()) {
        let message = format!(
            "It is part of the plan of bead {root} and opens with the rest of it, once that is sound."
        );
        return Ok(Some(Reason::new(ReasonCode::HeldByPlan, message)));
    }
    let Some(live) = live_of_bead(statements, &bead.id).await? else {
        return Ok(None);
    };
    let (definition, node) = node_of(statements, &live).await?;
    let works = matches!(stand(&definition, &live), Stand::Work { .. });
    if works && bead.held_by.is_some() && !decision::is_open(statements, &of_stay(&live)).await? {
        return Ok(None);
    }
    let steer = format!("POST /api/v1/workflows/executions/{}", live.id);
    let what = if live.is_paused {
        format!("is paused; {steer}/resume lets it go on")
    } else if live.status == ExecutionStatus::Escalated {
        format!("waits for a person's decision on how to go on; {steer}/restart puts it to a node")
    } else {
        match node.as_ref().and_then(|node| node.wait.as_ref()) {
            Some(Wait::Signal(name)) => {
                format!("waits for the signal {name:?}; {steer}/signal gives it")
            }
            Some(Wait::TimerMinutes(_)) => {
                match node.as_ref().and_then(|node| node.due_at(live.entered_at)) {
                    Some(at) => format!("waits until {}", at.to_rfc3339()),
                    None => "waits for a time".to_owned(),
                }
            }
            Some(_) => "waits until the beads below it are closed".to_owned(),
            None => "waits for a person's decision".to_owned(),
        }
    };
    let message = format!(
        "Its workflow, {}, is at node {} and {what}.",
        definition.name, live.node
    );
    Ok(Some(Reason::new(ReasonCode::WorkflowWaits, message)))
}
