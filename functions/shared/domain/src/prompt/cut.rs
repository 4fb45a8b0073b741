//! Shortening text: characters are never split, and what was left out is said.

use std::borrow::Cow;

/// At most `max` bytes (plus the notice), keeping two thirds of the head and one third of the tail: the start of a
/// text says what it is, the end of an output says how it went.
pub(crate) fn middle(text: &str, max: usize) -> Cow<'_, str> {
    head_and_tail(text, max - max / 3, max / 3)
}

/// Keeps `head` bytes at the start and `tail` at the end.
pub(crate) fn head_and_tail(text: &str, head: usize, tail: usize) -> Cow<'_, str> {
    if text.len() <= head.saturating_add(tail) {
        return Cow::Borrowed(text);
    }
    let start = floor(text, head);
    let end = ceil(text, text.len().saturating_sub(tail));
    let (first, last) = (
        text.get(..start).unwrap_or_default(),
        text.get(end..).unwrap_or_default(),
    );
    let cut = text.get(start..end).unwrap_or_default();
    let notice = match cut.lines().count() {
        0 | 1 => format!("[{} characters left out]", cut.chars().count()),
        lines => format!("[{lines} lines left out]"),
    };
    Cow::Owned(format!("{first}\n{notice}\n{last}"))
}

/// The first line, at most `max` characters, with `…` where it was cut, and no control characters.
pub(crate) fn one_line(text: &str, max: usize) -> String {
    let line = text.trim().lines().next().unwrap_or_default();
    let mut chars = line.chars().map(|c| if c.is_control() { ' ' } else { c });
    let mut cut: String = chars.by_ref().take(max).collect();
    if chars.next().is_some() {
        cut.pop();
        cut.push('…');
    }
    cut
}

/// The greatest character boundary that is at most `index`.
pub(crate) fn floor(text: &str, index: usize) -> usize {
    (0..=index.min(text.len()))
        .rev()
        .find(|i| text.is_char_boundary(*i))
        .unwrap_or(0)
}

/// The smallest character boundary that is at least `index`.
pub(crate) fn ceil(text: &str, index: usize) -> usize {
    (index..=text.len())
        .find(|i| text.is_char_boundary(*i))
        .unwrap_or(text.len())
}
