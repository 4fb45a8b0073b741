use axum::extract::State;
use loom_api::{Caller, Error, IfMatch, Json, Path, Tagged};
use loom_domain::{
    event::EventKind,
    project::{Project, ProjectStatus},
};
use loom_platform::{Database, Platform, Transaction};
use loom_store::{Change, project};
use serde::Deserialize;

use crate::close::{comment, same_status};

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Input {
    /// Kept in the event log.
    comment: String,
}

/// Opens a closed project again: its ready beads are dispatched.
pub(crate) async fn reopen<P: Platform>(
    State(platform): State<P>,
    caller: Caller,
    Path(id): Path<String>,
    if_match: IfMatch,
    Json(input): Json<Input>,
) -> Result<Tagged<Json<Project>>, Error> {
    if input.comment.len() > 4096 {
        return Err(Error::invalid_fields().field("comment", "must be at most 4 KiB"));
    }
    let tx = platform.database().transaction().await?;
    let change = Change::new(&tx, platform.random(), &caller.name).await?;
    let before = project::get(&tx, &id).await?;
    if_match.check(before.version)?;
    if before.status == ProjectStatus::Open {
        return Err(same_status(&before).into());
    }
    let open = Project {
        status: ProjectStatus::Open,
        closed_at: None,
        ..before
    };
    let project = project::update(&change, open, EventKind::ProjectReopened).await?;
    comment(&change, &id, &input.comment).await?;
    tx.commit().await?;
    loom_api::nudge(&platform);
    Ok(Tagged(project.version, Json(project)))
}
