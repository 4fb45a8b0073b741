use std::collections::HashMap;

use loom_domain::bead_file::BeadFile;
use loom_platform::{Random, Statements};
use serde_json::json;

use super::CHUNK;
use crate::{StoreError, change::Change, row::to_json};

/// The bead of each of the comments `ids` that is there.
pub(crate) async fn comment_owners<S: Statements>(
    tx: &S,
    ids: &[&str],
) -> Result<HashMap<String, String>, StoreError> {
    let mut owners = HashMap::new();
    for chunk in ids.chunks(CHUNK) {
        let sql = "SELECT id, bead_id FROM comment WHERE id IN (SELECT value FROM json_each(?1))";
        for row in tx.query(sql, vec![to_json(&chunk).into()]).await? {
            owners.insert(row.text(0)?, row.text(1)?);
        }
    }
    Ok(owners)
}

/// Writes the comments of beads, but for those that are there already.
pub(super) async fn write_comments<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    beads: &[&BeadFile],
) -> Result<(), StoreError> {
    let rows: Vec<serde_json::Value> = beads
        .iter()
        .flat_map(|bead| {
            bead.comments.iter().map(|comment| {
                let at = comment.created_at.unwrap_or(change.now).0;
                json!([comment.id, bead.id, comment.author, comment.content, at])
            })
        })
        .collect();
    if rows.is_empty() {
        return Ok(());
    }
    let sql = "INSERT OR IGNORE INTO comment (id, bead_id, author, content, created_at) \
               SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]'), \
               json_extract(value, '$[3]'), json_extract(value, '$[4]') FROM json_each(?1)";
    change.tx.execute(sql, vec![to_json(&rows).into()]).await?;
    Ok(())
}
