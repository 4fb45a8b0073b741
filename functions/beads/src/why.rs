use axum::extract::State;
use loom_api::{Error, Json, Path, Settings};
use loom_platform::Platform;
use loom_store::bead::{self, Limits, Why};

/// By the rules and limits of the dispatcher, as things are now.
pub(crate) async fn why<P: Platform>(
    State(platform): State<P>,
    Path(id): Path<String>,
) -> Result<Json<Why>, Error> {
    let database = platform.database();
    let bead = bead::get(database, &id).await?;
    let settings = Settings::load(&platform).await?;
    let limits = Limits {
        max_concurrent: settings.max_concurrent,
        day_budget_micro_usd: settings.daily_budget_micro_usd,
    };
    let now = loom_store::now(database).await?;
    Ok(Json(bead::why(database, &bead, limits, now).await?))
}
