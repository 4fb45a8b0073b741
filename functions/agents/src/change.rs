use axum::extract::State;
use http::StatusCode;
use loom_api::{Caller, Error, IfMatch, Json, Path, Tagged, version_of};
use loom_domain::agent::Agent;
use loom_platform::{Database, Platform, Transaction};
use loom_store::{Change, agent, org_chart};

use crate::{input::Input, list::tagged};

/// What is absent stays. A run that is under way goes on as it began.
pub(crate) async fn change<P: Platform>(
    State(platform): State<P>,
    caller: Caller,
    Path(id): Path<String>,
    if_match: IfMatch,
    Json(input): Json<Input>,
) -> Result<Tagged<Json<Agent>>, Error> {
    let tx = platform.database().transaction().await?;
    let change = Change::new(&tx, platform.random(), &caller.name).await?;
    let before = agent::get(&tx, &id).await?;
    if_match.check(version_of(&before))?;
    let wanted = input.apply(before.clone(), platform.files(), &tx).await?;
    if wanted == before {
        return Ok(tagged(before));
    }
    org_chart::may_move(&change, &before, &wanted).await?;
    let agent = agent::update(&change, wanted).await?;
    tx.commit().await?;
    loom_api::nudge(&platform);
    Ok(tagged(agent))
}

pub(crate) async fn delete<P: Platform>(
    State(platform): State<P>,
    caller: Caller,
    Path(id): Path<String>,
    if_match: IfMatch,
) -> Result<StatusCode, Error> {
    let tx = platform.database().transaction().await?;
    let change = Change::new(&tx, platform.random(), &caller.name).await?;
    let before = agent::get(&tx, &id).await?;
    if_match.check(version_of(&before))?;
    agent::delete(&change, &before).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
