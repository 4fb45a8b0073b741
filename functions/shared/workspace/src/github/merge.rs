//! From a run's branch into the base branch: by its pull request, always.

use loom_domain::github::MergeMethod;
use loom_github::{GithubError, Merge, PullRequest, State as Openness, marker};
use loom_platform::{Clock, Platform, Transaction};

use super::{
    Done, Task, approvals, checks,
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
    let not_mergeable = |why: &str| {
        WorkspaceError::refused(
            "not_mergeable",
            format!("pull request #{} was not merged: {why}", pull.number),
        )
    };
    if pull.state == Openness::Closed {
        return Err(not_mergeable(
            "somebody closed it; a person has to open it again",
        ));
    }
    if pull.draft {
        return Err(not_mergeable(
            "it is a draft; a person has to mark it as ready for review",
        ));
    }
    same_head(&mut task, &pull).await?;
    if pull.mergeable == Some(false) {
        return hand_over(task).await;
    }
    match checks::started(&task).await? {
        checks::State::Pending(what) => {
            return Ok(Done::New(checks::awaiting(&task.space.head, &what)));
        }
        checks::State::Over {
            passed: false,
            output,
        } => {
            return Err(WorkspaceError::refused(
                "merge_tests_failed",
                format!(
                    "pull request #{} was not merged, because checks failed:\n{output}",
                    pull.number
                ),
            ));
        }
        // A repository that checks nothing is merged without.
        checks::State::Over { passed: true, .. } | checks::State::None => {}
    }
    if let Some(why) = approvals::missing(&task, &pull).await? {
        return Err(not_mergeable(&why));
    }
    let (title, text) = commit_message(&task, &pull);
    journal::still_owned(task.platform, task.call).await?;
    let outcome = task
        .repository
        .merge_pull(
            pull.number,
            &Merge {
                sha: &task.space.head,
                method: method(task.settings.merge_method),
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
        _ => Err(WorkspaceError::refused(
            "not_mergeable",
            format!(
                "pull request #{} was not merged: GitHub says: {said}",
                pull.number
            ),
        )),
    }
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

fn method(method: MergeMethod) -> loom_github::MergeMethod {
    match method {
        MergeMethod::Merge => loom_github::MergeMethod::Merge,
        MergeMethod::Squash => loom_github::MergeMethod::Squash,
        MergeMethod::Rebase => loom_github::MergeMethod::Rebase,
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
