use super::ChartPosition;
use crate::Refusal;

/// How many agents may work for one project alone, unless the project says otherwise.
pub const DEFAULT_MAX_AGENTS: i64 = 32;
/// The most that a project may ask for.
pub const MOST_AGENTS: i64 = 256;

/// How many agents there are already, without the one that is to join.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Headcount {
    /// In all of Loom.
    pub all: i64,
    /// For the project alone.
    pub project: i64,
    /// Of those, with the role.
    pub role: i64,
}

/// How many agents there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits<'a> {
    /// In all of Loom: the variable `max_agents`.
    pub all: i64,
    /// For the project alone; none when the agent is to work for any project.
    pub project: Option<i64>,
    /// The position that the agent would fill; none when the chart has none for its role, which limits nothing.
    pub position: Option<&'a ChartPosition>,
}

/// Whether one more agent may join.
///
/// # Errors
/// A conflict whose code names the limit: `max_agents_reached`, `project_max_agents_reached` or
/// `max_instances_reached`; `details` has the limit and the number of agents.
pub fn may_join(count: Headcount, limits: Limits<'_>) -> Result<(), Refusal> {
    if count.all >= limits.all {
        let message = format!(
            "Loom has {} agents, and its limit is {}. Delete one that is not needed, or raise the variable max_agents.",
            count.all, limits.all
        );
        return Err(reached(
            "max_agents_reached",
            message,
            count.all,
            limits.all,
        ));
    }
    if let Some(most) = limits.project.filter(|most| count.project >= *most) {
        let message = format!(
            "The project has {} agents, and its limit is {most}. Delete one that is not needed, or raise max_agents with \
             PUT /api/v1/projects/{{id}}.",
            count.project
        );
        return Err(reached(
            "project_max_agents_reached",
            message,
            count.project,
            most,
        ));
    }
    let Some(position) = limits.position else {
        return Ok(());
    };
    if let Some(most) = position.max_instances.filter(|most| count.role >= *most) {
        let message = format!(
            "The project has {} of its {most} agents in the position {}. Delete one of them, or raise max_instances with \
             PUT /api/v1/org-charts/{{project_id}}.",
            count.role, position.role
        );
        return Err(reached("max_instances_reached", message, count.role, most));
    }
    Ok(())
}

fn reached(code: &'static str, message: String, agents: i64, limit: i64) -> Refusal {
    Refusal::conflict(code, message)
        .detail("agents", agents)
        .detail("limit", limit)
}
