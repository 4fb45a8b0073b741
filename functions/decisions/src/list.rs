use axum::extract::State;
use loom_api::{Error, Json, Paged, Path, Slice, Tagged};
use loom_domain::{
    bead::Priority,
    decision::{Assignee, Decision, DecisionKind, DecisionStatus},
};
use loom_platform::Platform;
use loom_store::decision::{self, DecisionFilter, DecisionPosition};
use serde::Deserialize;

/// What narrows the list; what is absent does not.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Filter {
    status: Option<DecisionStatus>,
    kind: Option<DecisionKind>,
    /// `P0` to `P3`, or the number.
    priority: Option<String>,
    project_id: Option<String>,
    bead_id: Option<String>,
    /// `human` or `decision-maker`.
    assignee: Option<Assignee>,
}

/// Open ones urgent first and then oldest first, all others newest first.
pub(crate) async fn list<P: Platform>(
    State(platform): State<P>,
    Paged { page, filter }: Paged<Filter>,
) -> Result<Slice<Decision>, Error> {
    let priority = filter.priority.as_deref().map(priority).transpose()?;
    let wanted = DecisionFilter {
        status: filter.status,
        kind: filter.kind,
        priority,
        project_id: filter.project_id,
        bead_id: filter.bead_id,
        assignee: filter.assignee,
    };
    let after = page.cursor::<DecisionPosition>()?;
    let rows = decision::list(platform.database(), &wanted, after.as_ref(), page.fetch()).await?;
    Ok(page.answer(rows, |decision| {
        (
            decision.priority.number(),
            decision.created_at.0,
            decision.id.clone(),
        )
    }))
}

fn priority(text: &str) -> Result<i64, Error> {
    let number = text.parse().ok().and_then(Priority::new);
    Priority::parse(text)
        .or(number)
        .map(Priority::number)
        .ok_or_else(|| Error::invalid_fields().field("priority", "must be P0, P1, P2 or P3"))
}

pub(crate) async fn read<P: Platform>(
    State(platform): State<P>,
    Path(id): Path<String>,
) -> Result<Tagged<Json<Decision>>, Error> {
    let decision = decision::get(platform.database(), &id).await?;
    Ok(Tagged(decision.version, Json(decision)))
}
