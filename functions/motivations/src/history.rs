use axum::extract::State;
use loom_api::{Error, Paged, Slice};
use loom_domain::motivation::{Trigger, TriggerResult};
use loom_platform::Platform;
use loom_store::motivation::{self, HistoryFilter};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Filter {
    motivation_id: Option<String>,
    project_id: Option<String>,
    result: Option<TriggerResult>,
}

/// Newest first.
pub(crate) async fn history<P: Platform>(
    State(platform): State<P>,
    Paged { page, filter }: Paged<Filter>,
) -> Result<Slice<Trigger>, Error> {
    let filter = HistoryFilter {
        motivation_id: filter.motivation_id,
        project_id: filter.project_id,
        result: filter.result,
    };
    let before = page.cursor::<(i64, String)>()?;
    let rows = motivation::history(platform.database(), &filter, before, page.fetch()).await?;
    Ok(page.answer(rows, |trigger| (trigger.created_at.0, trigger.id.clone())))
}
