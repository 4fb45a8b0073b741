use serde_json::{Map, Value, json};

use super::spec::{self, Field, Kind, SPECS, Spec};
use super::synonyms::canonical_name;

/// Whether a persona with this list may use the action. Everything is allowed without a list. `done` and `escalate`
/// always are: a run that may neither end nor ask can only burn its budget. Synonyms in the list count.
pub fn is_allowed(name: &str, allowed: Option<&[String]>) -> bool {
    matches!(name, "done" | "escalate")
        || allowed.is_none_or(|list| list.iter().any(|entry| canonical_name(entry) == Some(name)))
}

/// The actions as tools of the OpenAI chat API, one object each, in a fixed order (so that an upstream's prompt cache
/// keeps hitting). Parameters are JSON Schema: typed, with every required field and no others allowed.
pub fn tools(allowed: Option<&[String]>) -> Vec<Value> {
    SPECS
        .iter()
        .filter(|spec| is_allowed(spec.name, allowed))
        .map(tool)
        .collect()
}

/// The example of an action, as the JSON text that a model without tools would write.
pub fn example(name: &str) -> Option<&'static str> {
    spec::find(name).map(|spec| spec.example)
}

/// The actions as text, for a model that gets no tools: a line each, with the example.
pub fn vocabulary(allowed: Option<&[String]>) -> String {
    SPECS
        .iter()
        .filter(|spec| is_allowed(spec.name, allowed))
        .fold(String::new(), |mut text, spec| {
            text.push_str("- ");
            text.push_str(spec.name);
            text.push_str(": ");
            text.push_str(spec.help);
            text.push_str(" Example: ");
            text.push_str(spec.example);
            text.push('\n');
            text
        })
}

fn tool(spec: &Spec) -> Value {
    let properties: Map<String, Value> = spec
        .fields
        .iter()
        .map(|field| (field.name.to_owned(), property(field)))
        .collect();
    let required: Vec<&str> = spec
        .fields
        .iter()
        .filter(|field| field.required)
        .map(|field| field.name)
        .collect();
    json!({
        "type": "function",
        "function": {
            "name": spec.name,
            "description": spec.help,
            "parameters": {
                "type": "object",
                "properties": properties,
                "required": required,
                "additionalProperties": false,
            },
        },
    })
}

fn property(field: &Field) -> Value {
    // Only types, choices and small ranges: engines that compile a schema to a grammar choke on long `maxLength`s, and
    // strict modes refuse them. The limits are checked when the action comes in.
    let mut schema = match field.kind {
        Kind::Text { .. } | Kind::Content | Kind::Path => json!({"type": "string"}),
        Kind::Argv | Kind::List { .. } => json!({"type": "array", "items": {"type": "string"}}),
        Kind::Count { min, .. } => json!({"type": "integer", "minimum": min}),
        Kind::Priority => json!({"type": "integer", "enum": [0, 1, 2, 3]}),
        Kind::Flag => json!({"type": "boolean"}),
        Kind::Choice(words) => json!({"type": "string", "enum": words}),
        Kind::LineComments => json!({
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "path": {"type": "string"},
                    "line": {"type": "integer", "minimum": 1},
                    "body": {"type": "string"},
                },
                "required": ["path", "line", "body"],
                "additionalProperties": false,
            },
        }),
    };
    if let Some(schema) = schema.as_object_mut() {
        schema.insert("description".to_owned(), field.help.into());
    }
    schema
}
