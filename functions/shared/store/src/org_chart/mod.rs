//! Org charts: the positions of each project, who fills them, and whether one more agent may join.

mod team;

use loom_domain::{
    agent::{Agent, AgentStatus},
    event::{EventKind, NewEvent},
    org_chart::{ChartPosition, PositionInput, PositionStatus, Present, founding, replace},
    role::Role,
    time::Timestamp,
};
use loom_platform::{Random, Statements};
use serde::Serialize;

use crate::{StoreError, agent, change::Change, project, row::time};

pub use team::{found, hire, may_move};

/// A project's chart as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chart {
    /// Its project.
    pub project_id: String,
    /// In the order in which they were given.
    pub positions: Vec<ChartPosition>,
    /// Grows by one with each change.
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its positions last changed.
    pub updated_at: Timestamp,
}

/// A project's chart with those who fill it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OrgChart {
    /// Its project.
    pub project_id: String,
    /// In the order in which they were given.
    pub positions: Vec<Seat>,
    /// The project's own agents whose role has no position.
    pub without_position: Vec<Member>,
    /// Grows by one with each change of the positions.
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its positions last changed.
    pub updated_at: Timestamp,
}

/// A position with the agents that fill it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Seat {
    /// What the position is.
    #[serde(flatten)]
    pub position: ChartPosition,
    /// Whether a person sits there; no agent ever does.
    pub is_person: bool,
    /// How far it is filled.
    pub status: PositionStatus,
    /// The agents that work for the project alone and have the role, oldest first.
    pub agents: Vec<Member>,
}

/// An agent in a chart.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Member {
    /// The agent.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Its role.
    pub role: String,
    /// Whether it can take work.
    pub status: AgentStatus,
    /// Why it is stuck.
    pub status_reason: Option<String>,
}

impl From<Agent> for Member {
    fn from(agent: Agent) -> Self {
        Self {
            id: agent.id,
            name: agent.name,
            role: agent.role,
            status: agent.status,
            status_reason: agent.status_reason,
        }
    }
}

/// The chart of a project, if it has one already.
pub async fn find<S: Statements>(
    statements: &S,
    project_id: &str,
) -> Result<Option<Chart>, StoreError> {
    let sql = "SELECT version, created_at, updated_at FROM org_chart WHERE project_id = ?1";
    let Some(row) = statements.query_one(sql, vec![project_id.into()]).await? else {
        return Ok(None);
    };
    let sql = "SELECT role, required, max_instances, reports_to FROM org_position WHERE project_id = ?1 ORDER BY place";
    let mut positions = Vec::new();
    for position in statements.query(sql, vec![project_id.into()]).await? {
        positions.push(ChartPosition {
            role: role(&position.text(0)?)?,
            required: position.boolean(1)?,
            max_instances: position.optional_integer(2)?,
            reports_to: match position.optional_text(3)? {
                Some(above) => Some(role(&above)?),
                None => None,
            },
        });
    }
    Ok(Some(Chart {
        project_id: project_id.to_owned(),
        positions,
        version: row.integer(0)?,
        created_at: time(&row, 1)?,
        updated_at: time(&row, 2)?,
    }))
}

/// The chart of a project; one that is older than charts gets the default one now.
///
/// Refuses with `project_not_found`.
pub async fn get_or_make<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    project_id: &str,
) -> Result<Chart, StoreError> {
    if let Some(chart) = find(change.tx, project_id).await? {
        return Ok(chart);
    }
    project::get(change.tx, project_id).await?;
    let present = present(change.tx, project_id).await?;
    let chart = Chart {
        project_id: project_id.to_owned(),
        positions: founding(&present),
        version: 1,
        created_at: change.now,
        updated_at: change.now,
    };
    let sql = "INSERT INTO org_chart (project_id, created_at, updated_at) VALUES (?1, ?2, ?2)";
    change
        .tx
        .execute(sql, vec![project_id.into(), change.now.0.into()])
        .await?;
    put_positions(change, &chart).await?;
    Ok(chart)
}

