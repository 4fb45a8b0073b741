use axum::extract::State;
use http::StatusCode;
use loom_api::{Caller, Created, Error, IfMatch, Json, Path, Tagged, version_of};
use loom_domain::connector::ConnectorInput;
use loom_platform::{Database, Platform, Transaction};
use loom_store::{Change, connector};

use crate::{list::View, settings::Settings};

/// Makes a connector, active at once: its secrets must be there, and its host allowed.
pub(crate) async fn create<P: Platform>(
    State(platform): State<P>,
    caller: Caller,
    Json(input): Json<ConnectorInput>,
) -> Result<Tagged<Created<View>>, Error> {
    let settings = Settings::load(&platform).await?;
    let new = input.create()?;
    settings.target(&new)?;
    let tx = platform.database().transaction().await?;
    let change = Change::new(&tx, platform.random(), &caller.name).await?;
    let made = connector::create(&change, new).await?;
    tx.commit().await?;
    let place = format!("/api/v1/connectors/{}", made.id);
    Ok(Tagged(
        version_of(&made),
        Created(place, View::new(made, &settings)),
    ))
}

/// What is absent stays. Another URL or secret must be usable, as that of a new connector.
pub(crate) async fn change<P: Platform>(
    State(platform): State<P>,
    caller: Caller,
    Path(id): Path<String>,
    if_match: IfMatch,
    Json(input): Json<ConnectorInput>,
) -> Result<Tagged<Json<View>>, Error> {
    let settings = Settings::load(&platform).await?;
    let tx = platform.database().transaction().await?;
    let change = Change::new(&tx, platform.random(), &caller.name).await?;
    let before = connector::get(&tx, &id).await?;
    if_match.check(version_of(&before))?;
    let wanted = input.apply(before.clone())?;
    if (&wanted.url, &wanted.secret) != (&before.url, &before.secret) {
        settings.target(&wanted)?;
    }
    if wanted == before {
        return Ok(View::tagged(before, &settings));
    }
    let after = connector::update(&change, wanted).await?;
    tx.commit().await?;
    Ok(View::tagged(after, &settings))
}

/// It goes with its log.
pub(crate) async fn delete<P: Platform>(
    State(platform): State<P>,
    caller: Caller,
    Path(id): Path<String>,
    if_match: IfMatch,
) -> Result<StatusCode, Error> {
    let tx = platform.database().transaction().await?;
    let change = Change::new(&tx, platform.random(), &caller.name).await?;
    let before = connector::get(&tx, &id).await?;
    if_match.check(version_of(&before))?;
    connector::delete(&change, &before).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
