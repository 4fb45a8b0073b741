//! Beads that something else than their workflow holds, and workflows that hold their beads.

use loom_domain::{
    bead::BeadStatus,
    timer::TimerKind,
    workflow::{ExecutionStatus, Stand, stand},
};
use loom_platform::{Random, Statements};

use super::{
    execution::{get, live_of_bead, node_of},
    question::of_stay,
};
use crate::{StoreError, bead, change::Change, decision, timer};

/// Whether a bead may be worked on as far as workflows are concerned: it follows none, or stands at a node at which an
/// agent works.
pub(crate) async fn wants_work<S: Statements>(tx: &S, bead_id: &str) -> Result<bool, StoreError> {
    let Some(live) = live_of_bead(tx, bead_id).await? else {
        return Ok(true);
    };
    let (definition, _) = node_of(tx, &live).await?;
    let works = matches!(stand(&definition, &live), Stand::Work { .. });
    Ok(works && !decision::is_open(tx, &of_stay(&live)).await?)
}

/// Gives a node its time anew while its bead is held by something else than its workflow, such as a question that
/// nobody has answered: an expired one must not set dangerous work going after all. Says whether it did.
pub(super) async fn postpone<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    execution_id: &str,
    stay: i64,
    subject: &str,
) -> Result<bool, StoreError> {
    let execution = get(change.tx, execution_id).await?;
    if execution.status != ExecutionStatus::Active || execution.stay != stay {
        return Ok(false);
    }
    let (definition, node) = node_of(change.tx, &execution).await?;
    let bead = bead::get(change.tx, &execution.bead_id).await?;
    let works = matches!(stand(&definition, &execution), Stand::Work { .. });
    match node.and_then(|node| node.due_at(change.now)) {
        Some(at) if works && bead.status == BeadStatus::Blocked => {
            timer::set(change.tx, TimerKind::WorkflowNode, subject, at).await?;
            Ok(true)
        }
        _ => Ok(false),
    }
}
