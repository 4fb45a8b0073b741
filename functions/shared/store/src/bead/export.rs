//! What an export of a project's beads is made of.

use std::collections::HashMap;

use loom_domain::{
    bead::Bead,
    bead_file::{BeadFile, FileComment},
};
use loom_platform::{Statements, Value};

use crate::{
    StoreError,
    row::{time, to_json},
};

/// Up to `limit` beads of a project after the id `after`, by id, as files have them.
pub async fn export_files<S: Statements>(
    statements: &S,
    project_id: &str,
    after: &str,
    limit: i64,
) -> Result<Vec<BeadFile>, StoreError> {
    let beads = export_page(statements, project_id, after, limit).await?;
    let ids: Vec<&str> = beads.iter().map(|bead| bead.id.as_str()).collect();
    let mut comments: HashMap<String, Vec<FileComment>> = HashMap::new();
    for (bead_id, comment) in comments_of(statements, &ids).await? {
        comments.entry(bead_id).or_default().push(comment);
    }
    let files = beads.into_iter().map(|bead| {
        let said = comments.remove(&bead.id).unwrap_or_default();
        BeadFile::of(bead, said)
    });
    Ok(files.collect())
}

/// Up to `limit` beads of a project after the id `after`, by id: what an export is made of.
pub async fn export_page<S: Statements>(
    statements: &S,
    project_id: &str,
    after: &str,
    limit: i64,
) -> Result<Vec<Bead>, StoreError> {
    let sql = format!(
        "SELECT {} FROM bead WHERE project_id = ?1 AND id > ?2 AND deleted_at IS NULL ORDER BY id LIMIT ?3",
        super::COLUMNS
    );
    let parameters: Vec<Value> = vec![project_id.into(), after.into(), limit.into()];
    statements
        .query(&sql, parameters)
        .await?
        .iter()
        .map(super::from_row)
        .collect()
}

/// The comments on these beads, each with its bead, oldest first.
pub async fn comments_of<S: Statements>(
    statements: &S,
    bead_ids: &[&str],
) -> Result<Vec<(String, FileComment)>, StoreError> {
    let sql = "SELECT bead_id, id, author, content, created_at FROM comment \
               WHERE bead_id IN (SELECT value FROM json_each(?1)) ORDER BY bead_id, created_at, rowid";
    let rows = statements
        .query(sql, vec![to_json(&bead_ids).into()])
        .await?;
    rows.iter()
        .map(|row| {
            let comment = FileComment {
                id: row.text(1)?,
                author: row.text(2)?,
                content: row.text(3)?,
                created_at: Some(time(row, 4)?),
            };
            Ok((row.text(0)?, comment))
        })
        .collect()
}
