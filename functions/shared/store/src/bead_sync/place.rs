use loom_domain::{
    Refusal,
    bead::{BeadInput, BeadStatus, HeldBy},
    bead_file::{Conflict, Kept},
    event::{EventKind, NewEvent},
};
use loom_platform::{Random, Statements};
use serde_json::json;

use super::{Settled, plan::Plan};
use crate::{StoreError, bead, change::Change};

/// Brings a bead to where it shall stand: its status, with all that follows from it, and whether it is deleted.
pub(super) async fn place<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    plan: &mut Plan,
    settled: &mut Settled,
) -> Result<(), StoreError> {
    let Some(ours) = plan.ours() else {
        return origin(change, plan).await;
    };
    if ours == plan.merged {
        return Ok(());
    }
    match (ours.deleted_at, plan.merged.deleted_at) {
        (None, Some(at)) => {
            let bead = bead::get(change.tx, &plan.id).await?;
            bead::delete(change, &bead).await?;
            let sql = "UPDATE bead SET deleted_at = ?2, version = version + 1 WHERE id = ?1";
            change
                .tx
                .execute(sql, vec![(&plan.id).into(), at.0.into()])
                .await?;
            settled.counts.deleted += 1;
        }
        (Some(_), Some(at)) => {
            let sql = "UPDATE bead SET deleted_at = ?2, version = version + 1 WHERE id = ?1";
            change
                .tx
                .execute(sql, vec![(&plan.id).into(), at.0.into()])
                .await?;
        }
        (Some(_), None) => {
            restore(change, plan).await?;
            status(change, plan, settled).await?;
        }
        (None, None) => status(change, plan, settled).await?,
    }
    let sql = "UPDATE bead SET updated_at = COALESCE(?2, updated_at), \
               closed_at = CASE WHEN status = 'closed' THEN COALESCE(?3, closed_at) END, \
               close_reason = CASE WHEN status = 'closed' THEN ?4 END \
               WHERE id = ?1 AND status = ?5";
    let values = vec![
        (&plan.id).into(),
        plan.merged.updated_at.map(|at| at.0).into(),
        plan.merged.closed_at.map(|at| at.0).into(),
        plan.merged.close_reason.clone().into(),
        plan.merged.status.as_str().into(),
    ];
    change.tx.execute(sql, values).await?;
    Ok(())
}

/// What a new bead brings with it that only the system gives, and its tombstone.
async fn origin<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    plan: &Plan,
) -> Result<(), StoreError> {
    let file = &plan.merged;
    if file.fingerprint.is_some() || file.root_id.is_some() || file.cause_depth != 0 {
        // Another bead may be about the same here: at most one open bead has a fingerprint (invariant I9).
        let sql = "UPDATE bead SET root_id = ?3, cause_depth = ?4, fingerprint = CASE WHEN status = 'closed' OR NOT EXISTS \
                   (SELECT 1 FROM bead AS other WHERE other.fingerprint = ?2 AND other.status <> 'closed') THEN ?2 END \
                   WHERE id = ?1";
        let values = vec![
            (&plan.id).into(),
            file.fingerprint.clone().into(),
            file.root_id.clone().into(),
            file.cause_depth.into(),
        ];
        change.tx.execute(sql, values).await?;
    }
    if let Some(at) = file.deleted_at {
        let sql = "UPDATE bead SET deleted_at = ?2, status = 'closed', closed_at = COALESCE(closed_at, ?2) WHERE id = ?1";
        change
            .tx
            .execute(sql, vec![(&plan.id).into(), at.0.into()])
            .await?;
    }
    Ok(())
}

async fn restore<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    plan: &Plan,
) -> Result<(), StoreError> {
    let sql = "UPDATE bead SET deleted_at = NULL, version = version + 1 WHERE id = ?1 RETURNING project_id";
    let row = change.tx.query_one(sql, vec![(&plan.id).into()]).await?;
    let project_id = row.map_or(Ok(String::new()), |row| row.text(0))?;
    let event = NewEvent::new(EventKind::BeadUpdated)
        .project(&project_id)
        .bead(&plan.id)
        .with("fields", vec!["deleted_at"])
        .with("synced", true);
    change.event(event).await?;
    Ok(())
}

/// Sets the status by the same rules as for a person. Where they refuse it, it stays, and that is a conflict.
async fn status<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    plan: &mut Plan,
    settled: &mut Settled,
) -> Result<(), StoreError> {
    let wanted = plan.merged.status;
    let before = bead::get(change.tx, &plan.id).await?;
    if before.status == wanted {
        return Ok(());
    }
    // Whoever edits a file does not answer a question by it, and agents can edit files too.
    if let Some(HeldBy::Decision(decision)) = &before.held_by
        && wanted != BeadStatus::Closed
    {
        let message = format!(
            "Bead {} stays {}: decision {decision} holds it, and a person releases it in Loom.",
            plan.id,
            before.status.as_str()
        );
        let refusal = Refusal::conflict("held_by_decision", message);
        keep_ours(plan, settled, before.status, refusal);
        return Ok(());
    }
    // A closed bead can only be opened; from there it may go on.
    let is_closed = before.status == BeadStatus::Closed;
    let way = match (is_closed, wanted) {
        (true, BeadStatus::InProgress | BeadStatus::Blocked) => vec![BeadStatus::Open, wanted],
        _ => vec![wanted],
    };
    for step in way {
        let bead = bead::get(change.tx, &plan.id).await?;
        let input = BeadInput {
            status: Some(step),
            close_reason: plan
                .merged
                .close_reason
                .clone()
                .filter(|_| step == BeadStatus::Closed),
            ..BeadInput::default()
        };
        match bead::update(change, &bead, input).await {
            Ok(_) => {}
            Err(StoreError::Refused(refusal)) => {
                keep_ours(plan, settled, bead.status, refusal);
                return Ok(());
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Records that the status of a file can't be taken over, and why.
fn keep_ours(plan: &mut Plan, settled: &mut Settled, ours: BeadStatus, refusal: Refusal) {
    let problem = plan.problem(refusal.code, refusal.message);
    settled.problems.push(problem);
    plan.conflicts.push(Conflict {
        field: "status".to_owned(),
        base: serde_json::Value::Null,
        ours: json!(ours),
        theirs: json!(plan.merged.status),
        kept: Kept::Ours,
    });
}
