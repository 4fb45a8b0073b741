use serde_json::{Map, Value};

use super::scan;
use crate::action::Problem;

/// Reads a tool call's arguments: a JSON object as text, which may be empty (no arguments), encoded twice, or fenced.
pub(super) fn object(arguments: &str) -> Result<Map<String, Value>, Problem> {
    let mut text = arguments.trim().to_owned();
    // Encoded twice is seen often, three times never.
    for _ in 0..3 {
        if text.is_empty() {
            return Ok(Map::new());
        }
        match scan::read(&text) {
            Some(Value::Object(object)) => return Ok(object),
            Some(Value::Null) => return Ok(Map::new()),
            Some(Value::String(inner)) => text = inner.trim().to_owned(),
            Some(other) => {
                let what = if other.is_array() {
                    "an array"
                } else {
                    "a single value"
                };
                return Err(unreadable(&format!("they are {what}")));
            }
            None => break,
        }
    }
    // ```json … ```
    if let Some(inner) = text
        .strip_prefix("```")
        .and_then(|rest| rest.trim_end().strip_suffix("```"))
        && let Some(Value::Object(object)) = scan::read(inner.trim_start_matches("json").trim())
    {
        return Ok(object);
    }
    let why = match serde_json::from_str::<Value>(&text) {
        Err(error) if error.is_eof() => "they end too early".to_owned(),
        Err(error) => error.to_string(),
        Ok(_) => "they are encoded too often".to_owned(),
    };
    Err(unreadable(&why))
}

fn unreadable(why: &str) -> Problem {
    Problem::new(
        "unreadable_arguments",
        format!(
            "The arguments are not a JSON object ({why}). Send one complete object; escape quotes as \\\" and line \
             breaks as \\n inside strings."
        ),
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn arguments_are_read_as_models_write_them() {
        let wanted = json!({"path": "a"});
        for text in [
            r#"{"path":"a"}"#,
            r#"  {"path":"a",} "#,
            r#""{\"path\":\"a\"}""#,
            r#""\"{\\\"path\\\":\\\"a\\\"}\"""#,
            "```json\n{\"path\":\"a\"}\n```",
        ] {
            assert_eq!(
                object(text).map(Value::Object).as_ref(),
                Ok(&wanted),
                "{text}"
            );
        }
        for text in ["", " ", "null", "{}", "\"\""] {
            assert_eq!(object(text), Ok(Map::new()), "{text}");
        }
        for (text, says) in [
            ("{\"path\":\"a", "end too early"),
            ("[1]", "an array"),
            ("7", "single value"),
            ("path: a", "expected"),
        ] {
            let problem = object(text).unwrap_err();
            assert_eq!(problem.code, "unreadable_arguments");
            assert!(
                problem.message.contains(says),
                "{text}: {}",
                problem.message
            );
        }
    }
}
