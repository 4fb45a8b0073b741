use axum::extract::State;
use loom_api::{Caller, Created, Error, Json, Settings, Tagged};
use loom_domain::project::Project;
use loom_platform::{Database, Platform, Transaction};
use loom_store::{Change, org_chart, project};

use crate::body::Registration;
use crate::{repository, team};

/// Registers a project with its org chart and its team in one transaction.
///
/// `"team"` lists the roles of agents to spawn for it, each as its role's default persona, and `[]` spawns nobody;
/// without it `"profile"` says how large the team is: `solo`, `startup` (the default) or `full`.
pub(crate) async fn register<P: Platform>(
    State(platform): State<P>,
    caller: Caller,
    Json(registration): Json<Registration>,
) -> Result<Tagged<Created<Project>>, Error> {
    let prefix_is_chosen = registration.project.bead_prefix.is_some();
    let new = registration.project.register()?;
    repository::check(&platform, &new).await?;
    let roles = team::roles(&registration.team)?;
    let max_agents = Settings::max_agents(&platform).await?;
    let tx = platform.database().transaction().await?;
    let change = Change::new(&tx, platform.random(), &caller.name).await?;
    let project = project::register(&change, new, prefix_is_chosen).await?;
    org_chart::found(&change, &project, &roles, max_agents).await?;
    tx.commit().await?;
    let place = format!("/api/v1/projects/{}", project.id);
    Ok(Tagged(project.version, Created(place, project)))
}
