use loom_platform::Statements;

use super::{COLUMNS, from_row};
use crate::{
    StoreError,
    row::{json, optional_json},
};
use loom_domain::bead::Bead;

/// What the tick needs to know of a ready bead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The bead.
    pub id: String,
    /// Its project.
    pub project_id: String,
    /// The role that it wants.
    pub wanted_role: Option<String>,
    /// The only agent that may take it.
    pub assigned_to: Option<String>,
    /// The agent whose work is to be judged: it may not take it.
    pub author_agent: Option<String>,
    /// 0 to 3.
    pub priority: i64,
    /// When it was filed.
    pub created_at: i64,
    /// Globs of the paths that it will change.
    pub touches: Vec<String>,
}

/// The condition of the index `bead_ready`, word for word: the planner compares them.
const READY: &str = "status = 'open' AND open_blockers = 0 AND open_decisions = 0 AND requires_human = 0 AND retry_at IS NULL";

/// The roles that ready beads of a project want, without reading the beads: one index seek a role.
pub async fn ready_roles<S: Statements>(
    statements: &S,
    project_id: &str,
) -> Result<Vec<Option<String>>, StoreError> {
    let sql = format!(
        "WITH RECURSIVE role (name) AS ( \
             SELECT (SELECT MIN(wanted_role) FROM bead INDEXED BY bead_ready WHERE project_id = ?1 AND wanted_role > '' AND {READY}) \
             UNION ALL \
             SELECT (SELECT MIN(wanted_role) FROM bead INDEXED BY bead_ready WHERE project_id = ?1 AND wanted_role > role.name AND {READY}) \
             FROM role WHERE role.name IS NOT NULL \
         ) SELECT name FROM role WHERE name IS NOT NULL \
         UNION ALL SELECT NULL WHERE EXISTS (SELECT 1 FROM bead INDEXED BY bead_ready WHERE project_id = ?1 AND wanted_role IS NULL AND {READY})"
    );
    let rows = statements.query(&sql, vec![project_id.into()]).await?;
    rows.iter().map(|row| Ok(row.optional_text(0)?)).collect()
}

/// The next `limit` ready beads of a project that want `role`: urgent first, then oldest first (invariant I4).
pub async fn ready<S: Statements>(
    statements: &S,
    project_id: &str,
    role: Option<&str>,
    limit: i64,
) -> Result<Vec<Candidate>, StoreError> {
    let sql = format!(
        "SELECT id, wanted_role, assigned_to, priority, created_at, touches, author_agent FROM bead INDEXED BY bead_ready \
         WHERE project_id = ?1 AND wanted_role IS ?2 AND {READY} ORDER BY priority, created_at, id LIMIT ?3"
    );
    let rows = statements
        .query(&sql, vec![project_id.into(), role.into(), limit.into()])
        .await?;
    rows.iter()
        .map(|row| {
            Ok(Candidate {
                id: row.text(0)?,
                project_id: project_id.to_owned(),
                wanted_role: row.optional_text(1)?,
                assigned_to: row.optional_text(2)?,
                priority: row.integer(3)?,
                created_at: row.integer(4)?,
                touches: json(row, 5)?,
                author_agent: row.optional_text(6)?,
            })
        })
        .collect()
}

/// The globs of the beads that runs of a project work on now. A waiting run writes nothing, so it is not among them.
pub async fn live_touches<S: Statements>(
    statements: &S,
    project_id: &str,
) -> Result<Vec<(String, Vec<String>)>, StoreError> {
    let sql = "SELECT bead.id, bead.touches FROM run JOIN bead ON bead.id = run.bead_id \
               WHERE run.project_id = ?1 AND run.status IN ('queued', 'running')";
    let rows = statements.query(sql, vec![project_id.into()]).await?;
    rows.iter()
        .map(|row| Ok((row.text(0)?, optional_json(row, 1)?.unwrap_or_default())))
        .collect()
}

/// A place in the list of ready beads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadyPosition {
    /// 0 to 3.
    pub priority: i64,
    /// When the bead was filed.
    pub created_at: i64,
    /// The bead.
    pub id: String,
}

/// Ready beads of all open projects, or of one, urgent first: what `GET /api/v1/beads/ready` shows.
pub async fn list_ready<S: Statements>(
    statements: &S,
    project_id: Option<&str>,
    after: Option<&ReadyPosition>,
    limit: i64,
) -> Result<Vec<Bead>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM bead JOIN project ON project.id = bead.project_id \
         WHERE bead.id IN (SELECT id FROM bead WHERE (?1 IS NULL OR project_id = ?1) AND {READY}) AND project.status = 'open' \
         AND (?3 IS NULL OR (bead.priority, bead.created_at, bead.id) > (?3, ?4, ?5)) \
         ORDER BY bead.priority, bead.created_at, bead.id LIMIT ?2"
    );
    let parameters = vec![
        project_id.into(),
        limit.into(),
        after.map(|after| after.priority).into(),
        after.map(|after| after.created_at).into(),
        after.map(|after| after.id.clone()).into(),
    ];
    statements
        .query(&sql, parameters)
        .await?
        .iter()
        .map(from_row)
        .collect()
}
