use loom_api::Error;
use loom_domain::{
    agent::{Agent, AgentStatus},
    project::Project,
    role::Role,
    time::Timestamp,
};
use loom_platform::{Random, Statements};
use loom_store::{Change, StoreError, agent, catalogue};

/// Who works on a project unless its registration says otherwise: one who does, one who tests, one who reviews.
const DEFAULT: [&str; 3] = ["engineering-manager", "qa-engineer", "code-reviewer"];
const MOST: usize = 32;

/// The roles of a team, checked: known, and none that belongs to a person.
pub(crate) fn roles(given: Option<Vec<String>>) -> Result<Vec<Role>, Error> {
    let given = given.unwrap_or_else(|| DEFAULT.map(str::to_owned).to_vec());
    if given.len() > MOST {
        return Err(
            Error::invalid_fields().field("team", format!("must have at most {MOST} roles"))
        );
    }
    let mut roles = Vec::new();
    for (index, text) in given.iter().enumerate() {
        let wrong =
            |problem: String| Error::invalid_fields().field(format!("team[{index}]"), problem);
        let role = Role::parse(text).map_err(|refusal| wrong(refusal.message))?;
        if role.is_human_seat() {
            let problem = format!("{role} is a person's seat; no agent can have it");
            return Err(wrong(problem));
        }
        roles.push(role);
    }
    Ok(roles)
}

/// Adds one agent a role, each for this project alone.
pub(crate) async fn spawn<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    project: &Project,
    roles: &[Role],
) -> Result<Vec<Agent>, StoreError> {
    let mut team = Vec::new();
    for role in roles {
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
            created_at: Timestamp(0),
            last_active_at: None,
        };
        team.push(agent::spawn(change, new).await?);
    }
    Ok(team)
}
