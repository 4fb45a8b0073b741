use axum::extract::State;
use http::StatusCode;
use loom_api::{Caller, Error, Path};
use loom_platform::{Database, Platform, Transaction};
use loom_store::{Change, StoreError, catalogue, persona};

use crate::read::not_found;

/// Puts the shipped text in force again; a persona that is not shipped is gone.
pub(crate) async fn reset<P: Platform>(
    State(platform): State<P>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<StatusCode, Error> {
    let tx = platform.database().transaction().await?;
    let change = Change::new(&tx, platform.random(), &caller.name).await?;
    match catalogue::find(platform.files(), &tx, &name).await {
        Ok(None) => return Err(not_found(&name)),
        // A malformed text is one more reason to remove it.
        Ok(Some(_)) | Err(StoreError::Refused(_)) => {}
        Err(other) => return Err(other.into()),
    }
    persona::reset(&change, &name).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