/// Replaces the positions of a chart, which must be as `chart` says. What is asked for may be what it is already.
///
/// Refuses with `invalid_fields`, as [`replace`].
pub async fn change_positions<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    mut chart: Chart,
    wanted: &[PositionInput],
) -> Result<Chart, StoreError> {
    let present = present(change.tx, &chart.project_id).await?;
    let positions = replace(&chart.positions, wanted, &present)?;
    if positions == chart.positions {
        return Ok(chart);
    }
    chart.positions = positions;
    chart.version += 1;
    chart.updated_at = change.now;
    let sql = "UPDATE org_chart SET version = ?2, updated_at = ?3 WHERE project_id = ?1";
    let values = vec![
        (&chart.project_id).into(),
        chart.version.into(),
        change.now.0.into(),
    ];
    change.tx.execute(sql, values).await?;
    let sql = "DELETE FROM org_position WHERE project_id = ?1";
    change
        .tx
        .execute(sql, vec![(&chart.project_id).into()])
        .await?;
    put_positions(change, &chart).await?;
    Ok(chart)
}

async fn put_positions<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    chart: &Chart,
) -> Result<(), StoreError> {
    for (place, position) in (0_i64..).zip(&chart.positions) {
        let sql = "INSERT INTO org_position (project_id, place, role, required, max_instances, reports_to) \
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        let values = vec![
            (&chart.project_id).into(),
            place.into(),
            position.role.as_str().into(),
            position.required.into(),
            position.max_instances.into(),
            position.reports_to.as_ref().map(Role::as_str).into(),
        ];
        change.tx.execute(sql, values).await?;
    }
    let event = NewEvent::new(EventKind::OrgChartUpdated)
        .project(&chart.project_id)
        .with("version", chart.version)
        .with("positions", chart.positions.len());
    change.event(event).await?;
    Ok(())
}

/// Removes the chart of a project that is deleted.
pub(crate) async fn forget<S: Statements>(tx: &S, project_id: &str) -> Result<(), StoreError> {
    for table in ["org_position", "org_chart"] {
        let sql = format!("DELETE FROM {table} WHERE project_id = ?1");
        tx.execute(&sql, vec![project_id.into()]).await?;
    }
    Ok(())
}

/// The chart with those who fill it.
pub async fn filled<S: Statements>(statements: &S, chart: Chart) -> Result<OrgChart, StoreError> {
    let mut agents = agent::of_project(statements, &chart.project_id).await?;
    let positions = chart
        .positions
        .into_iter()
        .map(|position| {
            let (mine, others): (Vec<Agent>, Vec<Agent>) = agents
                .drain(..)
                .partition(|agent| position.role == *agent.role.as_str());
            agents = others;
            Seat {
                is_person: position.role.is_human_seat(),
                status: position.status(i64::try_from(mine.len()).unwrap_or(i64::MAX)),
                agents: mine.into_iter().map(Member::from).collect(),
                position,
            }
        })
        .collect();
    Ok(OrgChart {
        project_id: chart.project_id,
        positions,
        without_position: agents.into_iter().map(Member::from).collect(),
        version: chart.version,
        created_at: chart.created_at,
        updated_at: chart.updated_at,
    })
}

/// How many agents a project has of each role.
pub async fn present<S: Statements>(
    statements: &S,
    project_id: &str,
) -> Result<Present, StoreError> {
    let sql = "SELECT role, COUNT(*) FROM agent WHERE project_id = ?1 GROUP BY role";
    let rows = statements.query(sql, vec![project_id.into()]).await?;
    rows.iter()
        .map(|row| Ok((row.text(0)?, row.integer(1)?)))
        .collect()
}

fn role(text: &str) -> Result<Role, StoreError> {
    Role::parse_any(text).map_err(|refusal| StoreError::Corrupt(refusal.message))
}
