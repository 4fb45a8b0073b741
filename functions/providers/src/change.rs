use axum::extract::State;
use http::StatusCode;
use loom_api::{Caller, Error, IfMatch, Json, Path, Tagged, version_of};
use loom_domain::provider::{Provider, ProviderStatus};
use loom_platform::{Database, Platform, Transaction};
use loom_store::{Change, provider};

use crate::{body::Input, heartbeat, list::tagged};

/// What is absent stays. With a new endpoint it is pending again, and probed at once.
pub(crate) async fn change<P: Platform>(
    State(platform): State<P>,
    caller: Caller,
    Path(id): Path<String>,
    if_match: IfMatch,
    Input(input): Input,
) -> Result<Tagged<Json<Provider>>, Error> {
    if input.id.as_ref().is_some_and(|other| *other != id) {
        return Err(Error::invalid_fields().field("id", "cannot change"));
    }
    let tx = platform.database().transaction().await?;
    let change = Change::new(&tx, platform.random(), &caller.name).await?;
    let before = provider::get(&tx, &id).await?;
    if_match.check(version_of(&before))?;
    let wanted = input.apply(before.clone())?;
    if wanted == before {
        return Ok(tagged(before));
    }
    let provider = provider::update(&change, wanted).await?;
    tx.commit().await?;
    if provider.status == ProviderStatus::Pending {
        heartbeat::soon(&platform);
    }
    Ok(tagged(provider))
}

/// Agents that called it call the first healthy one from now on.
pub(crate) async fn delete<P: Platform>(
    State(platform): State<P>,
    caller: Caller,
    Path(id): Path<String>,
    if_match: IfMatch,
) -> Result<StatusCode, Error> {
    let tx = platform.database().transaction().await?;
    let change = Change::new(&tx, platform.random(), &caller.name).await?;
    let before = provider::get(&tx, &id).await?;
    if_match.check(version_of(&before))?;
    provider::delete(&change, &id).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
