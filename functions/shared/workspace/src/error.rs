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
        }
    }
}
