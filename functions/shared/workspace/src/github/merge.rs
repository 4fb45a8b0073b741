//! From a run's branch into the base branch: by its pull request, always.

use loom_domain::github::{MergeFacts, Obstacle};
use loom_github::{GithubError, Merge, PullRequest, State as Openness, marker};
use loom_platform::{Clock, Platform, Transaction};

use super::{
    Done, Task, checks,
    error::{self, Result, database},
    hand_over::hand_over,
    journal, pull, space,
};
use crate::{Outcome, WorkspaceError, message};

/// When to ask again while GitHub finds out whether a pull request can be merged, in milliseconds.
const SOON_MS: i64 = 5_000;

pub(super) async fn merge<P: Platform>(mut task: Task<'_, P>) -> Result<Done> {
    if task.space.merging.is_some() {
        return Err(WorkspaceError::refused(
            "merge_conflict",
            "the base branch was merged into your working copy, and that is not committed yet; see that no conflict is \
             left, commit, and merge again",
        ));
    }
    task.all_committed()?;
    let pull = of_branch(&mut task).await?;
    if pull.is_merged() {
        return Ok(Done::New(merged(&task, &pull, None)));
    }
    let facts = pull.facts(&task.space.head);
    match facts.obstacle() {
        None => {}
        Some(Obstacle::OtherHead) => same_head(&mut task, &pull).await?,
        Some(Obstacle::Conflict) => return hand_over(task).await,
        Some(obstacle) => return Err(not_mergeable(&pull, &obstacle.to_string())),
    }
    let checks = checks::started(&task).await?;
    let facts = MergeFacts {
        pull: facts,
        checks: checks.stand(),
        verdicts: task
            .repository
            .verdicts(&pull)
            .await
            .map_err(error::github)?,
        required_approvals: usize::from(task.settings.required_approvals),
    };
    match facts.obstacle() {
        // GitHub says better itself what its rules ask for.
        None | Some(Obstacle::Protected | Obstacle::Unknown) => {}
        Some(Obstacle::ChecksPending(what)) => {
            let what = what.join(", ");
            return Ok(Done::New(checks::awaiting(&task.space.head, &what)));
        }
        Some(Obstacle::ChecksFailed(_)) => {
            return Err(WorkspaceError::refused(
                "merge_tests_failed",
                format!(
                    "pull request #{} was not merged, because checks failed:\n{}",
                    pull.number,
                    checks.output()
                ),
            ));
        }
        Some(obstacle) => return Err(not_mergeable(&pull, &obstacle.to_string())),
    }
    let (title, text) = commit_message(&task, &pull);
    journal::still_owned(task.platform, task.call).await?;
    let outcome = task
        .repository
        .merge_pull(
            pull.number,
            &Merge {
                sha: &task.space.head,
                method: task.settings.merge_method,
                title: &title,
                message: &text,
            },
        )
        .await;
    match outcome {
        Ok(done) => Ok(Done::New(merged(&task, &pull, Some(done.sha)))),
        Err(GithubError::Conflict { message, .. }) => refused(task, &pull, &message).await,
        Err(error) => Err(error::github(error)),
    }
}

/// Why GitHub did not merge.
async fn refused<P: Platform>(task: Task<'_, P>, pull: &PullRequest, said: &str) -> Result<Done> {
    let now = task
        .repository
        .get_pull(pull.number)
        .await
        .map_err(error::github)?;
    match (now.mergeable, now.mergeable_state.as_str()) {
        (Some(false), _) | (_, "dirty" | "behind") => hand_over(task).await,
        (None, _) => Err(WorkspaceError::unavailable(
            "mergeability_unknown",
            format!(
                "GitHub is still finding out whether pull request #{} can be merged; try again soon",
                pull.number
            ),
        )
        .retry_at(task.platform.clock().now() + SOON_MS)),
        _ => Err(not_mergeable(pull, &format!("GitHub says: {said}"))),
    }
}

fn not_mergeable(pull: &PullRequest, why: &str) -> WorkspaceError {
    WorkspaceError::refused(
        "not_mergeable",
        format!("pull request #{} was not merged: {why}", pull.number),
    )
}

/// The branch's pull request, which is opened if there is none.
async fn of_branch<P: Platform>(task: &mut Task<'_, P>) -> Result<PullRequest> {
    if let Some(number) = task.space.pull {
        let pull = task
            .repository
            .get_pull(number)
            .await
            .map_err(error::github)?;
        let is_over = pull.state == Openness::Closed && pull.head.sha != task.space.head;
        if !is_over {
            return Ok(pull);
        }
    }
    let run = &task.call.run;
    let title = pull::cut(run.bead_title.trim(), 250);
    let title = if title.is_empty() {
        format!("Work on {}", run.bead_id)
    } else {
        title
    };
    let mark = marker::hidden(&format!("step:{}", task.call.key));
    let body = format!("The work on the bead {}.\n\n{mark}", run.bead_id);
    let opened = pull::ensure(task, &title, &body, false).await?;
    // Only what is asked for by its number says whether it can be merged.
    task.repository
        .get_pull(opened.number)
        .await
        .map_err(error::github)
}

/// Refuses to merge what this run has not seen.
async fn same_head<P: Platform>(task: &mut Task<'_, P>, pull: &PullRequest) -> Result<()> {
    if pull.head.sha == task.space.head {
        return Ok(());
    }
    let head = space::head_of(task.repository, &task.space.git_ref()).await?;
    match head {
        Some(head) if head != task.space.head => {
            task.space.tree = task
                .repository
                .get_commit(&head)
                .await
                .map_err(error::github)?
                .tree;
            task.space.head = head;
            let transaction = journal::owned(task.platform, task.call).await?;
            task.space.save(&transaction, &task.call.run.id).await?;
            transaction.commit().await.map_err(database)?;
            Err(WorkspaceError::refused(
                "branch_moved",
                "nothing was merged: somebody else has pushed to the branch. Your working copy has that now; look at \
                 the log and the diff, and merge again if it is right",
            ))
        }
        _ => Err(WorkspaceError::unavailable(
            "mergeability_unknown",
            "GitHub has not noticed the latest commit of the pull request yet; try again soon",
        )
        .retry_at(task.platform.clock().now() + SOON_MS)),
    }
}

/// The title and the text of the commit on the base branch.
fn commit_message<P: Platform>(task: &Task<'_, P>, pull: &PullRequest) -> (String, String) {
    let title = format!("{} (#{})", pull.title, pull.number);
    let whole = message::compose(&title, &task.call.run, &task.call.key);
    match whole.split_once("\n\n") {
        Some((title, text)) => (title.to_owned(), text.trim_end().to_owned()),
        None => (title, String::new()),
    }
}

fn merged<P: Platform>(task: &Task<'_, P>, pull: &PullRequest, sha: Option<String>) -> Outcome {
    let sha = sha.filter(|sha| !sha.is_empty());
    Outcome::Merged {
        commit: sha
            .or_else(|| pull.merge_commit_sha.clone())
            .unwrap_or_else(|| pull.head.sha.clone()),
        branch: task.call.project.branch.clone(),
    }
}
