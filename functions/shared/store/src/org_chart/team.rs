use loom_domain::{
    Refusal,
    agent::{Agent, AgentStatus},
    org_chart::{Headcount, Limits, may_join},
    project::Project,
    role::Role,
};
use loom_platform::{Random, Statements};

use super::{get_or_make, present};
use crate::{StoreError, agent, catalogue, change::Change, project};

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
    room(change, &agent, 0, all, max_agents).await?;
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
    room(change, after, i64::from(stays), 0, i64::MAX).await
}

/// As [`may_join`]; `counted` of the project's agents is the agent itself.
async fn room<S: Statements, R: Random>(
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
