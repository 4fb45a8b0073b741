//! Org charts: the positions of each project, who fills them, and whether one more agent may join.

use loom_domain::{
    Refusal,
    agent::{Agent, AgentStatus},
    event::{EventKind, NewEvent},
    org_chart::{
        ChartPosition, Headcount, Limits, PositionInput, PositionStatus, Present, founding,
        may_join, replace,
    },
    project::Project,
    role::Role,
    time::Timestamp,
};
use loom_platform::{Random, Statements};
use serde::Serialize;

use crate::{StoreError, agent, catalogue, change::Change, project, row::time};

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

/// Adds an agent, if Loom, its project and its position have room for it. `max_agents` is the limit of the whole of
/// Loom (the variable of that name).
///
/// Refuses as [`may_join`] and [`agent::spawn`].
pub async fn hire<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    agent: Agent,
    max_agents: i64,
) -> Result<Agent, StoreError> {
    let sql = "SELECT COUNT(*) FROM agent";
    let row = change.tx.query_one(sql, vec![]).await?;
    let all = row.map_or(Ok(0), |row| row.integer(0))?;
    room(change, &agent, all, max_agents).await?;
    agent::spawn(change, agent).await
}

/// Whether an agent that is there already may go to the project and the role that it has in `after`.
///
/// Refuses as [`may_join`].
pub async fn may_move<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    before: &Agent,
    after: &Agent,
) -> Result<(), StoreError> {
    if (&before.project_id, &before.role) == (&after.project_id, &after.role) {
        return Ok(());
    }
    // In another position of its own project it takes up no more of the project's room.
    let stays = before.project_id == after.project_id;
    room_beside(change, after, i64::from(stays), 0, i64::MAX).await
}

async fn room<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    agent: &Agent,
    all: i64,
    max_agents: i64,
) -> Result<(), StoreError> {
    room_beside(change, agent, 0, all, max_agents).await
}

/// As [`may_join`]; `counted` of the project's agents is the agent itself.
async fn room_beside<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    agent: &Agent,
    counted: i64,
    all: i64,
    max_agents: i64,
) -> Result<(), StoreError> {
    let Some(project_id) = &agent.project_id else {
        let count = Headcount {
            all,
            ..Headcount::default()
        };
        let limits = Limits {
            all: max_agents,
            project: None,
            position: None,
        };
        return Ok(may_join(count, limits)?);
    };
    let project = project::get(change.tx, project_id).await?;
    let chart = get_or_make(change, project_id).await?;
    let present = present(change.tx, project_id).await?;
    let count = Headcount {
        all,
        project: present.values().sum::<i64>() - counted,
        role: present.get(&agent.role).copied().unwrap_or(0),
    };
    let limits = Limits {
        all: max_agents,
        project: Some(project.max_agents),
        position: chart
            .positions
            .iter()
            .find(|position| position.role == *agent.role.as_str()),
    };
    Ok(may_join(count, limits)?)
}

/// Makes the chart of a new project and spawns its team, one agent a role, each for this project alone and as its
/// role's default persona. `roles` may name a role several times.
///
/// Refuses with `invalid_fields` what the project can never have (more than its `max_agents`, or than a position has
/// places), and with `max_agents_reached` what the whole of Loom has no room for now.
pub async fn found<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    project: &Project,
    roles: &[Role],
    max_agents: i64,
) -> Result<Vec<Agent>, StoreError> {
    get_or_make(change, &project.id).await?;
    let mut team = Vec::with_capacity(roles.len());
    for (index, role) in roles.iter().enumerate() {
        let wanted = format!("{} ({})", role.display_name(), project.name);
        let new = Agent {
            id: String::new(),
            name: agent::free_name(change.tx, &wanted).await?,
            role: role.as_str().to_owned(),
            persona: catalogue::default_name(role),
            project_id: Some(project.id.clone()),
            provider_id: None,
            model: None,
            status: AgentStatus::Idle,
            status_reason: None,
            current_run: None,
            current_bead: None,
            version: 1,
            created_at: change.now,
            last_active_at: None,
        };
        team.push(
            hire(change, new, max_agents)
                .await
                .map_err(|error| as_input(error, index))?,
        );
    }
    Ok(team)
}

/// A new project's own limits are part of what is asked for.
fn as_input(error: StoreError, index: usize) -> StoreError {
    let StoreError::Refused(refusal) = &error else {
        return error;
    };
    let field = match refusal.code {
        "project_max_agents_reached" => "max_agents".to_owned(),
        "max_instances_reached" => format!("team[{index}]"),
        _ => return error,
    };
    let limit = refusal.details.get("limit").cloned().unwrap_or_default();
    Refusal::invalid(
        "invalid_fields",
        "The team has more agents than the project may have.",
    )
    .field(
        field,
        format!("the limit is {limit}, and the team has more"),
    )
    .into()
}

fn role(text: &str) -> Result<Role, StoreError> {
    Role::parse_any(text).map_err(|refusal| StoreError::Corrupt(refusal.message))
}
