//! Texts that a bead brings into the repository: written and committed by its first run, before the model is called.

use loom_platform::{Random, Statements};

use crate::{StoreError, change::Change};

/// A text and where it belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Relative to the repository's root.
    pub path: String,
    /// All of it; at most 1 MiB, the most that a workspace writes at once.
    pub content: String,
}

/// Keeps the documents of a new bead, in this order.
pub async fn keep<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    bead_id: &str,
    documents: &[Document],
) -> Result<(), StoreError> {
    let sql = "INSERT INTO document (bead_id, position, path, content, created_at) VALUES (?1, ?2, ?3, ?4, ?5)";
    for (position, document) in documents.iter().enumerate() {
        let parameters = vec![
            bead_id.into(),
            i64::try_from(position).unwrap_or(i64::MAX).into(),
            (&document.path).into(),
            (&document.content).into(),
            change.now.0.into(),
        ];
        change.tx.execute(sql, parameters).await?;
    }
    Ok(())
}

/// The document of a bead at a position, from 0; `None` after the last. One at a time, because together they may be
/// large.
pub async fn at<S: Statements>(
    statements: &S,
    bead_id: &str,
    position: i64,
) -> Result<Option<Document>, StoreError> {
    let sql = "SELECT path, content FROM document WHERE bead_id = ?1 AND position = ?2";
    let row = statements
        .query_one(sql, vec![bead_id.into(), position.into()])
        .await?;
    row.map(|row| {
        Ok(Document {
            path: row.text(0)?,
            content: row.text(1)?,
        })
    })
    .transpose()
}
