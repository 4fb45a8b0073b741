use axum::extract::State;
use loom_api::{Caller, Error, Json, Path, Tagged};
use loom_platform::{Database, Platform, Transaction};
use loom_store::{Change, connector};
use serde::Deserialize;

use crate::{list::View, settings::Settings};

/// One that is paused stays as it is.
pub(crate) async fn pause<P: Platform>(
    State(platform): State<P>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Tagged<Json<View>>, Error> {
    let settings = Settings::load(&platform).await?;
    let tx = platform.database().transaction().await?;
    let change = Change::new(&tx, platform.random(), &caller.name).await?;
    let before = connector::get(&tx, &id).await?;
    let reason = format!("{} paused it.", caller.name);
    let after = connector::pause(&change, before, &reason).await?;
    tx.commit().await?;
    Ok(View::tagged(after, &settings))
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Resume {
    /// Whether what waited, and what happened meanwhile, is left out.
    skip: bool,
}

/// Nudges the dispatcher, which has the sweep look at once.
pub(crate) async fn resume<P: Platform>(
    State(platform): State<P>,
    caller: Caller,
    Path(id): Path<String>,
    Json(how): Json<Resume>,
) -> Result<Tagged<Json<View>>, Error> {
    let settings = Settings::load(&platform).await?;
    let tx = platform.database().transaction().await?;
    let change = Change::new(&tx, platform.random(), &caller.name).await?;
    let before = connector::get(&tx, &id).await?;
    let after = connector::resume(&change, before, how.skip).await?;
    tx.commit().await?;
    loom_api::nudge(&platform);
    Ok(View::tagged(after, &settings))
}
