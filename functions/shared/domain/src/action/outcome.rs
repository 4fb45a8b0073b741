use serde::{Deserialize, Serialize};

use super::Action;

/// How an action went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeStatus {
    /// It did what was asked.
    Ok,
    /// A rule says no; nothing was changed and the same action will be refused again.
    Refused,
    /// It was tried and failed: a build with errors, a file that is not there, a workspace that does not answer.
    Error,
}

/// An action's result, as it is journalled before the next action starts (invariant I7).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionOutcome {
    /// How it went.
    pub status: OutcomeStatus,
    /// Stable `snake_case` code of what went wrong; `None` when nothing did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// What there is to read: a file's content, a command's output, an error's sentence. Untrusted.
    pub text: String,
}

impl ActionOutcome {
    /// It did what was asked.
    pub fn ok(text: impl Into<String>) -> Self {
        Self {
            status: OutcomeStatus::Ok,
            code: None,
            text: text.into(),
        }
    }

    /// A rule says no.
    pub fn refused(code: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            status: OutcomeStatus::Refused,
            code: Some(code.into()),
            text: text.into(),
        }
    }

    /// It was tried and failed.
    pub fn error(code: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            status: OutcomeStatus::Error,
            code: Some(code.into()),
            text: text.into(),
        }
    }

    /// Whether it did what was asked.
    pub fn is_ok(&self) -> bool {
        self.status == OutcomeStatus::Ok
    }

    /// Whether it failed with one of `codes`.
    pub fn failed_with(&self, codes: &[&str]) -> bool {
        !self.is_ok()
            && self
                .code
                .as_deref()
                .is_some_and(|code| codes.contains(&code))
    }
}

/// One line of a run's action log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Performed {
    /// The step, from 1.
    pub step: u32,
    /// What was done.
    pub action: Action,
    /// How it went.
    pub outcome: ActionOutcome,
}
