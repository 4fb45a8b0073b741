//! The workflows that Loom ships, put into the database by whichever function first finds that they are not there.

use loom_platform::{Database, DatabaseError, Statements, Transaction};

use crate::{change::NOW, row::to_json};

/// One that is shipped, as the build script wrote it.
struct Shipped {
    id: &'static str,
    workflow_type: &'static str,
    /// `type` or `tag`, and the word.
    matches: &'static [(&'static str, &'static str)],
    /// As it is stored.
    definition: &'static str,
}

include!(concat!(env!("OUT_DIR"), "/shipped.rs"));

/// The name in the table `seed`.
pub(crate) const NAME: &str = "workflows";

/// The hash of all workflows of this build.
pub(crate) fn digest() -> &'static str {
    DIGEST
}

/// Makes the shipped workflows those of this build: one transaction, and only a read when they are already.
///
/// What a project has put there under the same id stays. One that is no longer shipped is not started any more; its
/// versions stay for the histories that need them.
pub(crate) async fn seed<D: Database>(database: &D) -> Result<(), DatabaseError> {
    let tx = database.transaction().await?;
    let sql = "SELECT sha256 FROM seed WHERE name = ?1";
    if let Some(row) = tx.query_one(sql, vec![NAME.into()]).await?
        && row.text(0)? == DIGEST
    {
        return Ok(());
    }
    for shipped in SHIPPED {
        put(&tx, shipped).await?;
    }
    let ids: Vec<&str> = SHIPPED.iter().map(|shipped| shipped.id).collect();
    for sql in [
        "DELETE FROM workflow_match WHERE workflow_id IN (SELECT id FROM workflow WHERE is_current = 1 \
         AND is_shipped = 1 AND id NOT IN (SELECT value FROM json_each(?1)))",
        "UPDATE workflow SET is_current = 0 WHERE is_current = 1 AND is_shipped = 1 \
         AND id NOT IN (SELECT value FROM json_each(?1))",
    ] {
        tx.execute(sql, vec![to_json(&ids).into()]).await?;
    }
    let sql = "INSERT INTO seed (name, sha256) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET sha256 = excluded.sha256";
    tx.execute(sql, vec![NAME.into(), DIGEST.into()]).await?;
    tx.commit().await
}

async fn put<S: Statements>(tx: &S, shipped: &Shipped) -> Result<(), DatabaseError> {
    let sql = "SELECT is_shipped FROM workflow WHERE id = ?1 AND is_current = 1";
    let current = tx.query_one(sql, vec![shipped.id.into()]).await?;
    if let Some(row) = current
        && !row.boolean(0)?
    {
        return Ok(());
    }
    let sql = "UPDATE workflow SET is_current = 0 WHERE id = ?1 AND is_current = 1";
    tx.execute(sql, vec![shipped.id.into()]).await?;
    // Two builds that take turns at one database go to and fro between their versions instead of adding to them.
    let sql = "UPDATE workflow SET is_current = 1 WHERE id = ?1 AND version = \
               (SELECT MAX(version) FROM workflow WHERE id = ?1 AND is_shipped = 1 AND definition = ?2)";
    let parameters = vec![shipped.id.into(), shipped.definition.into()];
    if tx.execute(sql, parameters).await? == 0 {
        let sql = format!(
            "INSERT INTO workflow (id, version, workflow_type, is_shipped, is_current, definition, created_by, created_at) \
             SELECT ?1, COALESCE(MAX(version), 0) + 1, ?2, 1, 1, ?3, 'loom', {NOW} FROM workflow WHERE id = ?1"
        );
        let parameters = vec![
            shipped.id.into(),
            shipped.workflow_type.into(),
            shipped.definition.into(),
        ];
        tx.execute(&sql, parameters).await?;
    }
    set_matches(tx, shipped.id, None, shipped.matches).await
}

/// Replaces what the workflow `id` is for by these kinds (`type`, `tag`) and words.
pub(super) async fn set_matches<S: Statements>(
    tx: &S,
    id: &str,
    project_id: Option<&str>,
    matches: &[(&str, &str)],
) -> Result<(), DatabaseError> {
    tx.execute(
        "DELETE FROM workflow_match WHERE workflow_id = ?1",
        vec![id.into()],
    )
    .await?;
    let sql = "INSERT OR IGNORE INTO workflow_match (kind, word, workflow_id, project_id) \
               SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'), ?1, ?2 FROM json_each(?3)";
    let parameters = vec![id.into(), project_id.into(), to_json(&matches).into()];
    tx.execute(sql, parameters).await?;
    Ok(())
}
