use axum::extract::State;
use loom_api::{Caller, Created, Error, Json, Path, Settings, Tagged, version_of};
use loom_domain::{
    account::Permission,
    agent::{Agent, AgentStatus},
    role::Role,
};
use loom_platform::{Database, Files, Platform, Random, Statements, Transaction};
use loom_store::{Change, agent, catalogue, org_chart, persona};
use serde::Deserialize;

use crate::input::{Input, wrong};

/// Both may be absent.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Wanted {
    /// Default: that of the original, with the first number that makes it free.
    name: Option<String>,
    /// As whom it works. Default: the original's persona. A persona that does not exist yet is made, with the text of
    /// the original's; without a `/` it is then one of the project's own for that role.
    persona: Option<String>,
}

/// Adds an agent that has the role, the project, the provider and the model of another one.
pub(crate) async fn clone<P: Platform>(
    State(platform): State<P>,
    caller: Caller,
    Path(id): Path<String>,
    Json(wanted): Json<Wanted>,
) -> Result<Tagged<Created<Agent>>, Error> {
    let max_agents = Settings::max_agents(&platform).await?;
    let tx = platform.database().transaction().await?;
    let change = Change::new(&tx, platform.random(), &caller.name).await?;
    let original = agent::get(&tx, &id).await?;
    let name = match wanted.name {
        Some(name) => name,
        None => agent::free_name(&tx, &original.name).await?,
    };
    let persona = match wanted.persona {
        None => original.persona.clone(),
        Some(asked) => persona_for(&change, &caller, platform.files(), &original, &asked).await?,
    };
    let input = Input {
        name: Some(name),
        role: Some(original.role.clone()),
        persona: Some(persona),
        ..Input::default()
    };
    // What the original does now, and what became of it, is its own.
    let like = Agent {
        status: AgentStatus::Idle,
        status_reason: None,
        current_run: None,
        current_bead: None,
        version: 1,
        last_active_at: None,
        ..original
    };
    let new = input.apply(like, platform.files(), &tx).await?;
    let agent = org_chart::hire(&change, new, max_agents).await?;
    tx.commit().await?;
    loom_api::nudge(&platform);
    let place = format!("/api/v1/agents/{}", agent.id);
    Ok(Tagged(version_of(&agent), Created(place, agent)))
}

/// The whole name of the persona that is asked for; one that does not exist is made from the original's text.
async fn persona_for<F: Files, S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    caller: &Caller,
    files: &F,
    original: &Agent,
    asked: &str,
) -> Result<String, Error> {
    let asked = asked.trim();
    if !catalogue::is_name(asked) {
        let problem =
            "must be one to four folders of lower-case letters, digits, - and _, such as strict";
        return Err(wrong("persona", problem));
    }
    let shipped = if asked.contains('/') {
        asked.to_owned()
    } else {
        format!("default/{asked}")
    };
    if catalogue::find(files, change.tx, &shipped).await?.is_some() {
        return Ok(shipped);
    }
    let name = if asked.contains('/') {
        shipped
    } else {
        let project = original.project_id.as_deref().unwrap_or("all");
        format!("projects/{project}/{}/{asked}", original.role)
    };
    if catalogue::find(files, change.tx, &name).await?.is_some() {
        return Ok(name);
    }
    caller.require(Permission::PersonasWrite)?;
    let Some(source) = catalogue::find(files, change.tx, &original.persona).await? else {
        let problem = format!(
            "the original's persona {} does not exist, so {name} cannot be made from it",
            original.persona
        );
        return Err(wrong("persona", problem));
    };
    let text = named(&source.content, &name, &source.persona.role);
    if let Err(problem) = catalogue::parse(&name, &text) {
        return Err(wrong("persona", problem.to_string()));
    }
    persona::put(change, &name, &text).await?;
    Ok(name)
}

/// The text of a persona under another name: its front matter has that name, and says the role, which the folder of
/// the name may not say.
fn named(text: &str, name: &str, role: &Role) -> String {
    let mut lines = text.lines();
    let mut renamed = String::with_capacity(text.len() + 80);
    if let Some(fence) = lines.next() {
        renamed.push_str(fence);
        renamed.push_str(&format!("\nname: {name}\nrole: {role}\n"));
    }
    let mut in_front = true;
    for line in lines {
        in_front &= line.trim_end() != "---";
        let is_replaced = in_front && (line.starts_with("name:") || line.starts_with("role:"));
        if !is_replaced {
            renamed.push_str(line);
            renamed.push('\n');
        }
    }
    renamed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copied_persona_has_its_own_name() {
        let role = Role::parse("qa").unwrap();
        let text =
            "---\nname: qa-engineer\ndescription: Tests.\nrole: qa-engineer\n---\nname: stays\n";
        assert_eq!(
            named(text, "projects/p/qa-engineer/strict", &role),
            "---\nname: projects/p/qa-engineer/strict\nrole: qa-engineer\ndescription: Tests.\n---\nname: stays\n"
        );
    }
}
