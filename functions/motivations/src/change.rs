use axum::extract::State;
use http::StatusCode;
use loom_api::{Caller, Error, IfMatch, Json, Path, Tagged, version_of};
use loom_domain::motivation::{Motivation, MotivationInput};
use loom_platform::{Database, Platform, Transaction};
use loom_store::{Change, motivation};

use crate::list::tagged;

/// What is absent stays. Another condition begins anew: its next occurrence is planned from now on.
pub(crate) async fn change<P: Platform>(
    State(platform): State<P>,
    caller: Caller,
    Path(id): Path<String>,
    if_match: IfMatch,
    Json(input): Json<MotivationInput>,
) -> Result<Tagged<Json<Motivation>>, Error> {
    let tx = platform.database().transaction().await?;
    let change = Change::new(&tx, platform.random(), &caller.name).await?;
    let before = motivation::own(&tx, &id).await?;
    if_match.check(version_of(&before))?;
    let wanted = input.apply(before.clone(), change.now)?;
    if wanted == before {
        return Ok(tagged(before));
    }
    let motivation = motivation::update(&change, wanted).await?;
    tx.commit().await?;
    Ok(tagged(motivation))
}

/// It goes with its history. One that Loom ships can only be disabled.
pub(crate) async fn delete<P: Platform>(
    State(platform): State<P>,
    caller: Caller,
    Path(id): Path<String>,
    if_match: IfMatch,
) -> Result<StatusCode, Error> {
    let tx = platform.database().transaction().await?;
    let change = Change::new(&tx, platform.random(), &caller.name).await?;
    let before = motivation::get(&tx, &id).await?;
    if_match.check(version_of(&before))?;
    motivation::delete(&change, &before).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
