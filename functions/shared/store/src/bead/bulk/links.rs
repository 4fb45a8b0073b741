use std::collections::{HashMap, HashSet};

use loom_domain::bead_file::BeadFile;
use loom_platform::Statements;

use crate::{StoreError, bead::cycle::find_cycle, row::to_json};

/// A cycle that links would close.
pub(crate) struct Cycle {
    /// Whether it is one of parents, and not of blockers.
    pub(crate) is_of_parents: bool,
    /// From a bead back to itself.
    pub(crate) path: Vec<String>,
}

/// Looks at the links of `beads` together with those of others that are there already.
pub(crate) async fn cycle<S: Statements>(
    tx: &S,
    beads: &[&BeadFile],
) -> Result<Option<Cycle>, StoreError> {
    let mut blockers = HashMap::new();
    let mut parents = HashMap::new();
    for bead in beads {
        blockers.insert(bead.id.clone(), bead.blocked_by.clone());
        parents.insert(bead.id.clone(), Vec::from_iter(bead.parent.clone()));
    }
    for (is_of_parents, edges, sql) in [
        (
            false,
            blockers,
            "SELECT bead_id, blocker_id FROM bead_blocker WHERE bead_id",
        ),
        (
            true,
            parents,
            "SELECT id, parent FROM bead WHERE parent IS NOT NULL AND id",
        ),
    ] {
        let edges = with_stored(tx, edges, sql).await?;
        if let Some(path) = find_cycle(beads.iter().map(|bead| bead.id.as_str()), &edges) {
            return Ok(Some(Cycle {
                is_of_parents,
                path,
            }));
        }
    }
    Ok(None)
}

/// Adds the stored links of everything that can be reached from `edges` and is not in it, a layer at a time.
async fn with_stored<S: Statements>(
    tx: &S,
    mut edges: HashMap<String, Vec<String>>,
    sql: &str,
) -> Result<HashMap<String, Vec<String>>, StoreError> {
    let sql = format!("{sql} IN (SELECT value FROM json_each(?1))");
    loop {
        let next: HashSet<String> = edges
            .values()
            .flatten()
            .filter(|id| !edges.contains_key(*id))
            .cloned()
            .collect();
        if next.is_empty() {
            return Ok(edges);
        }
        let rows = tx.query(&sql, vec![to_json(&next).into()]).await?;
        edges.extend(next.into_iter().map(|id| (id, Vec::new())));
        for row in &rows {
            edges.entry(row.text(0)?).or_default().push(row.text(1)?);
        }
    }
}

/// Replaces the parents, tags, blockers and relations of beads; `rows` is an array of [`Written`](super::row::Written).
pub(super) async fn write_links<S: Statements>(tx: &S, rows: &str) -> Result<(), StoreError> {
    let ids = "SELECT json_extract(value, '$.id') FROM json_each(?1)";
    let each = |list: &str| {
        format!("FROM json_each(?1) AS bead, json_each(bead.value, '$.{list}') AS item")
    };
    for sql in [
        "UPDATE bead SET parent = json_extract(value, '$.parent') FROM json_each(?1) \
         WHERE bead.id = json_extract(value, '$.id')"
            .to_owned(),
        format!("DELETE FROM bead_tag WHERE bead_id IN ({ids})"),
        format!("DELETE FROM bead_blocker WHERE bead_id IN ({ids})"),
        format!("DELETE FROM bead_related WHERE bead_id IN ({ids})"),
        format!(
            "INSERT INTO bead_tag (bead_id, position, tag) SELECT json_extract(bead.value, '$.id'), item.key, item.value {}",
            each("tags")
        ),
        format!(
            "INSERT INTO bead_blocker (bead_id, blocker_id) SELECT json_extract(bead.value, '$.id'), item.value {}",
            each("blocked_by")
        ),
        format!(
            "INSERT INTO bead_related (bead_id, related_id) SELECT json_extract(bead.value, '$.id'), item.value {}",
            each("related")
        ),
    ] {
        tx.execute(&sql, vec![rows.into()]).await?;
    }
    Ok(())
}

/// Brings the counts of open blockers in step: of these beads, and of those that they block.
pub(super) async fn recount_blockers<S: Statements>(
    tx: &S,
    beads: &[&BeadFile],
) -> Result<(), StoreError> {
    let ids: Vec<&str> = beads.iter().map(|bead| bead.id.as_str()).collect();
    let open = "(SELECT COUNT(*) FROM bead_blocker LEFT JOIN bead AS blocker ON blocker.id = blocker_id \
                WHERE bead_id = bead.id AND (blocker.id IS NULL OR blocker.status <> 'closed'))";
    let ids_of = "(SELECT value FROM json_each(?1))";
    let sql = format!(
        "UPDATE bead SET open_blockers = {open}, version = version + 1 WHERE open_blockers <> {open} AND (id IN {ids_of} \
         OR id IN (SELECT bead_id FROM bead_blocker WHERE blocker_id IN {ids_of}))"
    );
    tx.execute(&sql, vec![to_json(&ids).into()]).await?;
    Ok(())
}
