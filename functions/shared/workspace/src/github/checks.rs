//! What the repository's own checks say about a commit.

use loom_domain::github::ChecksStand;
use loom_github::{CheckRun, Repository};
use loom_platform::{Clock, Platform};

use super::{
    Task,
    dispatch::dispatch,
    error::{self, Result},
};
use crate::{Outcome, WorkspaceError};

/// How long after a commit, or after a workflow was started, checks may take to appear, in milliseconds.
pub(super) const GRACE_MS: i64 = 120_000;
/// How much of the end of a failing job's log is returned, in bytes, and of how many jobs.
const LOG_TAIL: usize = 8 * 1024;
const MOST_LOGS: usize = 3;
/// Where workflows of GitHub Actions lie.
pub(super) const WORKFLOWS: &str = ".github/workflows";

/// How the checks of a commit stand.
pub(super) enum State {
    /// There are none.
    None,
    /// Some are not over; their names.
    Pending(String),
    /// All are over.
    Over {
        /// The names of those that failed.
        failed: Vec<String>,
        /// Names, conclusions, and the end of what failed.
        output: String,
    },
}

impl State {
    /// The same, for the rule about merging.
    pub(super) fn stand(&self) -> ChecksStand {
        match self {
            Self::None => ChecksStand::None,
            Self::Pending(what) => ChecksStand::Pending(vec![what.clone()]),
            Self::Over { failed, .. } if failed.is_empty() => ChecksStand::Passed,
            Self::Over { failed, .. } => ChecksStand::Failed(failed.clone()),
        }
    }

    /// What those that are over have to say.
    pub(super) fn output(&self) -> &str {
        match self {
            Self::Over { output, .. } => output,
            Self::None | Self::Pending(_) => "",
        }
    }
}

/// The result of the checks of the head, which are started if that is the project's way.
pub(super) async fn run<P: Platform>(task: &Task<'_, P>) -> Result<Outcome> {
    task.all_committed()?;
    let head = &task.space.head;
    Ok(match started(task).await? {
        State::Pending(what) => awaiting(head, &what),
        State::Over { failed, output } => command(head, failed.is_empty(), output),
        State::None => return Err(no_checks(task).await?),
    })
}

/// How the checks of a commit stand, without starting any.
pub(super) async fn look<P: Platform>(task: &Task<'_, P>, commit: Option<&str>) -> Result<Outcome> {
    let head = &task.space.head;
    let commit = commit.unwrap_or(head);
    if !commit.bytes().all(|byte| byte.is_ascii_hexdigit()) || !(7..=64).contains(&commit.len()) {
        return Err(WorkspaceError::refused(
            "invalid_commit",
            format!("{commit:?} is no commit id"),
        ));
    }
    if let Some(workflow) = is_starting(task, commit).await? {
        return Ok(awaiting(commit, &format!("the workflow {workflow}")));
    }
    Ok(match state(task.repository, commit).await? {
        State::Pending(what) => awaiting(commit, &what),
        State::Over { failed, output } => command(commit, failed.is_empty(), output),
        State::None if commit == head && is_fresh(task) && has_workflows(task).await? => {
            awaiting(commit, "the checks")
        }
        State::None => return Err(no_checks(task).await?),
    })
}

/// The workflow that GitHub was just asked to start for a commit and does not show yet.
async fn is_starting<P: Platform>(task: &Task<'_, P>, commit: &str) -> Result<Option<String>> {
    let loom_domain::github::Checks::Dispatch { workflow } = &task.settings.checks else {
        return Ok(None);
    };
    let now = task.platform.clock().now();
    let was_asked = task
        .space
        .dispatched
        .as_ref()
        .is_some_and(|(asked, at)| asked == commit && now - at < GRACE_MS);
    if !was_asked {
        return Ok(None);
    }
    let runs = task
        .repository
        .workflow_runs(commit)
        .await
        .map_err(error::github)?;
    let is_there = runs.items.iter().any(|run| run.is_of(workflow));
    Ok((!is_there).then(|| workflow.clone()))
}

