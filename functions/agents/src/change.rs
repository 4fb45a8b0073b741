use axum::extract::State;
use http::StatusCode;
use loom_api::{Caller, Error, IfMatch, Json, Path, Tagged, version_of};
use loom_domain::agent::Agent;
use loom_platform::{Database, Platform, Transaction};
use loom_store::{Change, agent, org_chart};

use crate::{input::Input, list::tagged};

/// What is absent stays. A run that is under way goes on as it began. An agent that is stuck is tried again when its
/// persona, its provider or its model is another one.
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
    let works_otherwise = (&before.persona, &before.provider_id, &before.model)
        != (&wanted.persona, &wanted.provider_id, &wanted.model);
    let mut agent = agent::update(&change, wanted).await?;
    if works_otherwise {
        agent::try_again(&change, &before, "It works in another way now.").await?;
        agent = agent::get(&tx, &id).await?;
    }
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
