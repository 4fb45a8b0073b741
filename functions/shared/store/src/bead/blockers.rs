use std::collections::HashMap;

use loom_domain::Refusal;
use loom_platform::Statements;

use crate::{StoreError, row::to_json};

/// Replaces what blocks a bead, after looking for a cycle (invariant I5), and returns how many of the blockers are
/// open or unknown.
pub(super) async fn replace<S: Statements>(
    tx: &S,
    bead_id: &str,
    blockers: &[String],
) -> Result<i64, StoreError> {
    refuse_cycle(tx, bead_id, blockers, WAITS, "dependency_cycle").await?;
    tx.execute(
        "DELETE FROM bead_blocker WHERE bead_id = ?1",
        vec![bead_id.into()],
    )
    .await?;
    tx.execute(
        "INSERT OR IGNORE INTO bead_blocker (bead_id, blocker_id) SELECT ?1, value FROM json_each(?2)",
        vec![bead_id.into(), to_json(&blockers).into()],
    )
    .await?;
    open(tx, bead_id).await
}

/// Which beads wait for which: those that block, and those that a waiting run waits for.
const WAITS: &str = "bead_id, other FROM (SELECT bead_id, blocker_id AS other FROM bead_blocker UNION ALL \
     SELECT run.bead_id, run_wait.subject FROM run JOIN run_wait ON run_wait.run_id = run.id \
     WHERE run_wait.kind = 'bead') WHERE bead_id";

/// The way on which `awaited` waits for `bead_id`, if there is one, from `bead_id` back to itself.
pub async fn wait_path<S: Statements>(
    tx: &S,
    bead_id: &str,
    awaited: &str,
) -> Result<Option<Vec<String>>, StoreError> {
    cycle(tx, bead_id, &[awaited.to_owned()], WAITS).await
}

/// How many blockers of a bead are open or unknown (invariant I4: an unknown blocker blocks).
pub(super) async fn open<S: Statements>(tx: &S, bead_id: &str) -> Result<i64, StoreError> {
    let sql = "SELECT COUNT(*) FROM bead_blocker LEFT JOIN bead ON bead.id = blocker_id \
               WHERE bead_id = ?1 AND (bead.id IS NULL OR bead.status <> 'closed')";
    let row = tx.query_one(sql, vec![bead_id.into()]).await?;
    row.map_or(Ok(0), |row| Ok(row.integer(0)?))
}

/// Refuses a parent whose own ancestors lead back to the bead.
pub(super) async fn refuse_parent_cycle<S: Statements>(
    tx: &S,
    bead_id: &str,
    parent: &str,
) -> Result<(), StoreError> {
    refuse_cycle(
        tx,
        bead_id,
        &[parent.to_owned()],
        "id, parent FROM bead WHERE parent IS NOT NULL AND id",
        "parent_cycle",
    )
    .await
}

/// Refuses when a walk from `starts` along the edges that `edges` selects meets `bead_id`.
async fn refuse_cycle<S: Statements>(
    tx: &S,
    bead_id: &str,
    starts: &[String],
    edges: &str,
    code: &'static str,
) -> Result<(), StoreError> {
    match cycle(tx, bead_id, starts, edges).await? {
        None => Ok(()),
        Some(path) => Err(Refusal::conflict(
            code,
            format!(
                "This would close a cycle: {}. Leave out one of these links.",
                path.join(" → ")
            ),
        )
        .detail("path", path)
        .into()),
    }
}

/// Walks from `starts` along the edges that `edges` selects, a layer at a time, until it meets `bead_id`: the way there,
/// from `bead_id` on.
async fn cycle<S: Statements>(
    tx: &S,
    bead_id: &str,
    starts: &[String],
    edges: &str,
) -> Result<Option<Vec<String>>, StoreError> {
    let mut came_from: HashMap<String, String> = HashMap::new();
    let mut layer: Vec<String> = Vec::new();
    for start in starts {
        came_from.insert(start.clone(), bead_id.to_owned());
        layer.push(start.clone());
    }
    while !layer.is_empty() {
        if layer.iter().any(|id| id == bead_id) {
            let mut path = vec![bead_id.to_owned()];
            let mut at = came_from.get(bead_id);
            while let Some(id) = at {
                path.push(id.clone());
                if id == bead_id {
                    break;
                }
                at = came_from.get(id);
            }
            path.reverse();
            return Ok(Some(path));
        }
        let sql = format!("SELECT {edges} IN (SELECT value FROM json_each(?1))");
        let mut next = Vec::new();
        for row in tx.query(&sql, vec![to_json(&layer).into()]).await? {
            let (from, to) = (row.text(0)?, row.text(1)?);
            if !came_from.contains_key(&to) {
                came_from.insert(to.clone(), from);
                next.push(to);
            }
        }
        layer = next;
    }
    Ok(None)
}
