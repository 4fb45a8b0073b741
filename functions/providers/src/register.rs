use axum::extract::State;
use loom_api::{Caller, Created, Error, Tagged, version_of};
use loom_domain::provider::Provider;
use loom_platform::{Database, Platform, Transaction};
use loom_store::{Change, provider};

use crate::{body::Input, heartbeat};

/// Registers a provider as pending, and has it probed at once: agents call it when it is healthy.
pub(crate) async fn register<P: Platform>(
    State(platform): State<P>,
    caller: Caller,
    Input(input): Input,
) -> Result<Tagged<Created<Provider>>, Error> {
    let new = input.register()?;
    let tx = platform.database().transaction().await?;
    let change = Change::new(&tx, platform.random(), &caller.name).await?;
    let provider = provider::register(&change, new).await?;
    tx.commit().await?;
    heartbeat::soon(&platform);
    let place = format!("/api/v1/providers/{}", provider.id);
    Ok(Tagged(version_of(&provider), Created(place, provider)))
}
