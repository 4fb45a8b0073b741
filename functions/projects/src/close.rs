use axum::extract::State;
use loom_api::{Caller, Error, IfMatch, Json, Path, Tagged};
use loom_domain::{
    Refusal,
    event::{EventKind, NewEvent},
    project::Project,
};
use loom_platform::{Database, Platform, Transaction};
use loom_store::{Change, project};
use serde::Deserialize;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Input {
    /// Kept in the event log.
    pub(crate) comment: String,
    /// Close it although it has beads that are not closed.
    force: bool,
}

impl Input {
    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.comment.len() > 4096 {
            return Err(Error::invalid_fields().field("comment", "must be at most 4 KiB"));
        }
        Ok(())
    }
}

/// Closes a project: nothing of it is dispatched until it is reopened.
///
/// Beads that are not closed refuse it, unless `force` is set: then its live runs are stopped, and its beads stay as
/// they are.
pub(crate) async fn close<P: Platform>(
    State(platform): State<P>,
    caller: Caller,
    Path(id): Path<String>,
    if_match: IfMatch,
    Json(input): Json<Input>,
) -> Result<Tagged<Json<Project>>, Error> {
    input.check()?;
    let tx = platform.database().transaction().await?;
    let change = Change::new(&tx, platform.random(), &caller.name).await?;
    let before = project::get(&tx, &id).await?;
    if_match.check(before.version)?;
    let project = project::close(&change, before, input.force).await?;
    comment(&change, &id, &input.comment).await?;
    tx.commit().await?;
    Ok(Tagged(project.version, Json(project)))
}

/// Keeps what a person said about closing or reopening in the event log.
pub(crate) async fn comment<S: loom_platform::Statements, R: loom_platform::Random>(
    change: &Change<'_, S, R>,
    id: &str,
    comment: &str,
) -> Result<(), Error> {
    if !comment.trim().is_empty() {
        let event = NewEvent::new(EventKind::ProjectUpdated)
            .project(id)
            .with("comment", comment.trim());
        change.event(event).await?;
    }
    Ok(())
}

/// The refusal to make a project what it is already.
pub(crate) fn same_status(project: &Project) -> Refusal {
    let status = project.status.as_str();
    let message = format!("Project {} is {status} already.", project.name);
    Refusal::conflict("illegal_transition", message)
        .detail("from", status)
        .detail("to", status)
}
