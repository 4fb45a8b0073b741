use loom_domain::{bead::Bead, time::Timestamp};
use loom_platform::{Statements, Value};
use serde::Serialize;

use super::{COLUMNS, from_row};
use crate::{StoreError, row::to_json};

/// Which beads are wanted; what is absent does not narrow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BeadFilter {
    /// Of this project.
    pub project_id: Option<String>,
    /// In one of these statuses; empty = any.
    pub statuses: Vec<String>,
    /// Of this type.
    pub kind: Option<String>,
    /// Of this priority, 0 to 3.
    pub priority: Option<i64>,
    /// Assigned to one of these agents; empty = any.
    pub assigned_to: Vec<String>,
    /// With this tag.
    pub tag: Option<String>,
    /// Part of this bead.
    pub parent: Option<String>,
    /// With this text in title or description, whatever its case.
    pub text: Option<String>,
}

/// A place in the list of beads, which goes from the newest to the oldest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// When the bead was filed.
    pub created_at: i64,
    /// The bead.
    pub id: String,
}

/// Up to `limit` beads after `after`, newest first.
pub async fn list<S: Statements>(
    statements: &S,
    filter: &BeadFilter,
    after: Option<&Position>,
    limit: i64,
) -> Result<Vec<Bead>, StoreError> {
    let mut parameters: Vec<Value> = vec![limit.into()];
    let mut narrow = String::new();
    let mut add = |condition: &str, value: Value| {
        parameters.push(value);
        narrow.push_str(&format!(
            " AND {}",
            condition.replace('?', &format!("?{}", parameters.len()))
        ));
    };
    if let Some(project_id) = &filter.project_id {
        add("bead.project_id = ?", project_id.into());
    }
    if !filter.statuses.is_empty() {
        add(
            "bead.status IN (SELECT value FROM json_each(?))",
            to_json(&filter.statuses).into(),
        );
    }
    if let Some(kind) = &filter.kind {
        add("bead.kind = ?", kind.into());
    }
    if let Some(priority) = filter.priority {
        add("bead.priority = ?", priority.into());
    }
    if !filter.assigned_to.is_empty() {
        add(
            "bead.assigned_to IN (SELECT value FROM json_each(?))",
            to_json(&filter.assigned_to).into(),
        );
    }
    if let Some(tag) = &filter.tag {
        add(
            "EXISTS (SELECT 1 FROM bead_tag WHERE bead_tag.tag = ? AND bead_tag.bead_id = bead.id)",
            tag.into(),
        );
    }
    if let Some(parent) = &filter.parent {
        add("bead.parent = ?", parent.into());
    }
    if let Some(text) = &filter.text {
        add(
            "instr(lower(bead.title || ' ' || bead.description), lower(?)) > 0",
            text.into(),
        );
    }
    if let Some(after) = after {
        parameters.push(after.created_at.into());
        parameters.push((&after.id).into());
        narrow.push_str(&format!(
            " AND (bead.created_at, bead.id) < (?{}, ?{})",
            parameters.len() - 1,
            parameters.len()
        ));
    }
    let sql = format!(
        "SELECT {COLUMNS} FROM bead WHERE bead.deleted_at IS NULL{narrow} ORDER BY bead.created_at DESC, bead.id DESC LIMIT ?1"
    );
    statements
        .query(&sql, parameters)
        .await?
        .iter()
        .map(from_row)
        .collect()
}

/// How many beads have each status, over all projects.
pub async fn count_by_status<S: Statements>(
    statements: &S,
) -> Result<Vec<(String, i64)>, StoreError> {
    let sql = "SELECT status, COUNT(*) FROM bead WHERE deleted_at IS NULL GROUP BY status";
    let rows = statements.query(sql, vec![]).await?;
    rows.iter()
        .map(|row| Ok((row.text(0)?, row.integer(1)?)))
        .collect()
}

/// The ids of the beads that are part of a bead, oldest first.
pub async fn children<S: Statements>(statements: &S, id: &str) -> Result<Vec<String>, StoreError> {
    let sql =
        "SELECT id FROM bead WHERE parent = ?1 AND deleted_at IS NULL ORDER BY created_at, id";
    let rows = statements.query(sql, vec![id.into()]).await?;
    rows.iter().map(|row| Ok(row.text(0)?)).collect()
}

/// A comment on a bead.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comment {
    /// UUIDv7.
    pub id: String,
    /// Who wrote it.
    pub author: String,
    /// Markdown.
    pub content: String,
    /// When it was written.
    pub created_at: Timestamp,
}

/// The newest `limit` comments on a bead, oldest first.
pub async fn comments<S: Statements>(
    statements: &S,
    bead_id: &str,
    limit: i64,
) -> Result<Vec<Comment>, StoreError> {
    let sql = "SELECT id, author, content, created_at FROM comment WHERE bead_id = ?1 ORDER BY created_at DESC, rowid DESC LIMIT ?2";
    let rows = statements
        .query(sql, vec![bead_id.into(), limit.into()])
        .await?;
    rows.iter()
        .rev()
        .map(|row| {
            Ok(Comment {
                id: row.text(0)?,
                author: row.text(1)?,
                content: row.text(2)?,
                created_at: Timestamp(row.integer(3)?),
            })
        })
        .collect()
}

/// Up to `limit` comments on a bead after the one with that time and id, oldest first.
pub async fn comments_page<S: Statements>(
    statements: &S,
    bead_id: &str,
    after: &(i64, String),
    limit: i64,
) -> Result<Vec<Comment>, StoreError> {
    let sql = "SELECT id, author, content, created_at FROM comment \
               WHERE bead_id = ?1 AND (created_at, rowid) > (?2, COALESCE((SELECT rowid FROM comment WHERE id = ?3), -1)) \
               ORDER BY created_at, rowid LIMIT ?4";
    let parameters = vec![
        bead_id.into(),
        after.0.into(),
        (&after.1).into(),
        limit.into(),
    ];
    let rows = statements.query(sql, parameters).await?;
    rows.iter()
        .map(|row| {
            Ok(Comment {
                id: row.text(0)?,
                author: row.text(1)?,
                content: row.text(2)?,
                created_at: Timestamp(row.integer(3)?),
            })
        })
        .collect()
}

/// One link between two beads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Edge {
    /// Where it starts: the blocker, the parent, or either one.
    pub from: String,
    /// Where it ends.
    pub to: String,
    /// `blocks`, `parent` or `related`.
    pub relationship: String,
}

/// All links between beads of a project, or of all.
pub async fn work_graph<S: Statements>(
    statements: &S,
    project_id: Option<&str>,
) -> Result<Vec<Edge>, StoreError> {
    let sql = "SELECT blocker_id, bead_id, 'blocks' FROM bead_blocker JOIN bead ON bead.id = bead_id \
                   WHERE deleted_at IS NULL AND (?1 IS NULL OR project_id = ?1) \
               UNION ALL SELECT parent, id, 'parent' FROM bead \
                   WHERE parent IS NOT NULL AND deleted_at IS NULL AND (?1 IS NULL OR project_id = ?1) \
               UNION ALL SELECT bead_id, related_id, 'related' FROM bead_related JOIN bead ON bead.id = bead_id \
                   WHERE deleted_at IS NULL AND (?1 IS NULL OR project_id = ?1)";
    let rows = statements.query(sql, vec![project_id.into()]).await?;
    rows.iter()
        .map(|row| {
            Ok(Edge {
                from: row.text(0)?,
                to: row.text(1)?,
                relationship: row.text(2)?,
            })
        })
        .collect()
}
