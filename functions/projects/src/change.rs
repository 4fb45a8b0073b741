use axum::extract::State;
use http::StatusCode;
use loom_api::{Caller, Error, IfMatch, Json, Path, Tagged};
use loom_domain::{
    event::EventKind,
    project::{Project, ProjectInput},
};
use loom_platform::{Database, Platform, Transaction};
use loom_store::{Change, org_chart, project};

use crate::repository;

/// What is absent stays.
pub(crate) async fn change<P: Platform>(
    State(platform): State<P>,
    caller: Caller,
    Path(id): Path<String>,
    if_match: IfMatch,
    Json(input): Json<ProjectInput>,
) -> Result<Tagged<Json<Project>>, Error> {
    if input.git_repo.is_some() {
        let before = project::get(platform.database(), &id).await?;
        repository::check(&platform, &input.clone().apply(before)?).await?;
    }
    let tx = platform.database().transaction().await?;
    let change = Change::new(&tx, platform.random(), &caller.name).await?;
    let before = project::get(&tx, &id).await?;
    if_match.check(before.version)?;
    let wanted = input.apply(before.clone())?;
    if wanted == before {
        return Ok(Tagged(before.version, Json(before)));
    }
    if wanted.max_agents < before.max_agents {
        let present = org_chart::present(&tx, &id).await?;
        let agents: i64 = present.values().sum();
        if wanted.max_agents < agents {
            let problem = format!("must be at least {agents}, the agents that it has");
            return Err(Error::invalid_fields().field("max_agents", problem));
        }
    }
    let project = project::update(&change, wanted, EventKind::ProjectUpdated).await?;
    tx.commit().await?;
    // More room or money may be what its beads waited for.
    loom_api::nudge(&platform);
    Ok(Tagged(project.version, Json(project)))
}

/// Only a project without beads can go, and its agents go with it; others are closed.
pub(crate) async fn delete<P: Platform>(
    State(platform): State<P>,
    caller: Caller,
    Path(id): Path<String>,
    if_match: IfMatch,
) -> Result<StatusCode, Error> {
    let tx = platform.database().transaction().await?;
    let change = Change::new(&tx, platform.random(), &caller.name).await?;
    let before = project::get(&tx, &id).await?;
    if_match.check(before.version)?;
    project::delete(&change, &id).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
