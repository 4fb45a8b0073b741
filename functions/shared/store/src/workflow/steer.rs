use loom_domain::{
    Refusal,
    bead::BeadStatus,
    workflow::{Command, Execution},
};
use loom_platform::{Random, Statements};

use super::{advance::advance, execution::get, execution::live_of_bead};
use crate::{StoreError, bead, change::Change};

/// Puts a person's command to an execution.
///
/// An execution that has ended can be restarted from a node when its bead is not closed and follows no other.
pub async fn steer<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    execution_id: &str,
    command: Command,
) -> Result<Execution, StoreError> {
    let execution = get(change.tx, execution_id).await?;
    if matches!(command, Command::Restart { .. }) && !execution.status.is_live() {
        let bead = bead::get(change.tx, &execution.bead_id).await?;
        if bead.status == BeadStatus::Closed {
            return Err(Refusal::conflict(
                "bead_closed",
                format!(
                    "Bead {} is closed. Open it before its workflow is restarted.",
                    bead.id
                ),
            )
            .into());
        }
        if let Some(other) = live_of_bead(change.tx, &bead.id).await? {
            return Err(Refusal::conflict(
                "execution_live",
                format!(
                    "Bead {} follows execution {} now. Cancel that first.",
                    bead.id, other.id
                ),
            )
            .detail("execution_id", other.id)
            .into());
        }
        let sql = "UPDATE bead SET execution_id = ?2, version = version + 1 WHERE id = ?1";
        change
            .tx
            .execute(sql, vec![(&bead.id).into(), execution_id.into()])
            .await?;
    }
    advance(change, execution_id, command, None, None).await
}
