//! Who works on the bead, and along which workflow.

use super::api::Api;
use super::id_of;
use super::paint::row;
use super::specimen::NAME;
use super::stage::{BRANCH, Repository};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The roles that the bug workflow needs.
const ROLES: [&str; 3] = ["qa-engineer", "product-manager", "engineering-manager"];
const TEST_COMMAND: &str = "cargo test --offline";

/// The project and its agents.
pub(super) struct Team {
    pub(super) project_id: String,
    /// The agents' names by their ids.
    names: BTreeMap<String, String>,
}

impl Team {
    /// What to call whoever has this id: an agent, or a person, who has none.
    pub(super) fn name(&self, agent_id: &str) -> &str {
        match self.names.get(agent_id) {
            Some(name) => name,
            None if agent_id.is_empty() => "a person",
            None => "another agent",
        }
    }
}

/// Registers the project with its team.
pub(super) async fn register(api: &Api, repository: &Repository) -> Result<Team, String> {
    let project = json!({
        "name": NAME,
        "description": "String similarity metrics",
        "git_repo": repository.path,
        "branch": BRANCH,
        "git_strategy": "direct",
        "test_command": TEST_COMMAND,
        "team": ROLES,
    });
    let project = api.post("/api/v1/projects", &project).await?;
    let project_id = id_of(&project)?;
    let path = format!("/api/v1/agents?project_id={project_id}");
    let agents = api.get(&path).await?;
    // The project's name, which Loom adds to tell the agents of several projects apart, says nothing here.
    let suffix = format!(" ({NAME})");
    let mut names = BTreeMap::new();
    let mut in_order = Vec::new();
    for role in ROLES {
        let all = agents.as_array().into_iter().flatten();
        for agent in all.filter(|agent| text(agent, "role") == role) {
            let name = text(agent, "name");
            let name = name.strip_suffix(&suffix).unwrap_or(name);
            names.insert(id_of(agent)?, name.to_owned());
            in_order.push(name);
        }
    }
    let what = format!("{NAME}, merged directly once `{TEST_COMMAND}` passes");
    row("project", &what);
    row("team", &in_order.join(", "));
    Ok(Team { project_id, names })
}

/// The workflow that a bead follows: its name, and which role works at which node.
pub(super) async fn workflow(api: &Api, bead_id: &str) -> Result<String, String> {
    let path = format!("/api/v1/workflows/executions?bead_id={bead_id}");
    let executions = api.get(&path).await?;
    let id = executions
        .get(0)
        .map(|execution| text(execution, "workflow_id"));
    let Some(id) = id else {
        return Err(format!("{bead_id} follows no workflow"));
    };
    let workflow = api.get(&format!("/api/v1/workflows/{id}")).await?;
    let nodes = workflow.get("nodes").and_then(Value::as_array);
    let nodes: Vec<String> = nodes
        .into_iter()
        .flatten()
        .map(|node| {
            let (key, role) = (text(node, "node_key"), text(node, "role_required"));
            format!("{key} ({role})")
        })
        .collect();
    Ok(format!("{}: {}", text(&workflow, "name"), nodes.join(", ")))
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}
