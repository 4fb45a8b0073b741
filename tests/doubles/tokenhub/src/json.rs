//! JSON as Go's encoder writes it.

use serde_json::Value;

/// Escapes what Go escapes and serde does not. These characters occur only inside strings, so the text need not be
/// parsed.
pub(crate) fn escape(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '<' => escaped.push_str("\\u003c"),
            '>' => escaped.push_str("\\u003e"),
            '&' => escaped.push_str("\\u0026"),
            '\u{2028}' => escaped.push_str("\\u2028"),
            '\u{2029}' => escaped.push_str("\\u2029"),
            c => escaped.push(c),
        }
    }
    escaped
}

/// A value in Go's spelling; keys are sorted, as Go's maps are.
pub(crate) fn value(value: &Value) -> String {
    escape(&value.to_string())
}

/// A string in Go's spelling.
pub(crate) fn string(text: &str) -> String {
    value(&Value::from(text))
}

/// A number in Go's spelling: an exponent only below 1e-6 and from 1e21 on.
pub(crate) fn float(number: f64) -> String {
    let size = number.abs();
    if size != 0.0 && !(1e-6..1e21).contains(&size) {
        let text = format!("{number:e}");
        return match text.split_once('e') {
            Some((digits, exponent)) if !exponent.starts_with('-') => {
                format!("{digits}e+{exponent}")
            }
            _ => text,
        };
    }
    format!("{number}")
}

/// What Go calls the kind of a value in its messages.
pub(crate) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_and_line_separators_are_escaped() {
        assert_eq!(
            string("a<b>&\u{2028}\"é"),
            r#""a\u003cb\u003e\u0026\u2028\"é""#
        );
    }

    #[test]
    fn floats_have_an_exponent_only_where_go_writes_one() {
        for (number, text) in [
            (0.00001, "0.00001"),
            (0.00003, "0.00003"),
            (0.0000001, "1e-7"),
            (0.0, "0"),
            (25.0, "25"),
            (1e21, "1e+21"),
        ] {
            assert_eq!(float(number), text);
        }
    }
}
