//! Ends of checks, builds of the base branch, and pushes to it.

use loom_domain::{
    event::{EventKind, NewEvent},
    github::intent::{ChecksEnded, Push},
    project::Project,
};
use loom_platform::{Random, Statements};

use super::{Applied, merge};
use crate::{StoreError, change::Change, run};

/// Lets the runs go on that wait for the checks of a commit.
pub(super) async fn ended<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    project: &Project,
    ended: &ChecksEnded,
    applied: &mut Applied,
) -> Result<(), StoreError> {
    run::checks_arrived(change, &project.id, &ended.sha).await?;
    merge::hasten(change, project, &ended.sha).await?;
    applied.nudge = true;
    Ok(())
}

/// Tells that the base branch has moved.
pub(super) async fn pushed<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    project: &Project,
    push: &Push,
) -> Result<(), StoreError> {
    let event = NewEvent::new(EventKind::GithubPushed)
        .project(&project.id)
        .with("branch", push.branch.clone())
        .with("sha", push.sha.clone())
        .with("before", push.before.clone())
        .with("by", push.by.clone());
    change.event(event).await?;
    Ok(())
}
