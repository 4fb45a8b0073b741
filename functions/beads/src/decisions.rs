use axum::extract::State;
use loom_api::{Error, Json, Path};
use loom_domain::decision::Decision;
use loom_platform::Platform;
use loom_store::{bead, decision};

/// The questions put to people about a bead, oldest first.
pub(crate) async fn decisions<P: Platform>(
    State(platform): State<P>,
    Path(id): Path<String>,
) -> Result<Json<Vec<Decision>>, Error> {
    bead::get(platform.database(), &id).await?;
    Ok(Json(decision::of_bead(platform.database(), &id).await?))
}
