//! How much of a text is shown: a diff, a status, a log, a list of files.

use crate::{Outcome, search::within};

/// The most of a diff, a status or a log that is returned, in bytes.
pub const MAX_TEXT: usize = 256 * 1024;
const DEFAULT_COMMITS: u32 = 20;
const MAX_COMMITS: u32 = 200;
const MAX_PATHS: usize = 20;

/// How many commits a log has when `asked` for so many, where 0 leaves it open.
pub fn commits(asked: u32) -> usize {
    within(asked, DEFAULT_COMMITS, MAX_COMMITS)
}

/// A diff, a status or a log as an answer.
pub fn answer(text: &str) -> Outcome {
    let (text, truncated) = beginning(text, MAX_TEXT);
    Outcome::Text {
        text: text.to_owned(),
        truncated,
    }
}

/// A text's first `limit` bytes or so, whole lines where possible, and whether anything is missing.
pub fn beginning(text: &str, limit: usize) -> (&str, bool) {
    if text.len() <= limit {
        return (text, false);
    }
    let head = text
        .get(..text.floor_char_boundary(limit))
        .unwrap_or_default();
    let lines = head.rfind('\n').and_then(|end| head.get(..=end));
    (lines.unwrap_or(head), true)
}

/// The first paths of several, for a message.
pub fn paths<'p>(paths: impl IntoIterator<Item = &'p String>) -> String {
    let mut rest = paths.into_iter();
    let mut shown: Vec<&str> = rest.by_ref().take(MAX_PATHS).map(String::as_str).collect();
    if rest.next().is_some() {
        shown.push("…");
    }
    shown.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_ends_with_a_line_where_it_has_any() {
        assert_eq!(beginning("a\nb\n", 4), ("a\nb\n", false));
        assert_eq!(beginning("a\nbc\n", 4), ("a\n", true));
        assert_eq!(beginning("aüü", 4), ("aü", true));
    }

    #[test]
    fn twenty_paths_are_named() {
        let all: Vec<String> = (0..21).map(|n| n.to_string()).collect();
        assert!(paths(&all[..20]).ends_with(", 19"));
        assert!(paths(&all).ends_with(", 19, …"));
    }
}
