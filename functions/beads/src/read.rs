use axum::extract::State;
use loom_api::{Error, Json, Path, Tagged};
use loom_domain::bead::Bead;
use loom_platform::Platform;
use loom_store::bead;

/// The bead itself. Its children are `GET /api/v1/beads?parent={id}`, and what it blocks is in the work graph: they
/// change without it, and its `ETag` must not lie.
pub(crate) async fn read<P: Platform>(
    State(platform): State<P>,
    Path(id): Path<String>,
) -> Result<Tagged<Json<Bead>>, Error> {
    let bead = bead::get(platform.database(), &id).await?;
    Ok(Tagged(bead.version, Json(bead)))
}
