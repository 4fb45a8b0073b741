use axum::extract::State;
use loom_api::{Caller, Created, Error, Json, Tagged};
use loom_domain::bead::{Bead, BeadInput};
use loom_platform::{Database, Platform, Transaction};
use loom_store::{
    Change,
    bead::{self, Origin},
};

use crate::work::nudge_after;

pub(crate) async fn file<P: Platform>(
    State(platform): State<P>,
    caller: Caller,
    Json(input): Json<BeadInput>,
) -> Result<Tagged<Created<Bead>>, Error> {
    // What can be refused without the database is refused before it is locked.
    let input = input.checked_new()?;
    let tx = platform.database().transaction().await?;
    let change = Change::new(&tx, platform.random(), &caller.name).await?;
    let (bead, _) = bead::file(&change, input, Origin::default()).await?;
    tx.commit().await?;
    nudge_after(&platform, &bead);
    let place = format!("/api/v1/beads/{}", bead.id);
    Ok(Tagged(bead.version, Created(place, bead)))
}
