use serde_json::Value;

use super::requested;
use crate::action::names_an_action;

/// What was found in a text.
pub(super) struct Found {
    /// The actions; `None` when there is no JSON that asks for any.
    pub(super) values: Option<Vec<Value>>,
    /// Whether there is something that starts like a JSON object and can't be read to its end.
    pub(super) broken: bool,
}

/// Which of several objects counts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Pick {
    /// The first that is an action.
    First,
    /// The last that is an action.
    Last,
}

/// How often the length of a text may be read before it counts as noise: each bracket that is never closed costs a
/// pass over the rest.
const MAX_PASSES: usize = 32;

/// Finds the actions in a text: the first (or last) JSON that names an action, else the first that does not.
pub(super) fn actions(text: &str, pick: Pick) -> Found {
    let mut found = Found {
        values: None,
        broken: false,
    };
    let mut fallback = None;
    let mut from = 0;
    let mut work = text.len().saturating_mul(MAX_PASSES);
    while work > 0 {
        let rest = text.get(from..).unwrap_or_default();
        let Some(start) = rest.find(['{', '[']) else {
            break;
        };
        let rest = rest.get(start..).unwrap_or_default();
        let start = from + start;
        // Prose and code have braces too; what starts like `{"` is meant to be JSON.
        let meant = rest
            .strip_prefix('{')
            .is_some_and(|inner| inner.trim_start().starts_with('"'));
        let length = balanced(rest);
        work = work.saturating_sub(length.unwrap_or(rest.len()));
        let Some(length) = length else {
            if meant {
                found.broken = true;
                break;
            }
            from = start + 1;
            continue;
        };
        let candidate = rest.get(..length).unwrap_or_default();
        match read(candidate) {
            Some(value) => {
                let named = is_request(&value);
                match requested(value) {
                    Some(values) if named => {
                        found.values = Some(values);
                        if pick == Pick::First {
                            break;
                        }
                    }
                    Some(values) => fallback = fallback.or(Some(values)),
                    None => {}
                }
                from = start + length;
            }
            None if meant => {
                found.broken = true;
                from = start + length;
            }
            None => from = start + 1,
        }
    }
    if pick == Pick::First && !found.broken {
        found.values = found.values.or(fallback);
    }
    found
}

fn is_request(value: &Value) -> bool {
    match value {
        Value::Object(object) => {
            names_an_action(object)
                || ["actions", "tool_calls"]
                    .iter()
                    .any(|key| object.get(*key).is_some_and(Value::is_array))
        }
        Value::Array(items) => items
            .iter()
            .any(|item| item.as_object().is_some_and(names_an_action)),
        _ => false,
    }
}

/// Reads JSON; when that fails, once more with the two mistakes repaired that models make and that leave no doubt
/// about what was meant: line breaks and tabs inside strings, and a comma before a closing bracket.
pub(super) fn read(text: &str) -> Option<Value> {
    serde_json::from_str(text)
        .ok()
        .or_else(|| serde_json::from_str(&repaired(text)).ok())
}

/// The length of the bracketed text at the start, brackets included. Brackets inside strings don't count.
fn balanced(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut in_string = false;
    let mut escaped = false;
    for (index, byte) in text.bytes().enumerate() {
        if in_string {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(index + 1);
                }
            }
            _ => {}
        }
    }
    None
}

fn repaired(text: &str) -> String {
    let mut fixed = String::with_capacity(text.len() + 16);
    let mut in_string = false;
    let mut escaped = false;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if in_string {
            match c {
                '\n' if !escaped => fixed.push_str("\\n"),
                '\r' if !escaped => fixed.push_str("\\r"),
                '\t' if !escaped => fixed.push_str("\\t"),
                c => fixed.push(c),
            }
            in_string = escaped || c != '"';
            escaped = !escaped && c == '\\';
            continue;
        }
        match c {
            '"' => {
                in_string = true;
                fixed.push(c);
            }
            ',' => {
                let mut blanks = String::new();
                while let Some(blank) = chars.next_if(|next| next.is_whitespace()) {
                    blanks.push(blank);
                }
                if !matches!(chars.peek(), Some('}' | ']')) {
                    fixed.push(',');
                }
                fixed.push_str(&blanks);
            }
            c => fixed.push(c),
        }
    }
    fixed
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn brackets_inside_strings_do_not_count() {
        for (text, length) in [
            (r#"{"a":"}"} x"#, Some(9)),
            (r#"{"a":"\"}"}"#, Some(11)),
            (r#"{"a":"\\"}}"#, Some(10)),
            ("[1,{}] ]", Some(6)),
            ("{", None),
            (r#"{"a":"}"#, None),
        ] {
            assert_eq!(balanced(text), length, "{text}");
        }
    }

    #[test]
    fn two_mistakes_are_repaired() {
        assert_eq!(
            read("{\"a\":\"x\ny\tz\", \"b\":[1,2,],\n}"),
            Some(json!({"a": "x\ny\tz", "b": [1, 2]}))
        );
        assert_eq!(read(r#"{"a":",}"}"#), Some(json!({"a": ",}"})));
        assert_eq!(read(r#"{"a":"b "c" d"}"#), None);
        assert_eq!(read("{'a':1}"), None);
    }

    #[test]
    fn noise_costs_a_bounded_time() {
        let noise = "{[".repeat(200_000);
        assert!(actions(&noise, Pick::First).values.is_none());
    }

    proptest! {
        #[test]
        fn json_in_any_prose_is_found(
            before in "[^{\\[\"`<]{0,40}", after in ".{0,40}", path in ".{1,20}", content in ".{0,60}",
        ) {
            let object = json!({"action": "write_file", "path": path, "content": content});
            let found = actions(&format!("{before}{object}{after}"), Pick::First);
            prop_assert_eq!(found.values, Some(vec![object]));
        }

        #[test]
        fn repair_leaves_good_json_alone(text in ".{0,40}", number in any::<i64>()) {
            let value = json!({"a": text, "b": [number, null, {}]});
            prop_assert_eq!(serde_json::from_str::<Value>(&repaired(&value.to_string())).unwrap(), value);
        }
    }
}
