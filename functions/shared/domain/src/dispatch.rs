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
    /// The agent whose work is to be judged, which may not judge it itself.
    pub author: Option<&'a str>,
}

/// Chooses an idle agent for a bead, or says why there is none.
///
/// The agent that the bead is assigned to; else an agent of the role that it wants; else, when the project has no such
/// agent at all or no role is wanted, its engineering manager; else any. Of several, the one that comes first in
/// `agents` (longest idle first). An agent bound to another project never, and never the author of what is judged.
pub fn choose_agent<'a>(wanted: Wanted<'_>, agents: &'a [Agent]) -> Result<&'a Agent, Reason> {
    let mine = || {
        agents.iter().filter(|agent| {
            Some(agent.id.as_str()) != wanted.author
                && agent
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
                    state(agent)
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
    // Whatever spelling was stored with the bead, roles are compared in the canonical one.
    let role = wanted.role.and_then(|role| Role::parse_any(role).ok());
    if role.as_ref().is_some_and(Role::is_human_seat) {
        return Err(Reason::new(
            ReasonCode::RequiresHuman,
            "It asks for the CEO, which is a person's seat. Assign it to an agent, or do it yourself.",
        ));
    }
    // An agent's is canonical from when it was spawned.
    let has = |agent: &Agent, role: &Role| *role == *agent.role.as_str();
    if let Some(role) = role.filter(|role| mine().any(|agent| has(agent, role))) {
        return mine()
            .filter(idle)
            .find(|agent| has(agent, &role))
            .ok_or_else(|| {
                let message =
                    format!("It wants the role {role}, and no agent of that role is free");
                none_idle(&message, mine().filter(|agent| has(agent, &role)))
            });
    }
    mine()
        .filter(idle)
        .find(|agent| agent.role == DEFAULT_ROLE)
        .or_else(|| mine().find(idle))
        .ok_or_else(|| none_idle("No agent of its project is free", mine()))
}

/// That all of them are busy or stuck; who is stuck is named, so that it can be mended.
fn none_idle<'a>(message: &str, agents: impl Iterator<Item = &'a Agent>) -> Reason {
    let stuck: Vec<String> = agents
        .filter(|agent| agent.status == AgentStatus::Stuck)
        .take(3)
        .map(|agent| format!("{} is {}", agent.name, state(agent)))
        .collect();
    let message = match stuck.as_slice() {
        [] => format!("{message}."),
        stuck => format!("{message}. {}.", stuck.join(". ")),
    };
    Reason::new(ReasonCode::NoIdleAgent, message)
}

/// What an agent does now, and for one that is stuck why, and how it gets free.
fn state(agent: &Agent) -> String {
    match (agent.status, agent.status_reason.as_deref()) {
        (AgentStatus::Stuck, Some(reason)) => format!(
            "stuck: {}. It is tried again half an hour after it got stuck, or at once with POST /api/v1/agents/{}/reset",
            reason.trim_end_matches('.'),
            agent.id
        ),
        (status, _) => status.as_str().to_owned(),
    }
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
                    author: None,
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
        let judge = Wanted {
            project_id: "p1",
            assigned_to: None,
            role: Some("web-designer"),
            author: Some("web"),
        };
        assert_eq!(
            choose_agent(judge, &agents).map(|agent| agent.id.as_str()),
            Ok("em"),
            "nobody judges their own work"
        );
        let nobody = choose_agent(
            Wanted {
                project_id: "p1",
                assigned_to: None,
                role: None,
                author: None,
            },
            &agents[..1],
        );
        assert_eq!(nobody.unwrap_err().code, ReasonCode::NoAgent);
    }

    #[test]
    fn roles_are_compared_in_their_canonical_spelling() {
        let agents = [
            agent("em", "engineering-manager", None, AgentStatus::Idle),
            agent("qa", "qa-engineer", None, AgentStatus::Idle),
            agent("data", "data-engineer", None, AgentStatus::Idle),
        ];
        for (role, expected) in [
            ("QA", "qa"),
            ("default/qa-engineer", "qa"),
            ("coder", "em"),
            ("Data Engineer", "data"),
            ("qa engineers", "em"),
            ("engineer", "em"),
        ] {
            let wanted = Wanted {
                project_id: "p1",
                assigned_to: None,
                role: Some(role),
                author: None,
            };
            assert_eq!(
                choose_agent(wanted, &agents).unwrap().id,
                expected,
                "{role}"
            );
        }
        let wanted = Wanted {
            project_id: "p1",
            assigned_to: None,
            role: Some("Chief Executive Officer"),
            author: None,
        };
        let refused = choose_agent(wanted, &agents).unwrap_err();
        assert_eq!(refused.code, ReasonCode::RequiresHuman);
    }

    #[test]
    fn who_is_stuck_gets_nothing_and_is_named() {
        let mut stuck = agent("qa", "qa-engineer", None, AgentStatus::Stuck);
        stuck.status_reason = Some("It went round in circles.".to_owned());
        let idle = agent("em", "engineering-manager", None, AgentStatus::Idle);
        let agents = [stuck, idle];
        let choose = |assigned_to, role, agents| {
            let wanted = Wanted {
                project_id: "p1",
                assigned_to,
                role,
                author: None,
            };
            choose_agent(wanted, agents)
        };
        assert_eq!(choose(None, None, &agents).unwrap().id, "em");
        for refused in [
            choose(None, Some("qa"), &agents),
            choose(Some("qa"), None, &agents),
            choose(None, None, &agents[..1]),
        ] {
            let reason = refused.unwrap_err();
            assert_eq!(reason.code, ReasonCode::NoIdleAgent);
            assert!(
                reason
                    .message
                    .contains("stuck: It went round in circles. It is tried again"),
                "{}",
                reason.message
            );
            assert!(reason.message.contains("/api/v1/agents/qa/reset."));
        }
    }
}
