//! A strict subset of YAML, enough for front matter and nothing more.
//!
//! By hand, because the YAML crates are either archived or larger than a whole component may be, and because an author
//! who leaves the subset should hear which line did it, rather than get a value that they did not mean.

mod block;
mod list;
mod scalar;

pub(super) use block::Block;

/// What is wrong, and on which line of the file, from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) line: usize,
    pub(super) reason: String,
}

impl Problem {
    pub(super) fn new(line: usize, reason: impl Into<String>) -> Self {
        Self {
            line,
            reason: reason.into(),
        }
    }
}

/// A text and the line it starts on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) line: usize,
    pub(super) value: String,
}

/// One line of the file without its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Line<'a> {
    number: usize,
    text: &'a str,
}

impl<'a> Line<'a> {
    /// How many spaces it starts with.
    fn indent(self) -> usize {
        self.text.len() - self.text.trim_start_matches(' ').len()
    }

    /// Without the spaces around it.
    fn trimmed(self) -> &'a str {
        self.text.trim()
    }

    /// Nothing on it but white space or a comment.
    fn is_empty(self) -> bool {
        self.trimmed().is_empty() || self.trimmed().starts_with('#')
    }
}

/// Splits a file into the lines of its front matter, its body, and the line on which the body starts.
pub(super) fn split(text: &str) -> Result<(Vec<Line<'_>>, &str, usize), Problem> {
    let mut rest = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut lines = Vec::new();
    for number in 1.. {
        let (line, after) = rest.split_once('\n').unwrap_or((rest, ""));
        let line = Line {
            number,
            text: line.strip_suffix('\r').unwrap_or(line),
        };
        let is_fence = line.text.trim_end() == "---";
        if number == 1 && !is_fence {
            let reason = "the file must start with front matter: a line ---, keys, a line ---";
            return Err(Problem::new(1, reason));
        }
        if number > 1 {
            if is_fence {
                return Ok((lines, after, number + 1));
            }
            lines.push(line);
        }
        if after.is_empty() && !rest.contains('\n') {
            break;
        }
        rest = after;
    }
    Err(Problem::new(
        1,
        "the front matter is not closed: its end is a line that is only ---",
    ))
}
