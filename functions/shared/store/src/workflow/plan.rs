//! Beads that are filed as a plan: they wait until the whole of it is sound, and then open together.

use loom_domain::{
    bead::{Bead, BeadStatus},
    plan::PlanBead,
    workflow::{Stand, stand},
};
use loom_platform::{Random, Statements};

use super::execution::{live_of_bead, node_of};
use crate::{StoreError, bead, change::Change};

/// The key of a bead's context that names the bead whose plan it is held by.
pub const HELD_BY: &str = "held_by_plan";

/// The beads of the plan of `root`: epics and their stories, and what is held for the plan wherever it was filed.
///
/// What work on a story brought up below it is no part of the plan, and neither is what the planner closed again.
pub async fn beads_of_plan<S: Statements>(
    statements: &S,
    root: &str,
) -> Result<Vec<PlanBead>, StoreError> {
    let sql = "WITH RECURSIVE below (id) AS ( \
                   SELECT id FROM bead WHERE parent = ?1 AND deleted_at IS NULL \
                   UNION SELECT bead.id FROM bead JOIN below ON bead.parent = below.id WHERE bead.deleted_at IS NULL \
               ) SELECT bead.id, bead.kind, bead.parent, bead.priority FROM bead JOIN below ON bead.id = below.id \
               LEFT JOIN bead AS parent ON parent.id = bead.parent \
               WHERE bead.kind NOT IN ('question', 'decision') \
               AND CASE WHEN json_extract(bead.context, '$.held_by_plan') IS NULL \
                   THEN bead.kind = 'epic' OR parent.kind = 'epic' ELSE bead.status <> 'closed' END ORDER BY bead.created_at, bead.id";
    let rows = statements.query(sql, vec![root.into()]).await?;
    rows.iter()
        .map(|row| {
            Ok(PlanBead {
                id: row.text(0)?,
                kind: row.text(1)?,
                parent: row.optional_text(2)?,
                priority: row.integer(3)?,
            })
        })
        .collect()
}

/// Keeps a bead that was just filed from being dispatched until the plan of `root` is sound.
pub async fn hold_back<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    filed: &Bead,
    root: &str,
) -> Result<(), StoreError> {
    let sql = "UPDATE bead SET context = json_set(context, '$.held_by_plan', ?2), version = version + 1 WHERE id = ?1";
    change
        .tx
        .execute(sql, vec![(&filed.id).into(), root.into()])
        .await?;
    let filed = bead::get(change.tx, &filed.id).await?;
    bead::change_status(change, &filed, BeadStatus::Blocked, "held_by_plan").await
}

/// Opens what the plan of `root` holds, but for what waits for something of its own.
pub(super) async fn open_held<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    root: &str,
) -> Result<(), StoreError> {
    for planned in beads_of_plan(change.tx, root).await? {
        let found = bead::get(change.tx, &planned.id).await?;
        if !found.context.contains_key(HELD_BY) {
            continue;
        }
        let sql = "UPDATE bead SET context = json_remove(context, '$.held_by_plan'), version = version + 1 WHERE id = ?1";
        change.tx.execute(sql, vec![(&found.id).into()]).await?;
        let works = match live_of_bead(change.tx, &found.id).await? {
            None => true,
            Some(live) => {
                let (definition, _) = node_of(change.tx, &live).await?;
                matches!(stand(&definition, &live), Stand::Work { .. })
            }
        };
        if works && found.status == BeadStatus::Blocked && found.open_decisions == 0 {
            let found = bead::get(change.tx, &found.id).await?;
            bead::change_status(change, &found, BeadStatus::Open, "planned").await?;
        }
    }
    Ok(())
}
