use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

/// Who can do something about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// The model: it asked for something that can't be done, and may ask for something else.
    Refused,
    /// Nobody: another process has taken over the run, and this one must stop (invariant I2).
    StaleFence,
    /// Time: the workspace can't be reached or failed; the same call, with the same key, may work later.
    Unavailable,
}

/// Why an operation was not done. On the wire `message` is called `error`, as in every error of Loom.
#[derive(Debug, Clone, PartialEq, Error, Serialize, Deserialize)]
#[error("{message}")]
pub struct WorkspaceError {
    /// Stable, `snake_case`, such as `edit_ambiguous`.
    pub code: String,
    /// What happened, why, and what to do next.
    #[serde(rename = "error")]
    pub message: String,
    /// Facts for programs, by code; `null` when there are none.
    #[serde(default)]
    pub details: Value,
    /// Who can do something about it.
    pub kind: ErrorKind,
    /// When the same call may be made again, in milliseconds since the Unix epoch, where that is known: a limit of
    /// GitHub says so. Only with [`ErrorKind::Unavailable`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_at: Option<i64>,
}

impl WorkspaceError {
    /// A refusal that the model can act on.
    pub fn refused(code: &str, message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Refused, code, message)
    }

    /// A failure that may pass.
    pub fn unavailable(code: &str, message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Unavailable, code, message)
    }

    /// The answer to a caller whose run has been taken over: `current` is the highest fence seen.
    pub fn stale_fence(given: i64, current: i64) -> Self {
        Self::new(
            ErrorKind::StaleFence,
            "stale_fence",
            format!(
                "this run was taken over: its fence is {current} now and this call carries {given}; \
                 nothing was done, and this chain of steps must stop"
            ),
        )
        .with("given", given)
        .with("current", current)
    }

    /// The answer to a pull request or a review of one where the repository knows none.
    pub fn no_pull_requests() -> Self {
        Self::refused(
            "no_pull_requests",
            "this project's repository is a local one, which has no pull requests; commit the work and end the run, \
             and the branch is handed over by the project's git strategy",
        )
    }

    /// The answer to a question for the checks of a commit where only commands check anything.
    pub fn no_checks() -> Self {
        Self::refused(
            "no_checks",
            "nothing checks commits of this project by itself; use build, test and lint, which run here",
        )
    }

    /// Says when the call may be made again, in milliseconds since the Unix epoch.
    #[must_use]
    pub fn retry_at(mut self, at: i64) -> Self {
        self.retry_at = Some(at);
        self
    }

    /// The answer to a commit on a branch that is not where it was expected.
    pub fn head_moved(branch: &str, head: Option<&str>) -> Self {
        let at = head.map_or_else(
            || "does not exist".to_owned(),
            |head| format!("is at {head}"),
        );
        Self::refused(
            "head_moved",
            format!("the branch {branch} {at} now; nothing was committed: read it again and repeat the change"),
        )
        .with("head", head)
    }

    /// The answer to a commit where nothing has changed.
    pub fn nothing_to_commit() -> Self {
        Self::refused(
            "nothing_to_commit",
            "nothing has changed since the last commit",
        )
    }

    /// Adds a fact for programs.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        if !self.details.is_object() {
            self.details = Value::Object(serde_json::Map::new());
        }
        if let Value::Object(details) = &mut self.details {
            details.insert(name.to_owned(), value.into());
        }
        self
    }

    fn new(kind: ErrorKind, code: &str, message: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            message: message.into(),
            details: Value::Null,
            kind,
            retry_at: None,
        }
    }
}
