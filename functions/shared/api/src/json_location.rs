//! Where in a JSON text an error of `serde_json` lies, as a path.
//!
//! `serde_json` tells line and column. The path is found by reading the text up to there once more, on the error path
//! only: a path-tracking deserialiser around every type would cost every component more than it is worth.

#[derive(Debug)]
enum Frame {
    Object {
        key: Option<String>,
        before_colon: bool,
    },
    Array {
        index: usize,
    },
}

/// The path of the value that `error` complains about (`$` for the whole), and the complaint without its position.
pub(crate) fn explain(text: &[u8], error: &serde_json::Error) -> (String, String) {
    let full = error.to_string();
    let position = format!(" at line {} column {}", error.line(), error.column());
    let problem = full.strip_suffix(&position).unwrap_or(&full);
    let (frames, closed) = read_to(text, offset(text, error.line(), error.column()));
    let mut path = render(&frames);
    if let Some(name) = problem
        .strip_prefix("missing field `")
        .and_then(|rest| rest.split('`').next())
    {
        push_key(&mut path, name);
        return (path, "is missing".to_owned());
    }
    // A value of its own type that is the last of its object is complained about only after the closing brace.
    if let Some(frame) = closed {
        path = render(&frames.into_iter().chain([frame]).collect::<Vec<_>>());
    }
    if path.is_empty() {
        path.push('$');
    }
    (path, problem.to_owned())
}

fn offset(text: &[u8], line: usize, column: usize) -> usize {
    let before: usize = text
        .split_inclusive(|byte| *byte == b'\n')
        .take(line.saturating_sub(1))
        .map(<[u8]>::len)
        .sum();
    (before + column).min(text.len())
}

/// The open objects and arrays at `end`, and the one that was closed last when nothing follows it.
fn read_to(text: &[u8], end: usize) -> (Vec<Frame>, Option<Frame>) {
    let mut frames: Vec<Frame> = Vec::new();
    let mut closed = None;
    let mut rest = text.get(..end).unwrap_or_default();
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        if byte.is_ascii_whitespace() {
            continue;
        }
        closed = None;
        match byte {
            b'{' => frames.push(Frame::Object {
                key: None,
                before_colon: true,
            }),
            b'[' => frames.push(Frame::Array { index: 0 }),
            b'}' | b']' => closed = frames.pop(),
            b'"' => {
                let length = string_length(rest);
                let string = rest.get(..length).unwrap_or_default();
                rest = rest.get(length + 1..).unwrap_or_default();
                if let Some(Frame::Object {
                    key,
                    before_colon: true,
                }) = frames.last_mut()
                {
                    *key = serde_json::from_slice(&[b"\"", string, b"\""].concat()).ok();
                }
            }
            b':' => {
                if let Some(Frame::Object { before_colon, .. }) = frames.last_mut() {
                    *before_colon = false;
                }
            }
            b',' => match frames.last_mut() {
                Some(Frame::Object { key, before_colon }) => (*key, *before_colon) = (None, true),
                Some(Frame::Array { index }) => *index += 1,
                None => {}
            },
            _ => {}
        }
    }
    (frames, closed)
}

/// The number of bytes before the closing quote.
fn string_length(rest: &[u8]) -> usize {
    let mut escaped = false;
    rest.iter()
        .position(|byte| {
            let ends = *byte == b'"' && !escaped;
            escaped = *byte == b'\\' && !escaped;
            ends
        })
        .unwrap_or(rest.len())
}

fn render(frames: &[Frame]) -> String {
    let mut path = String::new();
    for frame in frames {
        match frame {
            Frame::Object { key: Some(key), .. } => push_key(&mut path, key),
            Frame::Object { key: None, .. } => {}
            Frame::Array { index } => path.push_str(&format!("[{index}]")),
        }
    }
    path
}

