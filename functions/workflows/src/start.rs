use axum::extract::State;
use loom_api::{Caller, Created, Error, Json, Tagged};
use loom_domain::workflow::Execution;
use loom_platform::{Database, Platform, Transaction};
use loom_store::{
    Change, bead,
    workflow::{self, definition},
};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Input {
    bead_id: String,
    /// Without it: the workflow that is for beads of this type and these tags.
    workflow_id: Option<String>,
}

/// Starts a workflow for a bead, which must be neither closed nor at work nor follow a workflow already.
pub(crate) async fn start<P: Platform>(
    State(platform): State<P>,
    caller: Caller,
    Json(input): Json<Input>,
) -> Result<Tagged<Created<Execution>>, Error> {
    let tx = platform.database().transaction().await?;
    let change = Change::new(&tx, platform.random(), &caller.name).await?;
    let found = bead::get(&tx, &input.bead_id).await?;
    let workflow_id = match input.workflow_id {
        Some(id) => id,
        None => definition::matching(&tx, &found.project_id, &found.kind, &found.tags)
            .await?
            .ok_or_else(|| {
                Error::invalid_fields().field(
                    "workflow_id",
                    format!(
                        "is needed: no workflow is for beads of type {:?} with these tags",
                        found.kind
                    ),
                )
            })?,
    };
    let execution = workflow::start(&change, &found, &workflow_id).await?;
    tx.commit().await?;
    loom_api::nudge(&platform);
    let place = format!("/api/v1/workflows/executions/{}", execution.id);
    Ok(Tagged(execution.version, Created(place, execution)))
}
