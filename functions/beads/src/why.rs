use axum::extract::State;
use loom_api::{Error, Json, Path};
use loom_platform::{Platform, Variables};
use loom_store::bead::{self, Limits, Why};

/// As the dispatcher, unless the variable says otherwise.
const MAX_CONCURRENT: i64 = 12;

pub(crate) async fn why<P: Platform>(
    State(platform): State<P>,
    Path(id): Path<String>,
) -> Result<Json<Why>, Error> {
    let database = platform.database();
    let bead = bead::get(database, &id).await?;
    let configured = platform.variables().get_optional("max_concurrent").await?;
    let limits = Limits {
        max_concurrent: configured
            .and_then(|text| text.trim().parse().ok())
            .unwrap_or(MAX_CONCURRENT),
        day_budget_micro_usd: None,
    };
    let now = loom_store::now(database).await?;
    Ok(Json(bead::why(database, &bead, limits, now).await?))
}
