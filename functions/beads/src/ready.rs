use axum::extract::State;
use loom_api::{Error, Paged, Slice};
use loom_domain::bead::Bead;
use loom_platform::Platform;
use loom_store::bead::{self, ReadyPosition};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Filter {
    project_id: Option<String>,
}

/// What could be dispatched as far as the beads themselves go, most urgent first.
pub(crate) async fn ready<P: Platform>(
    State(platform): State<P>,
    Paged { page, filter }: Paged<Filter>,
) -> Result<Slice<Bead>, Error> {
    let after = page
        .cursor::<(i64, i64, String)>()?
        .map(|(priority, created_at, id)| ReadyPosition {
            priority,
            created_at,
            id,
        });
    let project_id = filter.project_id.as_deref();
    let beads = bead::list_ready(
        platform.database(),
        project_id,
        after.as_ref(),
        page.fetch(),
    )
    .await?;
    Ok(page.answer(beads, |bead| {
        (bead.priority.number(), bead.created_at.0, bead.id.clone())
    }))
}
