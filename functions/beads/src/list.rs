use axum::extract::State;
use loom_api::{Error, Paged, Slice};
use loom_domain::bead::{Bead, BeadStatus, Priority};
use loom_platform::Platform;
use loom_store::bead::{self, BeadFilter, Position};
use serde::Deserialize;

/// What narrows the list; what is absent does not.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Filter {
    project_id: Option<String>,
    /// With commas: any of these.
    #[serde(default)]
    status: Vec<BeadStatus>,
    r#type: Option<String>,
    priority: Option<String>,
    /// With commas: any of these agents.
    #[serde(default)]
    assigned_to: Vec<String>,
    tag: Option<String>,
    parent: Option<String>,
    /// Text in title or description.
    q: Option<String>,
}

pub(crate) async fn list<P: Platform>(
    State(platform): State<P>,
    Paged { page, filter }: Paged<Filter>,
) -> Result<Slice<Bead>, Error> {
    let priority = filter.priority.as_deref().map(priority).transpose()?;
    let wanted = BeadFilter {
        project_id: filter.project_id,
        statuses: filter
            .status
            .iter()
            .map(|status| status.as_str().to_owned())
            .collect(),
        kind: filter.r#type,
        priority,
        assigned_to: filter.assigned_to,
        tag: filter.tag,
        parent: filter.parent,
        text: filter.q.filter(|text| !text.is_empty()),
    };
    let after = page
        .cursor::<(i64, String)>()?
        .map(|(created_at, id)| Position { created_at, id });
    let beads = bead::list(platform.database(), &wanted, after.as_ref(), page.fetch()).await?;
    Ok(page.answer(beads, |bead| (bead.created_at.0, bead.id.clone())))
}

fn priority(text: &str) -> Result<i64, Error> {
    let number = text.parse().ok().and_then(Priority::new);
    Priority::parse(text)
        .or(number)
        .map(Priority::number)
        .ok_or_else(|| Error::invalid_fields().field("priority", "must be P0, P1, P2 or P3"))
}
