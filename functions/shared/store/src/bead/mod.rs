//! Beads, with their tags, blockers and relations.

mod blockers;
pub(crate) mod bulk;
mod cycle;
mod export;
mod file;
mod hold;
mod import;
mod list;
mod ready;
mod update;
mod why;

use std::collections::BTreeMap;

use loom_domain::{
    Refusal,
    bead::{Bead, BeadStatus, HeldBy, Priority},
};
use loom_platform::{Row, Statements};

use crate::{
    StoreError,
    row::{json, optional_time, optional_word, time, to_json, word},
};

pub use blockers::wait_path;
pub use export::{comments_of, export_files, export_page};
pub use file::{Origin, file};
pub(crate) use hold::{hold, release};
pub use import::{Imported, ImportedBead, Skipped, import, refuse_file};
pub use list::{
    BeadFilter, Comment, Edge, Position, children, comments, comments_page, count_by_status, list,
    work_graph,
};
pub use ready::{Candidate, ReadyPosition, list_ready, live_touches, ready, ready_roles};
pub use update::{change_status, delete, redispatch, retry_is_due, update};
pub(crate) use update::{forget_failures, hand_to_review, status_changed, unless_held};
pub use why::{Limits, Why, why};

/// The columns of [`from_row`], each prefixed by the table's name so that joins stay clear.
pub(crate) const COLUMNS: &str = "bead.id, bead.project_id, bead.kind, bead.title, bead.description, bead.status, \
    bead.priority, bead.parent, bead.touches, bead.context, bead.due_at, bead.estimate_minutes, bead.assigned_to, \
    bead.wanted_role, bead.dispatch_count, bead.failed_runs, bead.retry_at, bead.open_blockers, bead.open_decisions, \
    bead.requires_human, bead.run_id, bead.fence, bead.in_review, bead.commit_id, bead.created_by, bead.fingerprint, \
    bead.root_id, bead.cause_depth, bead.close_reason, bead.version, bead.created_at, bead.updated_at, bead.closed_at, \
    bead.execution_id, bead.author_agent, \
    (SELECT json_group_array(tag) FROM (SELECT tag FROM bead_tag WHERE bead_id = bead.id ORDER BY position)), \
    (SELECT json_group_array(blocker_id) FROM bead_blocker WHERE bead_id = bead.id), \
    (SELECT json_group_array(related_id) FROM bead_related WHERE bead_id = bead.id), bead.held_by";

/// The bead `id`, or a refusal that says how to find one.
pub async fn get<S: Statements>(statements: &S, id: &str) -> Result<Bead, StoreError> {
    find(statements, id)
        .await?
        .ok_or_else(|| not_found(id).into())
}

/// The bead `id`, if it exists.
pub async fn find<S: Statements>(statements: &S, id: &str) -> Result<Option<Bead>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM bead WHERE id = ?1 AND deleted_at IS NULL");
    statements
        .query_one(&sql, vec![id.into()])
        .await?
        .as_ref()
        .map(from_row)
        .transpose()
}

pub(crate) fn not_found(id: &str) -> Refusal {
    Refusal::not_found(
        "bead_not_found",
        format!("There is no bead {id}. GET /api/v1/beads lists them."),
    )
}

/// Which of `ids` are no beads.
pub async fn unknown<S: Statements>(
    statements: &S,
    ids: &[String],
) -> Result<Vec<String>, StoreError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let sql = "SELECT value FROM json_each(?1) \
               WHERE NOT EXISTS (SELECT 1 FROM bead WHERE id = value AND deleted_at IS NULL)";
    let rows = statements.query(sql, vec![to_json(&ids).into()]).await?;
    rows.iter().map(|row| Ok(row.text(0)?)).collect()
}

pub(crate) fn from_row(row: &Row) -> Result<Bead, StoreError> {
    let context: BTreeMap<String, serde_json::Value> = json(row, 9)?;
    Ok(Bead {
        id: row.text(0)?,
        project_id: row.text(1)?,
        kind: row.text(2)?,
        title: row.text(3)?,
        description: row.text(4)?,
        status: word(row, 5, BeadStatus::parse)?,
        priority: Priority::new(row.integer(6)?).unwrap_or(Priority::DEFAULT),
        parent: row.optional_text(7)?,
        touches: json(row, 8)?,
        context,
        due_at: optional_time(row, 10)?,
        estimate_minutes: row.optional_integer(11)?,
        assigned_to: row.optional_text(12)?,
        wanted_role: row.optional_text(13)?,
        dispatch_count: row.integer(14)?,
        failed_runs: row.integer(15)?,
        retry_at: optional_time(row, 16)?,
        open_blockers: row.integer(17)?,
        open_decisions: row.integer(18)?,
        requires_human: row.boolean(19)?,
        run_id: row.optional_text(20)?,
        fence: row.integer(21)?,
        in_review: row.boolean(22)?,
        commit: row.optional_text(23)?,
        created_by: row.text(24)?,
        fingerprint: row.optional_text(25)?,
        root_id: row.optional_text(26)?,
        cause_depth: row.integer(27)?,
        close_reason: row.optional_text(28)?,
        version: row.integer(29)?,
        created_at: time(row, 30)?,
        updated_at: time(row, 31)?,
        closed_at: optional_time(row, 32)?,
        execution_id: row.optional_text(33)?,
        author_agent: row.optional_text(34)?,
        tags: json(row, 35)?,
        blocked_by: json(row, 36)?,
        related: json(row, 37)?,
        held_by: optional_word(row, 38, HeldBy::parse)?,
    })
}
