use axum::extract::State;
use loom_api::{Caller, Created, Error, Json, Tagged, version_of};
use loom_domain::motivation::{Motivation, MotivationInput};
use loom_platform::{Database, Platform, Transaction};
use loom_store::{Change, motivation, project};
use serde::{Deserialize, Serialize};

/// Makes a motivation of a project, active at once.
pub(crate) async fn create<P: Platform>(
    State(platform): State<P>,
    caller: Caller,
    Json(input): Json<MotivationInput>,
) -> Result<Tagged<Created<Motivation>>, Error> {
    let tx = platform.database().transaction().await?;
    let change = Change::new(&tx, platform.random(), &caller.name).await?;
    let new = input.create(change.now)?;
    let made = motivation::create(&change, new).await?;
    tx.commit().await?;
    let place = format!("/api/v1/motivations/{}", made.id);
    Ok(Tagged(version_of(&made), Created(place, made)))
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Which {
    /// Only this project; none = every open one.
    project_id: Option<String>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Adopted {
    status: &'static str,
    /// How many were made.
    count: usize,
}

/// Gives projects the default motivations that they lack, as the sweep does by itself. What was disabled stays so.
pub(crate) async fn defaults<P: Platform>(
    State(platform): State<P>,
    caller: Caller,
    Json(which): Json<Which>,
) -> Result<Json<Adopted>, Error> {
    let tx = platform.database().transaction().await?;
    let change = Change::new(&tx, platform.random(), &caller.name).await?;
    if let Some(id) = &which.project_id {
        project::get(&tx, id).await?;
    }
    let count = motivation::adopt(&change, which.project_id.as_deref()).await?;
    tx.commit().await?;
    Ok(Json(Adopted {
        status: "ok",
        count,
    }))
}
