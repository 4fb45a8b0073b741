use axum::extract::State;
use loom_api::{Caller, Created, Error, Json, Tagged};
use loom_domain::project::Project;
use loom_platform::{Database, Platform, Transaction};
use loom_store::{Change, project};

use crate::body::Registration;
use crate::team;

/// Registers a project and its team in one transaction.
///
/// `"team"` lists the roles of agents to spawn for it, each as its role's default persona; without it there are an
/// engineering manager, a QA engineer and a code reviewer, and `[]` spawns nobody.
pub(crate) async fn register<P: Platform>(
    State(platform): State<P>,
    caller: Caller,
    Json(registration): Json<Registration>,
) -> Result<Tagged<Created<Project>>, Error> {
    let prefix_is_chosen = registration.project.bead_prefix.is_some();
    let new = registration.project.register()?;
    let roles = team::roles(registration.team)?;
    let tx = platform.database().transaction().await?;
    let change = Change::new(&tx, platform.random(), &caller.name).await?;
    let project = project::register(&change, new, prefix_is_chosen).await?;
    team::spawn(&change, &project, &roles).await?;
    tx.commit().await?;
    let place = format!("/api/v1/projects/{}", project.id);
    Ok(Tagged(project.version, Created(place, project)))
}