/// How the checks of the head stand. Those that do not start by themselves are started; `None` means that none will
/// come.
pub(super) async fn started<P: Platform>(task: &Task<'_, P>) -> Result<State> {
    let head = &task.space.head;
    if let loom_domain::github::Checks::Dispatch { workflow } = &task.settings.checks
        && task.space.is_published
    {
        let runs = task
            .repository
            .workflow_runs(head)
            .await
            .map_err(error::github)?;
        if !runs.items.iter().any(|run| run.is_of(workflow)) {
            return dispatch(task, workflow).await;
        }
    }
    match state(task.repository, head).await? {
        State::None if is_fresh(task) && has_workflows(task).await? => {
            Ok(State::Pending("the checks".to_owned()))
        }
        state => Ok(state),
    }
}

/// How the checks of a commit stand, whoever made them.
pub(super) async fn state<P: Platform>(repository: &Repository<P>, commit: &str) -> Result<State> {
    let checks = repository
        .commit_checks(commit)
        .await
        .map_err(error::github)?;
    let failed = match checks.stand() {
        ChecksStand::None => return Ok(State::None),
        ChecksStand::Pending(names) => {
            return Ok(State::Pending(format!("the checks {}", names.join(", "))));
        }
        ChecksStand::Passed => Vec::new(),
        ChecksStand::Failed(names) => names,
    };
    let mut output: String = checks
        .all
        .iter()
        .filter_map(|(name, end)| end.as_ref().map(|end| format!("{name}: {}\n", end.how)))
        .collect();
    output.push_str(&logs(repository, &checks.runs).await?);
    Ok(State::Over { failed, output })
}

/// The ends of what failing checks have to say.
async fn logs<P: Platform>(repository: &Repository<P>, checks: &[CheckRun]) -> Result<String> {
    let mut text = String::new();
    let failed = checks
        .iter()
        .filter(|check| check.conclusion.is_some_and(|end| !end.is_passing()));
    for check in failed.take(MOST_LOGS) {
        text.push_str(&format!("\n--- {} {}\n", check.name, check.html_url));
        if check.app() == Some("github-actions") {
            match repository.job_log_tail(check.id, LOG_TAIL).await {
                Ok(log) => {
                    if log.truncated {
                        text.push_str("[…]\n");
                    }
                    text.push_str(&log.text);
                }
                // A log that is gone must not hide the result.
                Err(error) if !error.is_retryable() => text.push_str(&error.to_string()),
                Err(error) => return Err(error::github(error)),
            }
        } else {
            let output = &check.output;
            for part in [&output.title, &output.summary, &output.text]
                .into_iter()
                .flatten()
            {
                let end = part.floor_char_boundary(LOG_TAIL);
                text.push_str(part.get(..end).unwrap_or_default());
                text.push('\n');
            }
        }
        text.push('\n');
    }
    Ok(text)
}

/// Whether the head was committed just now, so that its checks may still come.
fn is_fresh<P: Platform>(task: &Task<'_, P>) -> bool {
    let now = task.platform.clock().now();
    task.space
        .committed_at
        .is_some_and(|at| now - at < GRACE_MS)
}

async fn has_workflows<P: Platform>(task: &Task<'_, P>) -> Result<bool> {
    let files = task.view().files(WORKFLOWS).await?;
    Ok(files
        .keys()
        .any(|path| path.ends_with(".yml") || path.ends_with(".yaml")))
}

async fn no_checks<P: Platform>(task: &Task<'_, P>) -> Result<WorkspaceError> {
    let why = if has_workflows(task).await? {
        format!(
            "the workflows in {WORKFLOWS} did not run for this commit; if they run for pull requests, open one \
             first; otherwise let one of them run on a push to any branch, or name one that accepts workflow_dispatch in \
             the project's checks"
        )
    } else {
        format!(
            "the repository checks nothing; add a workflow to {WORKFLOWS}, such as one that runs the tests on every \
             push (`on: push`), commit it, and ask again"
        )
    };
    Ok(WorkspaceError::refused("no_checks", why))
}

pub(super) fn awaiting(commit: &str, what: &str) -> Outcome {
    Outcome::Awaiting {
        commit: commit.to_owned(),
        what: what.to_owned(),
    }
}

fn command(commit: &str, passed: bool, output: String) -> Outcome {
    Outcome::Command {
        argv: vec!["checks".to_owned(), commit.to_owned()],
        exit_code: Some(i32::from(!passed)),
        timed_out: false,
        output,
        cut_bytes: 0,
        duration_ms: 0,
    }
}
