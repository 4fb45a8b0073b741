//! Models that reason write it into the text, between tags that are not always both there.

use std::borrow::Cow;

const TAGS: &[(&str, &str)] = &[
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("<thought>", "</thought>"),
    ("<reasoning>", "</reasoning>"),
];

/// The text without thoughts: pairs are cut out; a closing tag without an opening one ends a thought that began with
/// the text; an opening tag without a closing one begins a thought that goes on to the end.
pub(super) fn strip(text: &str) -> Cow<'_, str> {
    let mut text = Cow::Borrowed(text);
    for (open, close) in TAGS {
        if !text.contains(open) && !text.contains(close) {
            continue;
        }
        let mut kept = String::new();
        let mut rest: &str = &text;
        loop {
            match (rest.find(open), rest.find(close)) {
                (Some(start), Some(end)) if start < end => {
                    kept.push_str(rest.get(..start).unwrap_or_default());
                    rest = rest.get(end + close.len()..).unwrap_or_default();
                }
                (_, Some(end)) => {
                    kept.clear();
                    rest = rest.get(end + close.len()..).unwrap_or_default();
                }
                (Some(start), None) => {
                    kept.push_str(rest.get(..start).unwrap_or_default());
                    break;
                }
                (None, None) => {
                    kept.push_str(rest);
                    break;
                }
            }
        }
        text = Cow::Owned(kept);
    }
    text
}

/// The thought that was opened last and never closed.
pub(super) fn unclosed(text: &str) -> Option<&str> {
    TAGS.iter().find_map(|(open, close)| {
        let start = text.rfind(open)? + open.len();
        let thought = text.get(start..)?;
        (!thought.contains(close)).then_some(thought)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thoughts_are_cut_out() {
        for (text, left) in [
            ("plain", "plain"),
            ("<think>a</think>b", "b"),
            ("a<think>b</think>c<think>d</think>e", "ace"),
            ("a</think>b", "b"),
            ("a</think>b</think>c", "c"),
            ("a<think>b", "a"),
            ("<think>a</think>b<think>c", "b"),
            ("<thinking>a</thinking>b", "b"),
            ("<think>a<thinking>b</think>c", "c"),
            ("<think></think>", ""),
        ] {
            assert_eq!(strip(text), left, "{text}");
        }
        assert_eq!(unclosed("x<think>y"), Some("y"));
        assert_eq!(unclosed("x<think>y</think>z"), None);
        assert_eq!(unclosed("x"), None);
    }
}
