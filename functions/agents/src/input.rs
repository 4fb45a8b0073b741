use loom_api::Error;
use loom_domain::{agent::Agent, role::Role};
use loom_platform::{Files, Statements};
use loom_store::{StoreError, catalogue, project, provider};
use serde::{Deserialize, Deserializer};

/// What is asked for when an agent is spawned or changed.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Input {
    /// Default when spawning: the persona's name for people, and the project's.
    pub(crate) name: Option<String>,
    /// What it does. Default: its persona's role.
    pub(crate) role: Option<String>,
    /// As whom it works; without a `/` it is one of `default/`. Default: that of its role.
    pub(crate) persona: Option<String>,
    /// The only project it works for; `null` = any.
    #[serde(deserialize_with = "present")]
    pub(crate) project_id: Option<Option<String>>,
    /// The provider it calls; `null` = the first healthy one.
    #[serde(deserialize_with = "present")]
    pub(crate) provider_id: Option<Option<String>>,
    /// The model it asks for; `null` = the provider's.
    #[serde(deserialize_with = "present")]
    pub(crate) model: Option<Option<String>>,
}

/// Tells a field that is `null` from one that is absent.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

impl Input {
    /// `agent` with these fields in place of its own, checked against what there is.
    pub(crate) async fn apply<F: Files, S: Statements>(
        self,
        mut agent: Agent,
        files: &F,
        statements: &S,
    ) -> Result<Agent, Error> {
        if let Some(name) = self.name {
            agent.name = name.trim().to_owned();
            let length = agent.name.chars().count();
            if length == 0 || length > 100 || agent.name.chars().any(char::is_control) {
                return Err(wrong("name", "must be one line of 1 to 100 characters"));
            }
        }
        if self.role.is_some() || self.persona.is_some() {
            (agent.role, agent.persona) = work(self.role, self.persona, files, statements).await?;
        }
        if let Some(project_id) = self.project_id {
            if let Some(id) = &project_id {
                let found = project::get(statements, id).await.map(|_| ());
                known("project_id", id, found)?;
            }
            agent.project_id = project_id;
        }
        if let Some(provider_id) = self.provider_id {
            if let Some(id) = &provider_id {
                let found = provider::get(statements, id).await.map(|_| ());
                known("provider_id", id, found)?;
            }
            agent.provider_id = provider_id;
        }
        if let Some(model) = self.model {
            let model = model.map(|model| model.trim().to_owned());
            agent.model = model.filter(|model| !model.is_empty());
            if agent.model.as_ref().is_some_and(|model| model.len() > 200) {
                return Err(wrong("model", "must be at most 200 characters"));
            }
        }
        Ok(agent)
    }
}

/// The role and the persona that are asked for, each from the other where only one is given.
async fn work<F: Files, S: Statements>(
    role: Option<String>,
    persona: Option<String>,
    files: &F,
    statements: &S,
) -> Result<(String, String), Error> {
    let asked = match role.as_deref().map(Role::parse_any) {
        Some(Err(refusal)) => return Err(wrong("role", refusal.message)),
        Some(Ok(role)) => Some(role),
        None => None,
    };
    let name = match (persona, &asked) {
        (Some(name), _) if name.contains('/') || name == "loom" => name,
        (Some(name), _) => format!("default/{name}"),
        (None, Some(role)) => catalogue::default_name(role),
        (None, None) => return Err(wrong("role", "is required, or persona")),
    };
    let Some(found) = catalogue::find(files, statements, &name).await? else {
        let Some(asked) = asked.filter(|role| catalogue::default_name(role) == name) else {
            let problem = format!("there is no persona {name}; GET /api/v1/personas lists them");
            return Err(wrong("persona", problem));
        };
        // A role is unknown when it is neither known to Loom nor any persona's.
        let problem = match Role::parse(asked.as_str()) {
            Err(refusal) => refusal.message,
            Ok(_) => format!("there is no persona {name} for it"),
        };
        return Err(wrong("role", problem));
    };
    let role = &found.persona.role;
    if let Some(asked) = asked
        && asked != *role
    {
        let problem = format!("must be {role}, the role of the persona {name}, or absent");
        return Err(wrong("role", problem));
    }
    if role.is_human_seat() {
        let problem = format!("{role} is a person's seat; no agent can have it");
        return Err(wrong("role", problem));
    }
    Ok((role.as_str().to_owned(), name))
}

fn known(field: &str, id: &str, found: Result<(), StoreError>) -> Result<(), Error> {
    match found {
        Err(StoreError::Refused(_)) => Err(wrong(field, format!("{id} does not exist"))),
        other => Ok(other?),
    }
}

pub(crate) fn wrong(field: &str, problem: impl Into<String>) -> Error {
    Error::invalid_fields().field(field, problem)
}
