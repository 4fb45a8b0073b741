use axum::extract::State;
use loom_api::{Caller, Created, Error, Json, Settings, Tagged, version_of};
use loom_domain::{
    agent::{Agent, AgentStatus},
    role::Role,
    time::Timestamp,
};
use loom_platform::{Database, Platform, Transaction};
use loom_store::{Change, agent, org_chart, project};

use crate::input::Input;

pub(crate) async fn spawn<P: Platform>(
    State(platform): State<P>,
    caller: Caller,
    Json(input): Json<Input>,
) -> Result<Tagged<Created<Agent>>, Error> {
    if input.role.is_none() && input.persona.is_none() {
        return Err(Error::invalid_fields().field("role", "is required, or persona"));
    }
    let max_agents = Settings::max_agents(&platform).await?;
    let tx = platform.database().transaction().await?;
    let change = Change::new(&tx, platform.random(), &caller.name).await?;
    let empty = Agent {
        id: String::new(),
        name: String::new(),
        role: String::new(),
        persona: String::new(),
        project_id: None,
        provider_id: None,
        model: None,
        status: AgentStatus::Idle,
        status_reason: None,
        current_run: None,
        current_bead: None,
        version: 1,
        created_at: Timestamp(0),
        last_active_at: None,
    };
    let mut new = input.apply(empty, platform.files(), &tx).await?;
    if new.name.is_empty() {
        let role = Role::parse_any(&new.role)?.display_name();
        let wanted = match &new.project_id {
            Some(id) => format!("{role} ({})", project::get(&tx, id).await?.name),
            None => role,
        };
        new.name = agent::free_name(&tx, &wanted).await?;
    }
    let agent = org_chart::hire(&change, new, max_agents).await?;
    tx.commit().await?;
    // A bead may have waited for just this agent.
    loom_api::nudge(&platform);
    let place = format!("/api/v1/agents/{}", agent.id);
    Ok(Tagged(version_of(&agent), Created(place, agent)))
}
