use axum::extract::State;
use loom_api::{Error, Json, Tagged, version_of};
use loom_platform::Platform;
use loom_store::catalogue::{self, Catalogue};

/// All at once: there are as many as roles.
pub(crate) async fn list<P: Platform>(
    State(platform): State<P>,
) -> Result<Tagged<Json<Catalogue>>, Error> {
    let catalogue = catalogue::all(platform.files(), platform.database()).await?;
    Ok(Tagged(version_of(&catalogue), Json(catalogue)))
}
