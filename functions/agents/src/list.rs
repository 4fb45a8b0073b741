use axum::extract::State;
use loom_api::{Error, Json, Paged, Path, Slice, Tagged, version_of};
use loom_domain::agent::Agent;
use loom_platform::Platform;
use loom_store::agent;
use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Filter {
    /// Those that may work for this project: its own, and those of none.
    project_id: Option<String>,
}

/// Oldest first.
pub(crate) async fn list<P: Platform>(
    State(platform): State<P>,
    Paged { page, filter }: Paged<Filter>,
) -> Result<Slice<Agent>, Error> {
    let after = page.cursor::<String>()?.unwrap_or_default();
    let project_id = filter.project_id.as_deref();
    let agents = agent::list(platform.database(), project_id, &after, page.fetch()).await?;
    Ok(page.answer(agents, |agent| agent.id.clone()))
}

pub(crate) async fn read<P: Platform>(
    State(platform): State<P>,
    Path(id): Path<String>,
) -> Result<Tagged<Json<Agent>>, Error> {
    Ok(tagged(agent::get(platform.database(), &id).await?))
}

/// Its version counts the settings only, and the answer also tells what it does now, so the `ETag` is of the content.
pub(crate) fn tagged(agent: Agent) -> Tagged<Json<Agent>> {
    Tagged(version_of(&agent), Json(agent))
}
