//! How much of a tree is listed and searched, and what is a pattern.

use std::fmt::Display;

use crate::WorkspaceError;

const DEFAULT_DEPTH: u32 = 4;
const MAX_DEPTH: u32 = 32;
const DEFAULT_ENTRIES: u32 = 500;
const MAX_ENTRIES: u32 = 5000;
const DEFAULT_MATCHES: u32 = 200;
const MAX_MATCHES: u32 = 1000;
const MAX_PATTERN: usize = 1000;
const MAX_LINE: usize = 400;

/// How many levels of directories are listed when `asked` for so many, where 0 leaves it open.
pub fn depth(asked: u32) -> usize {
    within(asked, DEFAULT_DEPTH, MAX_DEPTH)
}

/// How many entries of a tree are listed when `asked` for so many, where 0 leaves it open.
pub fn entries(asked: u32) -> usize {
    within(asked, DEFAULT_ENTRIES, MAX_ENTRIES)
}

/// How many matches are given when `asked` for so many, where 0 leaves it open.
pub fn matches(asked: u32) -> usize {
    within(asked, DEFAULT_MATCHES, MAX_MATCHES)
}

/// Refuses with `invalid_pattern` what is empty or too long to be looked for.
pub fn check_pattern(pattern: &str) -> Result<(), WorkspaceError> {
    if (1..=MAX_PATTERN).contains(&pattern.len()) {
        return Ok(());
    }
    Err(WorkspaceError::refused(
        "invalid_pattern",
        format!("a pattern has 1 to {MAX_PATTERN} bytes"),
    ))
}

/// `invalid_pattern`: a regular expression that can't be used, for this reason.
pub fn invalid_pattern(reason: impl Display) -> WorkspaceError {
    WorkspaceError::refused(
        "invalid_pattern",
        format!("the pattern is not a regular expression: {reason}"),
    )
}

/// What a match shows of its line.
pub fn shown(line: &str) -> String {
    line.chars().take(MAX_LINE).collect()
}

/// A number that was asked for, 0 being none, within its limit.
pub(crate) fn within(asked: u32, default: u32, most: u32) -> usize {
    let number = if asked == 0 { default } else { asked.min(most) };
    usize::try_from(number).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_leaves_it_open_and_too_much_is_less() {
        assert_eq!([depth(0), depth(1), depth(99)], [4, 1, 32]);
        assert_eq!([entries(0), entries(7), entries(u32::MAX)], [500, 7, 5000]);
        assert_eq!([matches(0), matches(7), matches(u32::MAX)], [200, 7, 1000]);
    }

    #[test]
    fn patterns_have_a_length() {
        assert!(check_pattern("x").is_ok() && check_pattern(&"x".repeat(1000)).is_ok());
        for pattern in ["", &"x".repeat(1001)] {
            assert_eq!(check_pattern(pattern).unwrap_err().code, "invalid_pattern");
        }
    }
}
