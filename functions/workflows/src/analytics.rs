use axum::extract::State;
use loom_api::{Error, Json};
use loom_platform::Platform;
use loom_store::workflow::{self, Analytics};

/// Counts over all executions, and the newest ten.
pub(crate) async fn analytics<P: Platform>(
    State(platform): State<P>,
) -> Result<Json<Analytics>, Error> {
    Ok(Json(workflow::analytics(platform.database()).await?))
}
