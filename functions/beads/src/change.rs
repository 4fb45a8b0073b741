use axum::extract::State;
use http::StatusCode;
use loom_api::{Caller, Error, IfMatch, Json, Path, Tagged};
use loom_domain::bead::{Bead, BeadInput};
use loom_platform::{Database, Platform, Transaction};
use loom_store::{Change, bead};

use crate::work::nudge_after;

/// `PUT` and `PATCH` alike: what is absent stays, `null` removes, lists are replaced whole, and the context is merged
/// key by key. So no client can lose a field that it doesn't know.
pub(crate) async fn change<P: Platform>(
    State(platform): State<P>,
    caller: Caller,
    Path(id): Path<String>,
    if_match: IfMatch,
    Json(input): Json<BeadInput>,
) -> Result<Tagged<Json<Bead>>, Error> {
    let input = input.checked()?;
    let tx = platform.database().transaction().await?;
    let change = Change::new(&tx, platform.random(), &caller.name).await?;
    let before = bead::get(&tx, &id).await?;
    if_match.check(before.version)?;
    let bead = bead::update(&change, &before, input).await?;
    tx.commit().await?;
    if bead.version != before.version {
        nudge_after(&platform, &bead);
    }
    Ok(Tagged(bead.version, Json(bead)))
}

pub(crate) async fn delete<P: Platform>(
    State(platform): State<P>,
    caller: Caller,
    Path(id): Path<String>,
    if_match: IfMatch,
) -> Result<StatusCode, Error> {
    let tx = platform.database().transaction().await?;
    let change = Change::new(&tx, platform.random(), &caller.name).await?;
    let before = bead::get(&tx, &id).await?;
    if_match.check(before.version)?;
    bead::delete(&change, &before).await?;
    tx.commit().await?;
    loom_api::nudge(&platform);
    Ok(StatusCode::NO_CONTENT)
}
