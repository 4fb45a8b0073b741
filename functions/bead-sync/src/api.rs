use axum::extract::State;
use http::StatusCode;
use loom_api::{Error, Json, Path};
use loom_platform::{Platform, Tasks};
use loom_store::{
    bead_sync::{self, Problem, RecordedConflict, Report},
    project,
};
use loom_workspace::AnyWorkspace;
use serde::{Deserialize, Serialize};

use crate::sync::sync;

/// How many conflicts are shown.
const SHOWN: i64 = 100;

/// Where a project's sync stands.
#[derive(Debug, Serialize)]
pub(crate) struct Standing {
    project_id: String,
    /// None: its beads are not synced.
    branch: Option<String>,
    is_running: bool,
    /// How the last round ended.
    last: Option<Report>,
    /// The latest, newest first.
    conflicts: Vec<RecordedConflict>,
    /// What of the repository is left alone, by file and line.
    problems: Vec<Problem>,
}

pub(crate) async fn read<P: Platform>(
    State(platform): State<P>,
    Path(id): Path<String>,
) -> Result<Json<Standing>, Error> {
    let database = platform.database();
    let project = project::get(database, &id).await?;
    let state = bead_sync::state(database, &id).await?;
    Ok(Json(Standing {
        branch: project.bead_sync_branch,
        is_running: state.is_running,
        last: state.report,
        conflicts: bead_sync::conflicts(database, &id, SHOWN).await?,
        problems: bead_sync::problems(database, &id).await?,
        project_id: id,
    }))
}

/// Syncs, and answers when that is done.
pub(crate) async fn now<P: Platform>(
    State(platform): State<P>,
    Path(id): Path<String>,
) -> Result<Json<Report>, Error> {
    let workspace = AnyWorkspace::load(&platform).await;
    let report = sync(&platform, &workspace, &id).await?;
    let Some(code) = &report.code else {
        return Ok(Json(report));
    };
    let message = format!(
        "The beads could not be synced: {}",
        report.error.as_deref().unwrap_or_default()
    );
    Err(Error::conflict("sync_failed", message).detail("code", code.clone()))
}

/// Which projects are being synced now.
#[derive(Debug, Serialize)]
pub(crate) struct Begun {
    projects: Vec<String>,
}

/// Syncs every project that has a branch, one after the other, after the answer.
pub(crate) async fn all<P: Platform>(
    State(platform): State<P>,
) -> Result<(StatusCode, Json<Begun>), Error> {
    let projects = bead_sync::synced(platform.database()).await?;
    begin(&platform, projects.clone());
    Ok((StatusCode::ACCEPTED, Json(Begun { projects })))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settled {
    project_id: String,
}

/// Syncs a project whose beads have settled, after the answer.
pub(crate) async fn settled<P: Platform>(
    State(platform): State<P>,
    Json(input): Json<Settled>,
) -> Result<(StatusCode, Json<Begun>), Error> {
    let projects = vec![input.project_id];
    begin(&platform, projects.clone());
    Ok((StatusCode::ACCEPTED, Json(Begun { projects })))
}

fn begin<P: Platform>(platform: &P, projects: Vec<String>) {
    let at_work = platform.clone();
    platform.tasks().spawn(async move {
        let workspace = AnyWorkspace::load(&at_work).await;
        for project_id in projects {
            if let Err(error) = sync(&at_work, &workspace, &project_id).await {
                let about = [
                    ("project_id", project_id.as_str()),
                    ("cause", error.message()),
                ];
                loom_api::log("warn", "the beads of a project were not synced", about);
            }
        }
    });
}
