//! The bead that follows an issue or a pull request: filed once, and closed with it.

use loom_domain::{
    bead::{BeadInput, BeadStatus},
    project::Project,
};
use loom_platform::{Random, Statements};

use super::{Applied, attempt::attempt};
use crate::{
    StoreError,
    bead::{self, Origin},
    change::Change,
};

/// Files a bead with a fingerprint, or takes the one that another Loom has filed and that came with the repository.
///
/// `None` when a cap or the project's state does not allow it now.
pub(super) async fn file<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    project: &Project,
    fingerprint: String,
    input: BeadInput,
    applied: &mut Applied,
) -> Result<Option<String>, StoreError> {
    if let Some(id) = existing(change.tx, &project.id, &fingerprint).await? {
        return Ok(Some(id));
    }
    let origin = Origin {
        fingerprint: Some(fingerprint),
        ..Origin::default()
    };
    match attempt(change.tx, bead::file(change, input, origin)).await? {
        Ok((bead, _)) => {
            applied.filed.push(bead.id.clone());
            Ok(Some(bead.id))
        }
        Err(refusal) => {
            applied.refused(&refusal);
            Ok(None)
        }
    }
}

/// The bead with a fingerprint, the newest one where there are several, closed and deleted ones too.
async fn existing<S: Statements>(
    tx: &S,
    project_id: &str,
    fingerprint: &str,
) -> Result<Option<String>, StoreError> {
    let sql = "SELECT id FROM bead WHERE fingerprint = ?1 AND project_id = ?2 ORDER BY created_at DESC, id LIMIT 1";
    let row = tx
        .query_one(sql, vec![fingerprint.into(), project_id.into()])
        .await?;
    row.map(|row| Ok(row.text(0)?)).transpose()
}

/// Closes a bead, unless it is closed or deleted.
pub(super) async fn close<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    bead_id: &str,
    reason: Option<String>,
    applied: &mut Applied,
) -> Result<(), StoreError> {
    let Some(bead) = bead::find(change.tx, bead_id).await? else {
        return Ok(());
    };
    if bead.status == BeadStatus::Closed {
        return Ok(());
    }
    let closed = BeadInput {
        status: Some(BeadStatus::Closed),
        close_reason: reason,
        ..BeadInput::default()
    };
    bead::update(change, &bead, closed).await?;
    applied.beads.insert(bead_id.to_owned());
    Ok(())
}
