//! Shortening text: characters are never split, and what was left out is said.

use std::borrow::Cow;

/// What a notice may take.
const NOTICE: usize = 40;

/// At most `max` bytes (a little more when `max` is tiny), keeping two thirds of the head and one third of the tail: the
/// start of a text says what it is, the end of an output says how it went.
pub(crate) fn middle(text: &str, max: usize) -> Cow<'_, str> {
    if text.len() <= max {
        return Cow::Borrowed(text);
    }
    let max = max.saturating_sub(NOTICE);
    head_and_tail(text, max - max / 3, max / 3)
}

/// Keeps `head` bytes at the start and `tail` at the end, with a notice between them.
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
    let line = text.trim().lines().next().unwrap_or_default().trim_end();
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_was_cut_is_said() {
        assert_eq!(middle("short", 10), "short");
        assert_eq!(
            head_and_tail("aaa\nbbb\nccc\nddd", 4, 3),
            "aaa\n\n[2 lines left out]\nddd"
        );
        assert_eq!(
            head_and_tail("0123456789", 2, 2),
            "01\n[6 characters left out]\n89"
        );
        assert_eq!(one_line(" a\tb \nc", 10), "a b");
        assert_eq!(one_line("abcdef", 4), "abc…");
    }

    proptest! {
        #[test]
        fn the_limit_holds(text in "(?s).{0,300}", max in 50_usize..400) {
            let cut = middle(&text, max);
            prop_assert!(cut.len() <= max);
            prop_assert!(text.len() > max || cut == text);
        }

        #[test]
        fn any_limit_is_survived(text in "(?s).{0,40}", head in 0_usize..60, tail in 0_usize..60, max in 0_usize..50) {
            let _ = (head_and_tail(&text, head, tail), middle(&text, max), one_line(&text, max));
        }
    }
}
