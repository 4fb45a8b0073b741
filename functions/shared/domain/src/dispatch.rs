//! Who works on what: the rules of the tick that need no database.

use crate::{
    agent::{Agent, AgentStatus},
    bead::{Reason, ReasonCode},
    role::Role,
};

/// The role that takes work for which no other role is wanted.
const DEFAULT_ROLE: &str = "engineering-manager";

/// What matters of a bead when an agent is chosen for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted<'a> {
    /// The bead's project.
    pub project_id: &'a str,
    /// The only agent that may take it.
    pub assigned_to: Option<&'a str>,
    /// The role that it wants.
    pub role: Option<&'a str>,
}

/// Chooses an idle agent for a bead, or says why there is none.
///
/// The agent that the bead is assigned to; else an agent of the role that it wants; else, when the project has no such
/// agent at all or no role is wanted, its engineering manager; else any. Of several, the one that comes first in
/// `agents` (longest idle first). An agent bound to another project never.
pub fn choose_agent<'a>(wanted: Wanted<'_>, agents: &'a [Agent]) -> Result<&'a Agent, Reason> {
    let mine = || {
        agents.iter().filter(|agent| {
            agent
                .project_id
                .as_deref()
                .is_none_or(|id| id == wanted.project_id)
        })
    };
    let idle = |agent: &&Agent| agent.status == AgentStatus::Idle;
    if let Some(only) = wanted.assigned_to {
        return match mine().find(|agent| agent.id == only) {
            Some(agent) if agent.status == AgentStatus::Idle => Ok(agent),
            Some(agent) => Err(Reason::new(
                ReasonCode::NoIdleAgent,
                format!(
                    "It is assigned to agent {}, which is {}.",
                    agent.name,
                    agent.status.as_str()
                ),
            )),
            None => Err(Reason::new(
                ReasonCode::NoAgent,
                format!(
                    "It is assigned to agent {only}, which does not exist or works for another project."
                ),
            )),
        };
    }
    if mine().next().is_none() {
        return Err(Reason::new(
            ReasonCode::NoAgent,
            "Its project has no agent. Spawn one with POST /api/v1/agents.",
        ));
    }
    if wanted
        .role
        .is_some_and(|role| Role::parse(role).is_ok_and(|role| role.is_human_seat()))
    {
        return Err(Reason::new(
            ReasonCode::RequiresHuman,
            "It asks for the CEO, which is a person's seat. Assign it to an agent, or do it yourself.",
        ));
    }
    if let Some(role) = wanted
        .role
        .filter(|role| mine().any(|agent| agent.role == *role))
    {
        return mine()
            .filter(idle)
            .find(|agent| agent.role == role)
            .ok_or_else(|| {
                Reason::new(
                    ReasonCode::NoIdleAgent,
                    format!("It wants the role {role}, and no agent of that role is free."),
                )
            });
    }
    mine()
        .filter(idle)
        .find(|agent| agent.role == DEFAULT_ROLE)
        .or_else(|| mine().find(idle))
        .ok_or_else(|| Reason::new(ReasonCode::NoIdleAgent, "No agent of its project is free."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;

    fn agent(id: &str, role: &str, project: Option<&str>, status: AgentStatus) -> Agent {
        Agent {
            id: id.into(),
            name: id.into(),
            role: role.into(),
            persona: format!("default/{role}"),
            project_id: project.map(Into::into),
            provider_id: None,
            model: None,
            status,
            status_reason: None,
            current_run: None,
            current_bead: None,
            version: 1,
            created_at: Timestamp(0),
            last_active_at: None,
        }
    }

    #[test]
    fn who_is_chosen() {
        use AgentStatus::{Busy, Idle};
        let agents = [
            agent("other", "qa-engineer", Some("p2"), Idle),
            agent("qa", "qa-engineer", Some("p1"), Busy),
            agent("web", "web-designer", None, Idle),
            agent("em", "engineering-manager", Some("p1"), Idle),
        ];
        let chosen = |assigned_to, role| {
            choose_agent(
                Wanted {
                    project_id: "p1",
                    assigned_to,
                    role,
                },
                &agents,
            )
            .map(|agent| agent.id.clone())
            .map_err(|reason| reason.code)
        };
        assert_eq!(
            chosen(None, None),
            Ok("em".into()),
            "the engineering manager takes what nobody else is wanted for"
        );
        assert_eq!(chosen(None, Some("web-designer")), Ok("web".into()));
        assert_eq!(
            chosen(None, Some("qa-engineer")),
            Err(ReasonCode::NoIdleAgent),
            "a busy role is waited for"
        );
        assert_eq!(
            chosen(None, Some("cfo")),
            Ok("em".into()),
            "a role that nobody has falls to the engineering manager"
        );
        assert_eq!(chosen(Some("web"), Some("cfo")), Ok("web".into()));
        assert_eq!(chosen(None, Some("ceo")), Err(ReasonCode::RequiresHuman));
        assert_eq!(chosen(Some("qa"), None), Err(ReasonCode::NoIdleAgent));
        assert_eq!(
            chosen(Some("other"), None),
            Err(ReasonCode::NoAgent),
            "an agent of another project"
        );
        let nobody = choose_agent(
            Wanted {
                project_id: "p1",
                assigned_to: None,
                role: None,
            },
            &agents[..1],
        );
        assert_eq!(nobody.unwrap_err().code, ReasonCode::NoAgent);
    }
}
