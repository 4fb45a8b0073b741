use axum::extract::State;
use loom_api::{Caller, Error, Json, Path, Tagged};
use loom_domain::motivation::Motivation;
use loom_platform::{Database, Platform, Transaction};
use loom_store::{
    Change,
    motivation::{self, IdleState},
};
use serde::Deserialize;

use crate::list::tagged;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ForProject {
    /// The project that gets a motivation of the template; for a project's own it may be left out.
    project_id: Option<String>,
}

/// Has a motivation fire from now on, and answers with it: for a template, with the project's own.
pub(crate) async fn enable<P: Platform>(
    State(platform): State<P>,
    caller: Caller,
    Path(id): Path<String>,
    Json(which): Json<ForProject>,
) -> Result<Tagged<Json<Motivation>>, Error> {
    let tx = platform.database().transaction().await?;
    let change = Change::new(&tx, platform.random(), &caller.name).await?;
    let motivation = motivation::enable(&change, &id, which.project_id.as_deref()).await?;
    tx.commit().await?;
    Ok(tagged(motivation))
}

pub(crate) async fn disable<P: Platform>(
    State(platform): State<P>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Tagged<Json<Motivation>>, Error> {
    let tx = platform.database().transaction().await?;
    let change = Change::new(&tx, platform.random(), &caller.name).await?;
    let motivation = motivation::disable(&change, &id).await?;
    tx.commit().await?;
    Ok(tagged(motivation))
}

pub(crate) async fn idle<P: Platform>(State(platform): State<P>) -> Result<Json<IdleState>, Error> {
    Ok(Json(motivation::idle_state(platform.database()).await?))
}
