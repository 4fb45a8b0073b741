//! Reading payloads that may lack anything: every reader is bounded, and what is not there is said by name.

use serde_json::Value;

use super::intent::Ignored;
use crate::time::Timestamp;

/// The longest title, in characters: GitHub allows 256.
const TITLE: usize = 300;
/// The longest text, in bytes: a bead's description may be 256 KiB, and Loom adds a few lines.
const BODY: usize = 192 * 1024;
/// The longest name of anything, in characters.
const NAME: usize = 255;

/// The text at a JSON pointer, not empty.
pub(super) fn text<'a>(payload: &'a Value, pointer: &str) -> Option<&'a str> {
    payload
        .pointer(pointer)?
        .as_str()
        .filter(|text| !text.is_empty())
}

/// The truth value at a JSON pointer; absent is `false`.
pub(super) fn truth(payload: &Value, pointer: &str) -> bool {
    payload.pointer(pointer).and_then(Value::as_bool) == Some(true)
}

/// The moment at a JSON pointer: GitHub writes RFC 3339, and seconds since the epoch in a few places.
pub(super) fn time(payload: &Value, pointer: &str) -> Option<Timestamp> {
    match payload.pointer(pointer)? {
        Value::String(text) => Timestamp::parse(text),
        Value::Number(seconds) => seconds.as_i64()?.checked_mul(1_000).map(Timestamp),
        _ => None,
    }
}

/// The positive number at a JSON pointer.
pub(super) fn number(payload: &Value, pointer: &str) -> Option<i64> {
    payload
        .pointer(pointer)?
        .as_i64()
        .filter(|number| *number > 0)
}

/// What must be there for the delivery to mean anything.
pub(super) fn needed<T>(found: Option<T>, field: &str) -> Result<T, Ignored> {
    found.ok_or_else(|| unreadable(field))
}

/// The delivery cannot be read, because of one field.
pub(super) fn unreadable(field: &str) -> Ignored {
    Ignored {
        code: "unreadable_payload",
        why: format!(
            "The payload lacks {}, or holds something else there, so nothing was done.",
            field.trim_start_matches('/').replace('/', ".")
        ),
    }
}

/// A short name at a pointer, as one line; `None` when it is absent or longer than any name on GitHub.
pub(super) fn name(payload: &Value, pointer: &str) -> Option<String> {
    let name = text(payload, pointer)?;
    let fits = name.chars().count() <= NAME && !name.chars().any(char::is_control);
    fits.then(|| name.to_owned())
}

/// A URL at a pointer; empty when there is none that can be shown.
pub(super) fn url(payload: &Value, pointer: &str) -> String {
    text(payload, pointer)
        .filter(|url| {
            (url.starts_with("https://") || url.starts_with("http://"))
                && url.len() <= 2_000
                && !url
                    .contains(|c: char| c.is_whitespace() || c.is_control() || c == '<' || c == '>')
        })
        .unwrap_or_default()
        .to_owned()
}

/// A commit's SHA at a pointer: 40 or 64 hexadecimal digits.
pub(super) fn sha(payload: &Value, pointer: &str) -> Option<String> {
    let sha = text(payload, pointer)?;
    let fits = matches!(sha.len(), 40 | 64) && sha.bytes().all(|byte| byte.is_ascii_hexdigit());
    fits.then(|| sha.to_ascii_lowercase())
}

/// A title: one line of at most 300 characters, cut with a note; `otherwise` when there is none.
pub(super) fn title(text: Option<&str>, otherwise: &str) -> String {
    let line = text
        .unwrap_or_default()
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ");
    if line.is_empty() {
        return otherwise.to_owned();
    }
    if line.chars().count() <= TITLE {
        return line;
    }
    let mut cut: String = line.chars().take(TITLE - 1).collect();
    cut.push('…');
    cut
}

/// A longer text of at most `limit` bytes, cut with a note that says where the rest is.
pub(super) fn cut(text: &str, limit: usize, link: &str) -> String {
    let text: String = text
        .replace("\r\n", "\n")
        .chars()
        .filter(|c| !c.is_control() || matches!(c, '\n' | '\t'))
        .collect();
    if text.len() <= limit {
        return text;
    }
    let mut end = limit;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let kept = text.get(..end).unwrap_or_default();
    format!(
        "{kept}\n\n[Cut by Loom: {} more bytes are at {link}]",
        text.len() - end
    )
}

/// A body, bounded.
pub(super) fn body(payload: &Value, pointer: &str, link: &str) -> String {
    cut(text(payload, pointer).unwrap_or_default(), BODY, link)
}

/// The names of the labels at a pointer, at most 100.
pub(super) fn labels(payload: &Value, pointer: &str) -> Vec<String> {
    let mut labels: Vec<String> = Vec::new();
    for label in payload
        .pointer(pointer)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .take(100)
    {
        // Very old deliveries have plain texts here.
        let found = label.as_str().or_else(|| text(label, "/name"));
        let found: String = found
            .unwrap_or_default()
            .chars()
            .filter(|c| !c.is_control())
            .take(100)
            .collect();
        let found = found.trim().to_owned();
        if !found.is_empty() && !labels.contains(&found) {
            labels.push(found);
        }
    }
    labels
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn texts_are_bounded_and_say_so() {
        assert_eq!(title(Some(" a\r\n\tb\u{7} "), "x"), "a b");
        assert_eq!(title(Some("\u{0}"), "Issue #1"), "Issue #1");
        assert_eq!(title(Some(&"é".repeat(400)), "x").chars().count(), TITLE);
        assert_eq!(cut("a\r\nb\u{0}\tc", 100, ""), "a\nb\tc");
        let long = cut(&"é".repeat(100), 51, "https://x");
        assert!(long.starts_with(&"é".repeat(25)), "{long}");
        assert!(
            long.ends_with("[Cut by Loom: 150 more bytes are at https://x]"),
            "{long}"
        );
    }

    #[test]
    fn what_is_not_as_it_should_be_is_not_there() {
        let payload = json!({"n": -1, "t": 5, "s": "ABC", "u": "javascript:x", "l": [{"name": " a "}, "b", 1, {"name": "a"}]});
        assert_eq!(number(&payload, "/n"), None);
        assert_eq!(time(&payload, "/t"), Some(Timestamp(5_000)));
        assert_eq!(sha(&payload, "/s"), None);
        assert_eq!(url(&payload, "/u"), "");
        assert_eq!(labels(&payload, "/l"), ["a", "b"]);
        let why = needed(number(&payload, "/a/b"), "/a/b").unwrap_err();
        assert!(why.why.contains("a.b"), "{why:?}");
    }
}
