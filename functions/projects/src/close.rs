use axum::extract::State;
use loom_api::{Caller, Error, IfMatch, Json, Path, Tagged};
use loom_domain::{
    Refusal,
    bead::BeadStatus,
    event::{EventKind, NewEvent},
    project::{Project, ProjectStatus},
};
use loom_platform::{Database, Platform, Transaction};
use loom_store::{Change, project, run};
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
    if before.status == ProjectStatus::Closed {
        return Err(same_status(&before).into());
    }
    if before.is_perpetual {
        let message = format!(
            "Project {} is perpetual and never closes. Set is_perpetual to false first.",
            before.name
        );
        return Err(Refusal::conflict("project_is_perpetual", message).into());
    }
    let counts = project::bead_counts(&tx, &id).await?;
    let unfinished: i64 = counts
        .iter()
        .filter(|(status, _)| status != BeadStatus::Closed.as_str())
        .map(|(_, count)| count)
        .sum();
    if unfinished > 0 && !input.force {
        let message = format!(
            "Project {} has {unfinished} bead(s) that are not closed. Close them first, or repeat this with \
             \"force\": true, which stops the runs at work and leaves the beads as they are.",
            before.name
        );
        return Err(Refusal::conflict("project_has_open_beads", message)
            .detail("open_beads", unfinished)
            .into());
    }
    for live in run::live(&tx, Some(&id), i64::MAX).await? {
        run::cancel(
            &change,
            &live.id,
            &format!("{} closed the project.", caller.name),
        )
        .await?;
    }
    let closed = Project {
        status: ProjectStatus::Closed,
        closed_at: Some(change.now),
        ..before
    };
    let project = project::update(&change, closed, EventKind::ProjectClosed).await?;
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
