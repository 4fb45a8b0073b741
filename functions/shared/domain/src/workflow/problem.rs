use std::fmt;

use serde::Serialize;

use crate::Refusal;

/// What is wrong with a definition, and where.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Problem {
    /// The line of the file, from 1; 0 where the definition does not come from a file.
    pub line: usize,
    /// One or two sentences: what is wrong, and what to write instead.
    pub message: String,
}

impl Problem {
    pub(super) fn new(line: usize, message: impl Into<String>) -> Self {
        Self {
            line,
            message: message.into(),
        }
    }

    /// All problems as one refusal, `invalid_workflow`; each is in `details.problems`, with its line.
    pub fn refusal(problems: &[Self]) -> Refusal {
        let count = match problems.len() {
            1 => "a problem".to_owned(),
            several => format!("{several} problems, all in `details.problems`. The first"),
        };
        let first = problems
            .first()
            .map(ToString::to_string)
            .unwrap_or_default();
        let all: Vec<serde_json::Value> = problems
            .iter()
            .map(|problem| serde_json::json!({"line": problem.line, "message": problem.message}))
            .collect();
        Refusal::invalid(
            "invalid_workflow",
            format!("The workflow has {count}: {first}"),
        )
        .detail("problems", all)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line > 0 {
            write!(out, "line {}: ", self.line)?;
        }
        out.write_str(&self.message)
    }
}
