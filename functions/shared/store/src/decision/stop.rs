use loom_domain::{
    Refusal,
    bead::{Bead, BeadStatus, transition},
    decision::{DecisionKind, NewDecision, decided_by_bead},
};
use loom_platform::{Random, Statements};

use super::{ask, open_with};
use crate::{StoreError, bead, change::Change, run};

/// Stops the work on a bead, blocks it, and puts one question about it; `why` is told to the run that is stopped.
///
/// Refuses a closed bead, one that is in question already in the same way, and the bead on which the decision-maker
/// works.
pub async fn stop_and_ask<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    bead: &Bead,
    new: &NewDecision,
    why: &str,
    context: &str,
) -> Result<String, StoreError> {
    transition(&bead.id, bead.status, BeadStatus::Blocked)?;
    refuse_open(change.tx, &new.fingerprint).await?;
    refuse_decider(bead)?;
    if let Some(run_id) = &bead.run_id {
        run::cancel(change, run_id, why).await?;
    }
    let now = bead::get(change.tx, &bead.id).await?;
    bead::change_status(change, &now, BeadStatus::Blocked, why).await?;
    let now = bead::get(change.tx, &bead.id).await?;
    let asked = ask(change, &now, new, context).await?;
    asked.ok_or_else(|| StoreError::Corrupt("a question was open after all".to_owned()))
}

/// Refuses to put a question a second time while it is open.
pub async fn refuse_open<S: Statements>(
    statements: &S,
    fingerprint: &str,
) -> Result<(), StoreError> {
    let Some(open) = open_with(statements, fingerprint).await? else {
        return Ok(());
    };
    let about = match (&open.bead_id, &open.project_id) {
        (Some(id), _) => format!("Bead {id}"),
        (None, Some(id)) => format!("Project {id}"),
        (None, None) => "This".to_owned(),
    };
    let (code, what) = match open.kind {
        DecisionKind::Escalation => ("already_escalated", "escalated already"),
        _ => ("already_asked", "in question already"),
    };
    let message = format!(
        "{about} is {what}: decision {} waits for its answer since {}. Answer it with POST \
         /api/v1/decisions/{}/decide.",
        open.id,
        open.created_at.to_rfc3339(),
        open.id
    );
    Err(Refusal::conflict(code, message)
        .detail("decision_id", open.id)
        .into())
}

/// The decision-maker's bead is about a question already; there is none about it.
fn refuse_decider(bead: &Bead) -> Result<(), Refusal> {
    let Some(decision_id) = decided_by_bead(bead.fingerprint.as_deref()) else {
        return Ok(());
    };
    let message = format!(
        "Bead {} is the decision-maker's work on decision {decision_id}. Answer that decision yourself instead: POST \
         /api/v1/decisions/{decision_id}/decide.",
        bead.id
    );
    Err(Refusal::conflict("bead_of_decision", message).detail("decision_id", decision_id))
}
