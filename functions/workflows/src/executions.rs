use axum::extract::State;
use loom_api::{Error, Json, Paged, Path, Slice, Tagged};
use loom_domain::workflow::{Execution, ExecutionStatus};
use loom_platform::Platform;
use loom_store::workflow::{self, ExecutionFilter, HistoryRecord};
use serde::Deserialize;

/// What narrows the list of executions; what is absent does not.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Filter {
    bead_id: Option<String>,
    project_id: Option<String>,
    workflow_id: Option<String>,
    status: Option<ExecutionStatus>,
}

/// Executions, newest first.
pub(crate) async fn list<P: Platform>(
    State(platform): State<P>,
    Paged { page, filter }: Paged<Filter>,
) -> Result<Slice<Execution>, Error> {
    let wanted = ExecutionFilter {
        bead_id: filter.bead_id,
        project_id: filter.project_id,
        workflow_id: filter.workflow_id,
        status: filter.status.map(|status| status.as_str().to_owned()),
    };
    let after = page.cursor::<(i64, String)>()?;
    let executions = workflow::list(platform.database(), &wanted, after, page.fetch()).await?;
    Ok(page.answer(executions, |execution| {
        (execution.started_at.0, execution.id.clone())
    }))
}

/// One execution; its version is the ETag.
pub(crate) async fn read<P: Platform>(
    State(platform): State<P>,
    Path(id): Path<String>,
) -> Result<Tagged<Json<Execution>>, Error> {
    let execution = workflow::get(platform.database(), &id).await?;
    Ok(Tagged(execution.version, Json(execution)))
}

/// What narrows a history: nothing.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Whole {}

/// The history of an execution, oldest first.
pub(crate) async fn history<P: Platform>(
    State(platform): State<P>,
    Path(id): Path<String>,
    Paged { page, .. }: Paged<Whole>,
) -> Result<Slice<HistoryRecord>, Error> {
    workflow::get(platform.database(), &id).await?;
    let after = page.cursor::<i64>()?.unwrap_or(0);
    let records = workflow::history(platform.database(), &id, after, page.fetch()).await?;
    Ok(page.answer(records, |record| record.version))
}
