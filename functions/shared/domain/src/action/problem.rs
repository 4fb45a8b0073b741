use std::fmt;

use thiserror::Error;

/// One thing that is wrong with an action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Stable, `snake_case`: `unknown_action`, `not_allowed`, `not_an_object`, `missing_action`, `missing_field`,
    /// `unknown_field`, `wrong_type`, `empty_field`, `too_long`, `out_of_range`, `unknown_choice`, `no_shell`,
    /// `nothing_to_change`, `unreadable_arguments`, `too_many_actions`, `not_tried`.
    pub code: &'static str,
    /// The field, where it is about one.
    pub field: Option<String>,
    /// A sentence for the model: what is wrong and what to send instead.
    pub message: String,
}

impl Problem {
    /// A problem with the action as a whole.
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            field: None,
            message: message.into(),
        }
    }

    /// A problem with one field.
    pub(crate) fn field(code: &'static str, field: &str, message: impl Into<String>) -> Self {
        Self {
            code,
            field: Some(field.to_owned()),
            message: message.into(),
        }
    }
}

/// Why JSON is not an [`Action`](super::Action): at least one problem, all that were found.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub struct ActionError {
    /// The action that was meant, where its name was understood.
    pub action: Option<&'static str>,
    /// What is wrong, at least one.
    pub problems: Vec<Problem>,
}

impl ActionError {
    /// One problem.
    pub(crate) fn one(action: Option<&'static str>, problem: Problem) -> Self {
        Self {
            action,
            problems: vec![problem],
        }
    }

    /// The first problem's code.
    pub fn code(&self) -> &'static str {
        self.problems
            .first()
            .map_or("invalid_action", |problem| problem.code)
    }
}

impl fmt::Display for ActionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(action) = self.action {
            write!(f, "{action}: ")?;
        }
        for (index, problem) in self.problems.iter().enumerate() {
            if index > 0 {
                f.write_str(" ")?;
            }
            f.write_str(&problem.message)?;
        }
        Ok(())
    }
}
