//! Pull requests of a run's branch.

use loom_github::{GithubError, NewPull, PullChange, PullRequest, State, marker};
use loom_platform::{Platform, Transaction};

use super::{
    Task,
    error::{self, Result, database},
    journal,
};
use crate::{Operation, Outcome, WorkspaceError};

/// GitHub takes 256 characters.
const LONGEST_TITLE: usize = 250;
/// GitHub takes 65,536 characters.
const LONGEST_BODY: usize = 60_000;

/// Opens the pull request of the branch, or brings the open one up to date.
pub(super) async fn open<P: Platform>(mut task: Task<'_, P>) -> Result<Outcome> {
    let Operation::OpenPullRequest {
        title,
        body,
        labels,
        reviewers,
        draft,
    } = &task.call.operation
    else {
        return Err(super::misplaced(&task.call.operation));
    };
    task.all_committed()?;
    let mark = marker::hidden(&format!("step:{}", task.call.key));
    let title = cut(title.trim(), LONGEST_TITLE);
    if title.is_empty() {
        return Err(WorkspaceError::refused(
            "invalid_pull_request",
            "a pull request needs a title",
        ));
    }
    let body = format!("{}\n\n{mark}", cut(body.trim(), LONGEST_BODY));
    let pull = ensure(&mut task, &title, &body, *draft).await?;
    let created = pull.body.contains(&mark);
    if pull.state == State::Closed && !pull.is_merged() {
        return Err(WorkspaceError::refused(
            "pull_request_closed",
            format!(
                "somebody closed pull request #{} of this branch; a person has to open it again",
                pull.number
            ),
        ));
    }
    let pull = if created || pull.is_merged() {
        pull
    } else {
        update(&task, pull, &title, &body).await?
    };
    if !labels.is_empty() {
        let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
        task.repository
            .add_labels(pull.number, &labels)
            .await
            .map_err(error::github)?;
    }
    request(&task, &pull, reviewers).await?;
    Ok(Outcome::PullRequest {
        number: number(pull.number),
        url: pull.html_url,
        created,
    })
}

/// The pull request of the branch; one with this title and text is opened when there is none. It may have been merged or
/// closed by somebody, if the branch is still where it was then.
pub(super) async fn ensure<P: Platform>(
    task: &mut Task<'_, P>,
    title: &str,
    body: &str,
    draft: bool,
) -> Result<PullRequest> {
    if !task.space.is_published {
        return Err(nothing_to_merge());
    }
    let latest = task
        .repository
        .find_latest_by_head(&task.space.branch)
        .await
        .map_err(error::github)?;
    // What was merged or closed at this very commit is not opened anew.
    let is_its_own =
        |pull: &PullRequest| pull.state == State::Open || pull.head.sha == task.space.head;
    let pull = match latest.filter(is_its_own) {
        Some(pull) => pull,
        None => create(task, title, body, draft).await?,
    };
    if task.space.pull != Some(pull.number) {
        task.space.pull = Some(pull.number);
        let transaction = journal::owned(task.platform, task.call).await?;
        task.space.save(&transaction, &task.call.run.id).await?;
        transaction.commit().await.map_err(database)?;
    }
    Ok(pull)
}

async fn create<P: Platform>(
    task: &Task<'_, P>,
    title: &str,
    body: &str,
    draft: bool,
) -> Result<PullRequest> {
    journal::still_owned(task.platform, task.call).await?;
    let opened = task
        .repository
        .create_pull(&NewPull {
            title,
            body,
            head: &task.space.branch,
            base: &task.call.project.branch,
            draft,
        })
        .await;
    match opened {
        Err(GithubError::Unprocessable { .. } | GithubError::Conflict { .. })
            if is_no_more_than_base(task).await? =>
        {
            Err(nothing_to_merge())
        }
        other => other.map_err(error::github),
    }
}

fn nothing_to_merge() -> WorkspaceError {
    WorkspaceError::refused(
        "nothing_to_merge",
        "the branch has no commits of its own; commit the changes first",
    )
}

async fn is_no_more_than_base<P: Platform>(task: &Task<'_, P>) -> Result<bool> {
    let comparison = task
        .repository
        .compare(&task.call.project.branch, &task.space.head)
        .await
        .map_err(error::github)?;
    Ok(comparison.ahead_by == 0)
}

/// A pull request that Loom wrote says what Loom has to say now. One that a person wrote stays as it is.
async fn update<P: Platform>(
    task: &Task<'_, P>,
    pull: PullRequest,
    title: &str,
    body: &str,
) -> Result<PullRequest> {
    if !marker::has_any(&pull.body) {
        return Ok(pull);
    }
    let change = PullChange {
        title: Some(title),
        body: Some(body),
        ..PullChange::default()
    };
    task.repository
        .update_pull(pull.number, &change)
        .await
        .map_err(error::github)
}

/// Asks people for reviews. One whom GitHub doesn't accept, such as the author, must not keep the others from being
/// asked, and is no reason to fail.
async fn request<P: Platform>(
    task: &Task<'_, P>,
    pull: &PullRequest,
    logins: &[String],
) -> Result<()> {
    let logins: Vec<&str> = logins
        .iter()
        .map(String::as_str)
        .filter(|login| !pull.author.is(login))
        .collect();
    if logins.is_empty() {
        return Ok(());
    }
    let repository = task.repository;
    match repository
        .request_reviewers(pull.number, &logins, &[])
        .await
    {
        Err(GithubError::Unprocessable { .. }) if logins.len() > 1 => {
            for login in logins {
                match repository
                    .request_reviewers(pull.number, &[login], &[])
                    .await
                {
                    Ok(()) | Err(GithubError::Unprocessable { .. }) => {}
                    Err(error) => return Err(error::github(error)),
                }
            }
            Ok(())
        }
        Ok(()) | Err(GithubError::Unprocessable { .. }) => Ok(()),
        Err(error) => Err(error::github(error)),
    }
}

pub(super) fn number(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

/// A text's first characters.
pub(super) fn cut(text: &str, characters: usize) -> String {
    match text.char_indices().nth(characters) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}
