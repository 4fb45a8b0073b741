use axum::extract::State;
use loom_api::{Error, Json, Page, Path, Slice, Tagged};
use loom_domain::project::Project;
use loom_platform::Platform;
use loom_store::project;

/// Oldest first.
pub(crate) async fn list<P: Platform>(
    State(platform): State<P>,
    page: Page,
) -> Result<Slice<Project>, Error> {
    let after = page.cursor::<String>()?.unwrap_or_default();
    let projects = project::list(platform.database(), &after, page.fetch()).await?;
    Ok(page.answer(projects, |project| project.id.clone()))
}

pub(crate) async fn read<P: Platform>(
    State(platform): State<P>,
    Path(id): Path<String>,
) -> Result<Tagged<Json<Project>>, Error> {
    let project = project::get(platform.database(), &id).await?;
    Ok(Tagged(project.version, Json(project)))
}
