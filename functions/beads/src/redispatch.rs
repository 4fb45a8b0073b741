use axum::extract::State;
use loom_api::{Caller, Error, Json, Path, Tagged};
use loom_domain::bead::Bead;
use loom_platform::{Database, Platform, Transaction};
use loom_store::{Change, bead};
use serde::Deserialize;

use crate::work::nudge_after;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Input {
    #[serde(default)]
    reason: String,
}

/// Another chance at once: failures are forgotten and open decisions answered by this.
pub(crate) async fn redispatch<P: Platform>(
    State(platform): State<P>,
    caller: Caller,
    Path(id): Path<String>,
    Json(input): Json<Input>,
) -> Result<Tagged<Json<Bead>>, Error> {
    let reason = match input.reason.trim() {
        "" => "redispatched by a person",
        reason if reason.len() > 4096 => {
            return Err(Error::invalid_fields().field("reason", "must be at most 4 KiB"));
        }
        reason => reason,
    };
    let tx = platform.database().transaction().await?;
    let change = Change::new(&tx, platform.random(), &caller.name).await?;
    let bead = bead::get(&tx, &id).await?;
    let bead = bead::redispatch(&change, &bead, reason).await?;
    tx.commit().await?;
    nudge_after(&platform, &bead);
    Ok(Tagged(bead.version, Json(bead)))
}
