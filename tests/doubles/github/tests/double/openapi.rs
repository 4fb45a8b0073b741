//! GitHub's own description of its answers, and whether one fits it.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, OnceLock, PoisonError};

use jsonschema::Validator;
use loom_test_support::npm_package;
use serde_json::{Map, Value, json};

/// The version of the package that has the description.
const VERSION: &str = "23.0.2";

/// Parameters that stand for several parts of a path.
const LONG: [&str; 6] = [
    "{ref}",
    "{path}",
    "{branch}",
    "{basehead}",
    "{tree_sha}",
    "{commit_sha}",
];

/// What a schema of OpenAPI has beside its rules.
const LEFT_OUT: [&str; 4] = ["example", "examples", "default", "nullable"];

fn description() -> &'static Value {
    static DESCRIPTION: OnceLock<Value> = OnceLock::new();
    DESCRIPTION.get_or_init(|| {
        let package = npm_package("@octokit/openapi", VERSION);
        let text = std::fs::read(package.join("generated/api.github.com.json")).unwrap();
        serde_json::from_slice(&text).unwrap()
    })
}

/// Whether parts of a path fit those of a template.
fn fits(template: &[&str], path: &[&str]) -> bool {
    match (template.split_first(), path.split_first()) {
        (None, None) => true,
        (Some((part, rest)), Some((first, others))) => {
            let taken = if part.starts_with('{') {
                true
            } else {
                part == first
            };
            taken
                && (fits(rest, others)
                    || (LONG.contains(part) && !others.is_empty() && fits(template, others)))
        }
        _ => false,
    }
}

/// The template that a path is of: of those that fit, the one with the most words of its own.
fn template(path: &str) -> &'static str {
    let mut parts: Vec<&str> = path.split('/').collect();
    if parts.last() == Some(&"contents") {
        // The root's path is empty.
        parts.push("");
    }
    let paths = description()["paths"].as_object().unwrap();
    paths
        .keys()
        .filter(|name| fits(&name.split('/').collect::<Vec<_>>(), &parts))
        .max_by_key(|name| {
            name.split('/')
                .filter(|part| !part.starts_with('{'))
                .count()
        })
        .unwrap_or_else(|| panic!("GitHub has no path like {path}"))
}

fn resolve(value: &'static Value) -> &'static Value {
    match value["$ref"].as_str() {
        Some(name) => description().pointer(name.trim_start_matches('#')).unwrap(),
        None => value,
    }
}

/// A schema of OpenAPI 3.0 as JSON Schema has it: what may be null is told by its type.
fn convert(value: &Value, refs: &mut BTreeSet<String>) -> Value {
    match value {
        Value::Array(list) => list.iter().map(|entry| convert(entry, refs)).collect(),
        Value::Object(fields) => {
            if let Some(name) = fields.get("$ref").and_then(Value::as_str) {
                refs.insert(name.to_owned());
            }
            let converted: Map<String, Value> = fields
                .iter()
                .filter(|(name, _)| !LEFT_OUT.contains(&name.as_str()))
                // The addresses of GitHub's own bots have brackets, and are none.
                .filter(|(name, value)| *name != "format" || *value != "email")
                .map(|(name, value)| {
                    let value = match (name.as_str(), value) {
                        // These are names of the thing's own fields.
                        ("properties", Value::Object(own)) => own
                            .iter()
                            .map(|(name, schema)| (name.clone(), convert(schema, refs)))
                            .collect(),
                        (_, value) => convert(value, refs),
                    };
                    // GitHub's alternatives overlap, so a value may well be of several.
                    let name = if name == "oneOf" { "anyOf" } else { name };
                    (name.to_owned(), value)
                })
                .collect();
            if fields.get("nullable") == Some(&Value::Bool(true)) {
                return json!({"anyOf": [{"type": "null"}, converted]});
            }
            Value::Object(converted)
        }
        other => other.clone(),
    }
}

/// The schema with everything that it refers to.
fn whole(schema: &'static Value) -> Value {
    let mut refs = BTreeSet::new();
    let mut root = convert(schema, &mut refs);
    let mut schemas = Map::new();
    while let Some(name) = refs.pop_first() {
        let key = name.rsplit('/').next().unwrap().to_owned();
        if !schemas.contains_key(&key) {
            let target = description().pointer(name.trim_start_matches('#')).unwrap();
            schemas.insert(key, convert(target, &mut refs));
        }
    }
    root["components"] = json!({"schemas": schemas});
    root
}

fn validator(schema: &'static Value) -> Validator {
    jsonschema::options()
        .should_validate_formats(true)
        .build(&whole(schema))
        .unwrap_or_else(|error| panic!("the description can't be used: {error}"))
}

/// What an operation says with a status: `None` if it says nothing of it, else the schema if it has one.
fn described(template: &str, method: &str, status: u16) -> Option<Option<&'static Value>> {
    let operation = &description()["paths"][template][method.to_lowercase()];
    assert!(operation.is_object(), "GitHub has no {method} {template}");
    let response = operation["responses"].get(status.to_string())?;
    Some(resolve(response)["content"]["application/json"].get("schema"))
}

