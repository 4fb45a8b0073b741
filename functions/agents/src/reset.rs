use axum::extract::State;
use loom_api::{Caller, Error, Json, Path, Tagged};
use loom_domain::agent::Agent;
use loom_platform::{Database, Platform, Transaction};
use loom_store::{Change, agent};

use crate::list::tagged;

/// Sets an agent that is stuck idle and forgets its failures. One that is idle stays so; one that is busy refuses, for
/// its run decides.
pub(crate) async fn reset<P: Platform>(
    State(platform): State<P>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Tagged<Json<Agent>>, Error> {
    let tx = platform.database().transaction().await?;
    let change = Change::new(&tx, platform.random(), &caller.name).await?;
    let before = agent::get(&tx, &id).await?;
    agent::reset(&change, &before).await?;
    let agent = agent::get(&tx, &id).await?;
    tx.commit().await?;
    loom_api::nudge(&platform);
    Ok(tagged(agent))
}
