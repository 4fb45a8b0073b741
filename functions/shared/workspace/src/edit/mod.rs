//! How an edit finds its place: the one place in a file that looks like the old text.
//!
//! Three levels are tried, each more lenient than the one before: the text character by character, its lines without
//! regard to white space at their ends and to the indentation as a whole, and at last only its first and last line.
//! At the first level that finds anything, more than one place is refused: guessing which one was meant is how
//! edits go wrong. Everything outside the place stays byte for byte as it was.

mod indent;
mod lines;
mod place;
#[cfg(test)]
mod tests;

use crate::{MatchedBy, WorkspaceError};

/// An edit that found its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// The whole new content of the file.
    pub content: String,
    /// How the place was found.
    pub matched_by: MatchedBy,
    /// The first line of the new text, from 1.
    pub first_line: u32,
    /// The last line of the new text; the line before `first_line` when lines were only removed.
    pub last_line: u32,
}

/// Why an edit found no place, or too many.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EditProblem {
    /// There is no old text to look for.
    Empty,
    /// Old and new text are the same.
    NoChange,
    /// Nothing looks like the old text.
    NotFound {
        /// The lines most like its first one, by number from 1, best first; at most three.
        closest: Vec<(u32, String)>,
    },
    /// More than one place does.
    Ambiguous {
        /// The level that found them.
        matched_by: MatchedBy,
        /// The first line of each, from 1; at most [`MAX_CANDIDATES`].
        lines: Vec<u32>,
    },
}

/// How many places of an ambiguous edit are named.
pub const MAX_CANDIDATES: usize = 20;

/// Replaces the one place in `content` that looks like `old` by `new`.
///
/// Where the indentation of the file differs from that of `old`, `new` is indented like the file; where lines end in
/// CRLF, so do the new ones.
pub fn apply(content: &str, old: &str, new: &str) -> Result<Edit, EditProblem> {
    if old.trim().is_empty() {
        return Err(EditProblem::Empty);
    }
    if old == new {
        return Err(EditProblem::NoChange);
    }
    let place = place::find(content, old)?;
    let text = place.fitted(content, old, new);
    let before = content.get(..place.range.start).unwrap_or_default();
    let after = content.get(place.range.end..).unwrap_or_default();
    let first_line = number(before.matches('\n').count() + 1);
    let new_lines = text.lines().count();
    Ok(Edit {
        content: format!("{before}{text}{after}"),
        matched_by: place.matched_by,
        first_line,
        last_line: first_line
            .saturating_add(number(new_lines))
            .saturating_sub(1),
    })
}

impl EditProblem {
    /// The refusal to hand to whoever asked for the edit of `path`.
    pub fn refusal(&self, path: &str) -> WorkspaceError {
        match self {
            Self::Empty => WorkspaceError::refused(
                "edit_empty",
                format!("the old text is blank, so it names no place in {path}; to replace the whole file, write it"),
            ),
            Self::NoChange => WorkspaceError::refused(
                "edit_no_change",
                format!("the old and the new text are the same, so nothing in {path} would change"),
            ),
            Self::NotFound { closest } => {
                let mut message = format!(
                    "the old text was not found in {path} (tried exactly, without regard to white space, and by its \
                     first and last line); read the file again and copy the lines as they are"
                );
                if !closest.is_empty() {
                    message.push_str(". The lines most like its first line:");
                    for (line, text) in closest {
                        message.push_str(&format!("\n{line}: {text}"));
                    }
                }
                let lines: Vec<u32> = closest.iter().map(|(line, _)| *line).collect();
                WorkspaceError::refused("edit_not_found", message).with("lines", lines)
            }
            Self::Ambiguous { lines, .. } => {
                let listed: Vec<String> = lines.iter().map(u32::to_string).collect();
                WorkspaceError::refused(
                    "edit_ambiguous",
                    format!(
                        "the old text fits {} places in {path}, at the lines {}; add lines before or after it until \
                         only one fits",
                        if lines.len() < MAX_CANDIDATES { lines.len().to_string() } else { "many".to_owned() },
                        listed.join(", "),
                    ),
                )
                .with("lines", lines.clone())
            }
        }
        .with("path", path)
    }
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