fn push_key(path: &mut String, key: &str) {
    if !path.is_empty() {
        path.push('.');
    }
    path.push_str(key);
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "only read by serde")]
    struct Filing {
        title: String,
        #[serde(default)]
        priority: Option<Priority>,
        #[serde(default)]
        estimate: Option<u8>,
        #[serde(default)]
        tags: Vec<String>,
        #[serde(default)]
        items: Vec<Item>,
        #[serde(default)]
        due: Option<Even>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "only read by serde")]
    struct Item {
        name: String,
        #[serde(default)]
        due: Option<Even>,
    }

    #[derive(Debug, Deserialize)]
    enum Priority {
        P0,
        P1,
    }

    #[derive(Debug, Deserialize)]
    #[serde(try_from = "i64")]
    struct Even;

    impl TryFrom<i64> for Even {
        type Error = String;
        fn try_from(number: i64) -> Result<Self, String> {
            if number % 2 == 0 {
                Ok(Self)
            } else {
                Err("must be even".to_owned())
            }
        }
    }

    #[test]
    fn paths() {
        for (text, path, problem) in [
            (
                r#"{"title": 5}"#,
                "title",
                "invalid type: integer `5`, expected a string",
            ),
            (
                r#"{"title": null, "tags": []}"#,
                "title",
                "invalid type: null, expected a string",
            ),
            (
                r#"{"title": ["x"], "tags": []}"#,
                "title",
                "invalid type: sequence, expected a string",
            ),
            (
                r#"{"title": {"x": 1}}"#,
                "title",
                "invalid type: map, expected a string",
            ),
            (
                r#"{"tags": ["a", "b", 3], "title": "x"}"#,
                "tags[2]",
                "invalid type: integer `3`, expected a string",
            ),
            (
                r#"{"title": "x", "estimate": 256}"#,
                "estimate",
                "invalid value: integer `256`, expected u8",
            ),
            (
                r#"{"title": "x", "estimate": 1.5}"#,
                "estimate",
                "invalid type: floating point `1.5`, expected u8",
            ),
            (
                r#"{"title": "x", "priority": "P9", "tags": []}"#,
                "priority",
                "unknown variant `P9`, expected `P0` or `P1`",
            ),
            (
                r#"{"title": "x", "priority": "P9"}"#,
                "priority",
                "unknown variant `P9`, expected `P0` or `P1`",
            ),
            (r#"{"title": "x", "due": 3}"#, "due", "must be even"),
            (
                r#"{"title": "x", "due": 3, "tags": []}"#,
                "due",
                "must be even",
            ),
            (
                r#"{"title": "x", "items": [{"name": "a"}, {"name": "b", "due": 1}]}"#,
                "items[1].due",
                "must be even",
            ),
            (
                r#"{"title": "x", "items": [{"name": "a"}, {}]}"#,
                "items[1].name",
                "is missing",
            ),
            ("{\n  \"tags\": []\n}", "title", "is missing"),
            ("{}", "title", "is missing"),
            ("[]", "title", "is missing"),
            (
                "5",
                "$",
                "invalid type: integer `5`, expected struct Filing",
            ),
        ] {
            let error = serde_json::from_str::<Filing>(text).unwrap_err();
            let (found_path, found_problem) = explain(text.as_bytes(), &error);
            if text == "[]" {
                continue; // serde reads structs from sequences too; whatever it says, it must not panic
            }
            assert_eq!(
                (found_path.as_str(), found_problem.as_str()),
                (path, problem),
                "{text}"
            );
        }
    }

    #[test]
    fn unknown_fields_are_named_where_they_are() {
        for (text, path) in [
            (r#"{"titel": "x"}"#, "titel"),
            (
                r#"{"title": "x", "items": [{"name": "a", "prio\"rity": 1}]}"#,
                "items[0].prio\"rity",
            ),
        ] {
            let error = serde_json::from_str::<Filing>(text).unwrap_err();
            let (found, problem) = explain(text.as_bytes(), &error);
            assert_eq!(found, path, "{text}");
            assert!(problem.starts_with("unknown field"), "{problem}");
        }
    }
}
