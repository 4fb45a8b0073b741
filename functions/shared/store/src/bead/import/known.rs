use std::collections::HashMap;

use loom_domain::{bead::BeadStatus, time::Timestamp};
use loom_platform::Statements;

use super::ImportedBead;
use crate::{
    StoreError,
    bead::bulk::CHUNK,
    row::{time, to_json, word},
};

/// What the database has of a bead that is imported.
pub(super) struct Known {
    pub(super) project_id: String,
    pub(super) status: BeadStatus,
    pub(super) run_id: Option<String>,
    pub(super) updated_at: Timestamp,
    pub(super) deleted: bool,
    pub(super) open_decisions: i64,
}

/// What the database has of `beads`, by id.
pub(super) async fn known<S: Statements>(
    tx: &S,
    beads: &[ImportedBead],
) -> Result<HashMap<String, Known>, StoreError> {
    let mut known = HashMap::new();
    for chunk in beads.chunks(CHUNK) {
        let ids: Vec<&str> = chunk.iter().map(|bead| bead.file.id.as_str()).collect();
        let sql = "SELECT id, project_id, status, run_id, updated_at, deleted_at IS NOT NULL, open_decisions FROM bead \
                   WHERE id IN (SELECT value FROM json_each(?1))";
        for row in tx.query(sql, vec![to_json(&ids).into()]).await? {
            let found = Known {
                project_id: row.text(1)?,
                status: word(&row, 2, BeadStatus::parse)?,
                run_id: row.optional_text(3)?,
                updated_at: time(&row, 4)?,
                deleted: row.boolean(5)?,
                open_decisions: row.integer(6)?,
            };
            known.insert(row.text(0)?, found);
        }
    }
    Ok(known)
}
