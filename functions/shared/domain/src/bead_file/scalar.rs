use std::fmt::Write;

use serde_json::Value;

/// Words that some reader of YAML takes for something else than text.
const WORDS: [&str; 14] = [
    "y",
    "n",
    "yes",
    "no",
    "on",
    "off",
    "true",
    "false",
    "null",
    "nan",
    "inf",
    "none",
    "undefined",
    "infinity",
];
/// The longest text that stands without quotes.
const LONGEST_PLAIN: usize = 400;
/// The longest key that stands before its colon in one line; YAML allows 1024 characters.
const LONGEST_KEY: usize = 500;

/// Appends a text as the value of a key, or as an item of a list: plain where no reader can misread it, a literal
/// block where it has several lines, in double quotes else. `indent` is the indentation of the key or item.
pub(super) fn text(out: &mut String, text: &str, indent: usize) {
    out.push(' ');
    if is_plain(text) {
        out.push_str(text);
        out.push('\n');
    } else if is_literal(text) {
        literal(out, text, indent + 2);
    } else {
        quoted(out, text);
        out.push('\n');
    }
}

/// Appends any value on one line, in the form of JSON.
pub(super) fn flow(out: &mut String, value: &Value) {
    match value {
        Value::String(text) => quoted(out, text),
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                flow(out, item);
            }
            out.push(']');
        }
        Value::Object(entries) => {
            out.push('{');
            for (index, (key, value)) in entries.iter().enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                let start = out.len();
                quoted(out, key);
                if out.len() - start > LONGEST_KEY {
                    out.insert_str(start, "? ");
                    out.push(' ');
                }
                out.push_str(": ");
                flow(out, value);
            }
            out.push('}');
        }
        other => {
            let _ = write!(out, "{other}");
        }
    }
}

/// Appends a key with its colon.
pub(super) fn key(out: &mut String, key: &str, indent: usize) {
    let start = out.len();
    if is_plain(key) && !key.contains(' ') {
        out.push_str(key);
    } else {
        quoted(out, key);
    }
    if out.len() - start > LONGEST_KEY {
        out.insert_str(start, "? ");
        out.push('\n');
        out.extend(std::iter::repeat_n(' ', indent));
    }
    out.push(':');
}

fn is_plain(text: &str) -> bool {
    let allowed = |c: char| c.is_alphanumeric() || " _-./()+@,'=;%$*~<>^".contains(c);
    text.len() <= LONGEST_PLAIN
        && text.starts_with(|c: char| c.is_alphabetic())
        && !text.ends_with(' ')
        && text.chars().all(allowed)
        && !WORDS.contains(&text.to_ascii_lowercase().as_str())
}

fn is_literal(text: &str) -> bool {
    let blank = |line: &str| !line.is_empty() && line.trim().is_empty();
    text.contains('\n')
        && !text.starts_with(['\n', ' ', '\t'])
        && text
            .chars()
            .all(|c| c == '\n' || c == '\t' || !is_special(c))
        && !text.split('\n').any(blank)
}

/// A character that some reader changes, hides or refuses when it stands for itself.
fn is_special(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}'
        )
        || (u32::from(c) & 0xfffe) == 0xfffe
}

fn literal(out: &mut String, text: &str, indent: usize) {
    let body = text.trim_end_matches('\n');
    out.push_str(match text.len() - body.len() {
        0 => "|-\n",
        1 => "|\n",
        _ => "|+\n",
    });
    for line in body.split('\n') {
        if !line.is_empty() {
            out.extend(std::iter::repeat_n(' ', indent));
            out.push_str(line);
        }
        out.push('\n');
    }
    for _ in 1..(text.len() - body.len()) {
        out.push('\n');
    }
}

/// Appends a text in double quotes, with what is special written as an escape.
fn quoted(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if is_special(c) => {
                let _ = match u32::from(c) {
                    code @ ..=0xff => write!(out, "\\x{code:02x}"),
                    code @ ..=0xffff => write!(out, "\\u{code:04x}"),
                    code => write!(out, "\\U{code:08x}"),
                };
            }
            c => out.push(c),
        }
    }
    out.push('"');
}