/// Asserts that an answer is as GitHub describes it.
pub(crate) fn check(method: &str, path: &str, status: u16, body: &[u8], kind: &str) {
    let template = template(path);
    if status == 304 && method == "GET" {
        // Any can be, though not all say so.
        assert!(body.is_empty(), "304 has a body");
        return;
    }
    let schema = match described(template, method, status) {
        None if status >= 400 => Some(&description()["components"]["schemas"]["basic-error"]),
        None => panic!("GitHub does not answer {method} {template} with {status}"),
        Some(schema) => schema,
    };
    if matches!(status, 204 | 302) {
        assert!(body.is_empty(), "{status} has a body");
        return;
    }
    let Some(schema) = schema else { return };
    if !kind.starts_with("application/json") {
        return;
    }
    let body: Value = serde_json::from_slice(body).unwrap();
    fits_schema(&format!("{method} {template} {status}"), schema, &body);
}

/// Asserts that the payload of a webhook is as GitHub describes it.
pub(crate) fn check_event(event: &str, payload: &Value) {
    let name = match payload["action"].as_str() {
        Some(action) => format!("{event}-{action}"),
        None => event.to_owned(),
    };
    let name = name.replace('_', "-");
    let described = description()["x-webhooks"]
        .get(&name)
        .unwrap_or_else(|| panic!("GitHub has no event {name}"));
    let schema = &described["post"]["requestBody"]["content"]["application/json"]["schema"];
    fits_schema(&name, schema, payload);
}

/// Asserts that something fits a schema, which is got ready once for all tests.
fn fits_schema(key: &str, schema: &'static Value, body: &Value) {
    static KNOWN: OnceLock<Mutex<HashMap<String, &'static Validator>>> = OnceLock::new();
    let known = KNOWN.get_or_init(Mutex::default);
    let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
    let validator = *known
        .entry(key.to_owned())
        .or_insert_with(|| Box::leak(Box::new(validator(schema))));
    drop(known);
    let errors: Vec<String> = validator
        .iter_errors(body)
        .map(|error| {
            let text = format!("{}: {error}", error.instance_path());
            text.chars().take(300).collect()
        })
        .collect();
    assert!(
        errors.is_empty(),
        "{key} is not as GitHub describes it:\n{}",
        errors.join("\n")
    );
}

#[test]
fn what_github_would_not_say_is_noticed() {
    let fails = |path: &str, body: Value| {
        let body = body.to_string();
        std::panic::catch_unwind(|| {
            check("GET", path, 200, body.as_bytes(), "application/json");
        })
        .is_err()
    };
    let good = json!({
        "ref": "refs/heads/main", "node_id": "x", "url": "http://127.0.0.1/x",
        "object": {"type": "commit", "sha": "a".repeat(40), "url": "http://127.0.0.1/x"},
    });
    let path = "/repos/acme/shop/git/ref/heads/agent/one";
    assert!(!fails(path, good.clone()));
    let mut bad = good.clone();
    bad["object"]["sha"] = json!(7);
    assert!(fails(path, bad));
    let mut bad = good.clone();
    bad.as_object_mut().unwrap().remove("node_id");
    assert!(fails(path, bad));
    let mut bad = good;
    bad["url"] = Value::Null;
    assert!(fails(path, bad));
}
