use axum::extract::State;
use loom_api::{Error, Json, Path, Tagged, version_of};
use loom_domain::Refusal;
use loom_platform::Platform;
use loom_store::catalogue::{self, Entry};

pub(crate) async fn read<P: Platform>(
    State(platform): State<P>,
    Path(name): Path<String>,
) -> Result<Tagged<Json<Entry>>, Error> {
    let found = catalogue::find(platform.files(), platform.database(), &name).await?;
    Ok(tagged(found.ok_or_else(|| not_found(&name))?))
}

pub(crate) fn tagged(entry: Entry) -> Tagged<Json<Entry>> {
    Tagged(version_of(&entry), Json(entry))
}

pub(crate) fn not_found(name: &str) -> Error {
    let message = format!("There is no persona {name}. GET /api/v1/personas lists them.");
    Refusal::not_found("persona_not_found", message).into()
}
