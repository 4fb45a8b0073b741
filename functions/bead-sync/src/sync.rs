use loom_api::Error;
use loom_domain::{Refusal, project::ProjectStatus, time::MINUTE};
use loom_platform::{Database, Platform, Transaction};
use loom_store::{
    Change, StoreError,
    bead_sync::{self, ACTOR, Report},
    project,
};
use loom_workspace::{ErrorKind, Workspace};

use crate::{round::Round, stop::Stop};

/// How long a syncer may be silent: longer than the longest call of the workspace.
pub(crate) const LEASE_MS: i64 = 5 * MINUTE;
/// How often a round begins again because the branch moved meanwhile.
const ATTEMPTS: u32 = 6;

/// Syncs the beads of a project with the branch that it names, through `workspace`.
///
/// What went wrong with the repository is in the report, and stays there for the project's state.
///
/// # Errors
/// Refuses a project that does not exist (`project_not_found`), is closed (`project_closed`), has no branch
/// (`sync_not_set`), or is being synced already (`sync_running`); fails when the database does. The lease then runs out
/// by itself.
pub async fn sync<P: Platform, W: Workspace>(
    platform: &P,
    workspace: &W,
    project_id: &str,
) -> Result<Report, Error> {
    let project = project::get(platform.database(), project_id).await?;
    if project.status == ProjectStatus::Closed {
        let message = format!("Project {} is closed. Reopen it to sync it.", project.name);
        return Err(Error::conflict("project_closed", message));
    }
    let Some(branch) = project.bead_sync_branch.clone() else {
        let message = format!(
            "The beads of project {} are not kept in its repository. Set bead_sync_branch first: \
             PUT /api/v1/projects/{project_id}.",
            project.name
        );
        return Err(Error::conflict("sync_not_set", message));
    };
    let tx = platform.database().transaction().await?;
    let change = Change::new(&tx, platform.random(), ACTOR).await?;
    let lease = bead_sync::take(&change, project_id, LEASE_MS).await?;
    tx.commit().await?;

    let mut round = Round::new(platform, workspace, &project, &branch, &lease);
    let mut outcome = Err(Stop::Moved);
    for attempt in 0..ATTEMPTS {
        outcome = round.once(attempt).await;
        if !matches!(outcome, Err(Stop::Moved)) {
            break;
        }
    }
    let refusal = match outcome {
        Ok(()) => None,
        Err(Stop::Moved) => Some(Refusal::conflict(
            "branch_busy",
            format!(
                "The branch {branch} moved {ATTEMPTS} times while its beads were being merged. The next round follows."
            ),
        )),
        Err(Stop::Store(StoreError::Refused(refusal))) => Some(refusal),
        Err(Stop::Store(error)) => return Err(error.into()),
        Err(Stop::Workspace(error)) => {
            let mut report = round.report(None);
            let hint = match error.kind {
                ErrorKind::Unavailable => "; it is tried again",
                _ => "",
            };
            report.error = Some(format!("{}{hint}", error.message));
            report.code = Some(error.code);
            return end(platform, &round, report).await;
        }
    };
    let report = round.report(refusal);
    end(platform, &round, report).await
}

async fn end<P: Platform, W: Workspace>(
    platform: &P,
    round: &Round<'_, P, W>,
    report: Report,
) -> Result<Report, Error> {
    let tx = platform.database().transaction().await?;
    let change = Change::new(&tx, platform.random(), ACTOR).await?;
    let issues_blob = round.issues_blob.as_deref();
    let report = bead_sync::finish(&change, round.lease, report, issues_blob).await?;
    tx.commit().await?;
    if report.counts.created + report.counts.updated > 0 {
        loom_api::nudge(platform);
    }
    Ok(report)
}
