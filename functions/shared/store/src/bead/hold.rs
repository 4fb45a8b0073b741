//! Beads that a person's word keeps blocked.

use loom_domain::{
    bead::{Bead, BeadStatus, HeldBy},
    event::{EventKind, NewEvent},
};
use loom_platform::{Random, Statements};

use super::{change_status, get};
use crate::{StoreError, change::Change};

/// Keeps a bead blocked until a person releases it. One on which somebody works stays with whoever does, and is blocked
/// instead of opened when that has ended; a closed one is left alone.
pub(crate) async fn hold<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    bead_id: &str,
    by: &HeldBy,
    reason: &str,
) -> Result<(), StoreError> {
    let bead = get(change.tx, bead_id).await?;
    if bead.status == BeadStatus::Closed || bead.held_by.as_ref() == Some(by) {
        return Ok(());
    }
    if bead.status == BeadStatus::Open {
        change_status(change, &bead, BeadStatus::Blocked, reason).await?;
    }
    let sql = "UPDATE bead SET held_by = ?2, version = version + 1, updated_at = ?3 WHERE id = ?1";
    let values = vec![bead_id.into(), by.to_text().into(), change.now.0.into()];
    change.tx.execute(sql, values).await?;
    tell(change, &bead, Some(by)).await
}

/// Lets go of a bead that is held, as only a person's word does, and says whether it was. Its status stays: whoever
/// releases it places it.
pub(crate) async fn release<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    bead: &Bead,
) -> Result<bool, StoreError> {
    let sql = "UPDATE bead SET held_by = NULL, version = version + 1, updated_at = ?2 \
               WHERE id = ?1 AND held_by IS NOT NULL";
    let values = vec![(&bead.id).into(), change.now.0.into()];
    if change.tx.execute(sql, values).await? == 0 {
        return Ok(false);
    }
    tell(change, bead, None).await?;
    Ok(true)
}

async fn tell<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    bead: &Bead,
    by: Option<&HeldBy>,
) -> Result<(), StoreError> {
    let event = NewEvent::new(EventKind::BeadUpdated)
        .project(&bead.project_id)
        .bead(&bead.id)
        .with("fields", vec!["held_by"])
        .with("held_by", by.map(HeldBy::to_text));
    change.event(event).await?;
    Ok(())
}
