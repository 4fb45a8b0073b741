//! What the errors of the ports below mean to a run.

use loom_github::GithubError;
use loom_platform::DatabaseError;

use crate::WorkspaceError;

pub(super) type Result<T> = std::result::Result<T, WorkspaceError>;

/// A failure of the database may pass: nothing was changed, and the same call may be made again.
pub(super) fn database(error: DatabaseError) -> WorkspaceError {
    WorkspaceError::unavailable(
        "journal_failed",
        format!("what this run has changed could not be read or noted: {error}"),
    )
}

/// What a row holds that nobody wrote there.
pub(super) fn corrupt(what: &str, problem: impl std::fmt::Display) -> WorkspaceError {
    WorkspaceError::unavailable(
        "journal_failed",
        format!("what is noted about {what} can't be understood: {problem}"),
    )
}

/// Limits and outages pass, so the run waits for them. Everything else is for whoever asked, or for an administrator.
pub(super) fn github(error: GithubError) -> WorkspaceError {
    let code = error.code();
    let message = error.to_string();
    match &error {
        GithubError::RateLimited { until, .. } => {
            WorkspaceError::unavailable(code, message).retry_at(until.0)
        }
        GithubError::Unavailable { .. } | GithubError::Unreadable { .. } => {
            WorkspaceError::unavailable(code, message)
        }
        _ => WorkspaceError::refused(code, message),
    }
}
