use std::collections::BTreeMap;

use loom_github::{Dispatch, GithubError};
use loom_platform::{Clock, Platform, Transaction};

use super::{
    Task,
    checks::{GRACE_MS, State, WORKFLOWS},
    error::{self, Result, database},
    journal,
    space::Space,
};
use crate::WorkspaceError;

/// Starts the project's workflow on the head, once.
pub(super) async fn dispatch<P: Platform>(task: &Task<'_, P>, workflow: &str) -> Result<State> {
    let head = &task.space.head;
    let now = task.platform.clock().now();
    let pending = || State::Pending(format!("the workflow {workflow}"));
    // It takes GitHub a moment to show a run that it was asked for.
    if let Some((commit, at)) = &task.space.dispatched
        && commit == head
        && now - at < GRACE_MS
    {
        return Ok(pending());
    }
    let mut space = task.space.clone();
    space.dispatched = Some((head.clone(), now));
    save(task, &space).await?;
    let asked = task
        .repository
        .dispatch_workflow(&Dispatch {
            workflow,
            branch: &space.branch,
            head_sha: head,
            inputs: &BTreeMap::new(),
        })
        .await;
    match asked {
        Ok(_) => Ok(pending()),
        Err(error) if error.may_have_acted() => Ok(pending()),
        Err(error) => {
            // It was certainly not started.
            space.dispatched = None;
            save(task, &space).await?;
            Err(match error {
                GithubError::NotFound { .. } | GithubError::Unprocessable { .. } => {
                    WorkspaceError::refused(
                        "no_checks",
                        format!(
                            "the project's checks are the workflow {workflow} in {WORKFLOWS}, which GitHub can't start \
                             ({error}): it must be there, on the default branch too, and accept workflow_dispatch"
                        ),
                    )
                }
                error => error::github(error),
            })
        }
    }
}

async fn save<P: Platform>(task: &Task<'_, P>, space: &Space) -> Result<()> {
    let transaction = journal::owned(task.platform, task.call).await?;
    space.save(&transaction, &task.call.run.id).await?;
    transaction.commit().await.map_err(database)
}
