//! Issues that are closed and opened again along with their beads.

use loom_platform::Statements;

use crate::StoreError;

/// Whether the issue was closed along with its bead, and not opened again since.
pub async fn issue_was_closed<S: Statements>(
    statements: &S,
    project_id: &str,
    number: i64,
) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM issue_in_step WHERE project_id = ?1 AND number = ?2";
    let values = vec![project_id.into(), number.into()];
    Ok(statements.query_one(sql, values).await?.is_some())
}

/// Notes that the issue is closed, or open, as its bead is.
pub async fn note_issue<S: Statements>(
    statements: &S,
    project_id: &str,
    number: i64,
    is_closed: bool,
) -> Result<(), StoreError> {
    let sql = if is_closed {
        "INSERT INTO issue_in_step (project_id, number) VALUES (?1, ?2) ON CONFLICT DO NOTHING"
    } else {
        "DELETE FROM issue_in_step WHERE project_id = ?1 AND number = ?2"
    };
    let values = vec![project_id.into(), number.into()];
    statements.execute(sql, values).await?;
    Ok(())
}
