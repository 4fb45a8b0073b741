use loom_domain::time::{MINUTE, Timestamp};
use loom_platform::Statements;
use serde::Serialize;

use super::facts::{last_work, live_projects};
use crate::{StoreError, row::optional_time};

/// After how long without work the view calls the system idle, in milliseconds, and after how long a project.
/// Motivations have their own limits.
const SYSTEM_IDLE: i64 = 30 * MINUTE;
const PROJECT_IDLE: i64 = 15 * MINUTE;

/// Who works, and since when nobody does.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct IdleState {
    /// No work has happened anywhere for half an hour.
    pub is_system_idle: bool,
    /// When work last happened anywhere; none while somebody works.
    pub system_idle_since: Option<Timestamp>,
    /// How long ago that was, in seconds.
    pub system_idle_seconds: i64,
    /// All agents.
    pub total_agents: i64,
    /// Agents at work.
    pub working_agents: i64,
    /// Agents that are free.
    pub idle_agents: i64,
    /// Agents that are held back.
    pub stuck_agents: i64,
    /// Beads that are not closed.
    pub total_beads: i64,
    /// Beads that wait to be worked on.
    pub open_beads: i64,
    /// Beads that are worked on.
    pub in_progress_beads: i64,
    /// Open projects in which no work has happened for a quarter of an hour.
    pub idle_projects: Vec<String>,
    /// When an agent last started or ended a run.
    pub last_agent_activity: Option<Timestamp>,
    /// When work last happened anywhere.
    pub last_activity: Option<Timestamp>,
    /// When this was read, by the database's clock.
    pub checked_at: Timestamp,
}

/// Who works, and since when nobody does.
pub async fn idle_state<S: Statements>(statements: &S) -> Result<IdleState, StoreError> {
    let now = crate::now(statements).await?;
    let sql = "SELECT COUNT(*), COALESCE(SUM(status = 'busy'), 0), COALESCE(SUM(status = 'idle'), 0), \
               COALESCE(SUM(status = 'stuck'), 0), MAX(last_active_at) FROM agent";
    let agents = statements.query_one(sql, vec![]).await?;
    let number = |place: usize| agents.as_ref().map_or(Ok(0), |row| row.integer(place));
    let sql = "SELECT project.id, (SELECT COUNT(*) FROM bead WHERE project_id = project.id AND status = 'open' AND deleted_at IS NULL), \
               (SELECT COUNT(*) FROM bead WHERE project_id = project.id AND status = 'in_progress' AND deleted_at IS NULL), \
               (SELECT COUNT(*) FROM bead WHERE project_id = project.id AND status = 'blocked' AND deleted_at IS NULL) \
               FROM project WHERE project.status = 'open' ORDER BY project.id";
    let projects = statements.query(sql, vec![]).await?;
    let live = live_projects(statements).await?;
    let (mut open, mut in_progress, mut blocked) = (0, 0, 0);
    let mut idle_projects = Vec::new();
    for row in &projects {
        let id = row.text(0)?;
        open += row.integer(1)?;
        in_progress += row.integer(2)?;
        blocked += row.integer(3)?;
        let last = last_work(statements, Some(&id)).await?;
        if !live.contains(&id) && last.is_some_and(|at| now.0 - at.0 >= PROJECT_IDLE) {
            idle_projects.push(id);
        }
    }
    let last = last_work(statements, None).await?;
    let since = last.filter(|_| live.is_empty());
    let seconds = since.map_or(0, |at| (now.0 - at.0).max(0) / 1_000);
    Ok(IdleState {
        is_system_idle: since.is_some_and(|at| now.0 - at.0 >= SYSTEM_IDLE),
        system_idle_since: since,
        system_idle_seconds: seconds,
        total_agents: number(0)?,
        working_agents: number(1)?,
        idle_agents: number(2)?,
        stuck_agents: number(3)?,
        total_beads: open + in_progress + blocked,
        open_beads: open,
        in_progress_beads: in_progress,
        idle_projects,
        last_agent_activity: agents
            .as_ref()
            .map_or(Ok(None), |row| optional_time(row, 4))?,
        last_activity: last,
        checked_at: now,
    })
}
