use axum::extract::State;
use loom_api::{Error, Json, Path};
use loom_domain::{
    connector::{Delivery, test_notice},
    id::uuid_v7,
};
use loom_platform::{Platform, Random};
use loom_store::connector;

use crate::{
    send::{Parcel, send},
    settings::Settings,
};

/// Sends a test message at once, also when the connector is paused, and answers with what came of it, which counts for
/// nothing else. It is sent once.
pub(crate) async fn test<P: Platform>(
    State(platform): State<P>,
    Path(id): Path<String>,
) -> Result<Json<Delivery>, Error> {
    let settings = Settings::load(&platform).await?;
    let connector = connector::get(platform.database(), &id).await?;
    let now = loom_store::now(platform.database()).await?;
    let delivery_id = uuid_v7(now.0, platform.random().bytes());
    let parcel = Parcel {
        connector: &connector,
        delivery_id: &delivery_id,
        event: "connector.test",
        notice: &test_notice(&connector.name),
        occurrence: None,
    };
    let recorded = send(&platform, &settings, &parcel).await;
    let kept = connector::keep_test(platform.database(), &id, &delivery_id, now, &recorded).await?;
    Ok(Json(kept))
}
