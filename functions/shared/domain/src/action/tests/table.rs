//! The table of actions, the enum and the schemas that models get say the same.

use serde_json::{Map, Value, json};

use super::super::spec::{Kind, SPECS};
use super::super::*;
use super::{object, parse};

#[test]
fn the_table_and_the_enum_name_the_same_actions() {
    let names: Vec<_> = SPECS.iter().map(|spec| spec.name).collect();
    assert_eq!(names, Action::NAMES);
}

#[test]
fn every_example_is_accepted_and_read_back() {
    for spec in SPECS {
        let example: Value = serde_json::from_str(spec.example).unwrap();
        let action = parse(&example).unwrap_or_else(|error| panic!("{}: {error}", spec.name));
        assert_eq!(action.name(), spec.name);
        let written = serde_json::to_value(&action).unwrap();
        assert_eq!(
            serde_json::from_value::<Action>(written.clone()).unwrap(),
            action
        );
        assert_eq!(
            parse(&written),
            Ok(action),
            "what the journal holds is what a model may write"
        );
    }
}

/// A value that a field of this kind accepts.
fn sample(kind: Kind) -> Value {
    match kind {
        Kind::Text { .. } | Kind::Content | Kind::Path => json!("text"),
        Kind::Argv => json!(["ls"]),
        Kind::Count { min, .. } => json!(min),
        Kind::Priority => json!(2),
        Kind::Flag => json!(true),
        Kind::Choice(words) => json!(words.last()),
        Kind::List { .. } => json!(["one"]),
        Kind::LineComments => json!([{"path": "a", "line": 1, "body": "b"}]),
    }
}

#[test]
fn every_field_of_the_table_reaches_the_enum() {
    for spec in SPECS {
        let mut full: Map<String, Value> = spec
            .fields
            .iter()
            .map(|field| (field.name.to_owned(), sample(field.kind)))
            .collect();
        // These two refuse equal texts.
        for name in ["new_text", "to"] {
            full.entry(name).and_modify(|value| *value = json!("other"));
        }
        full.insert("action".into(), json!(spec.name));
        let action = parse(&Value::Object(full.clone())).unwrap();
        assert_eq!(serde_json::to_value(&action).unwrap(), Value::Object(full));
    }
}

#[test]
fn required_fields_are_those_of_the_schema() {
    for tool in tools(None) {
        let function = &tool["function"];
        let name = function["name"].as_str().unwrap();
        let parameters = &function["parameters"];
        assert_eq!(parameters["additionalProperties"], json!(false));
        let required: Vec<_> = parameters["required"]
            .as_array()
            .unwrap()
            .iter()
            .map(|field| field.as_str().unwrap())
            .collect();
        let example = object(example(name).unwrap());
        for field in parameters["properties"].as_object().unwrap().keys() {
            let mut without = example.clone();
            without.remove(field);
            let missing = match parse(&Value::Object(without)) {
                Ok(_) => false,
                Err(error) => error
                    .problems
                    .iter()
                    .any(|p| p.code == "missing_field" && p.field.as_deref() == Some(field)),
            };
            assert_eq!(
                missing,
                required.contains(&field.as_str()),
                "{name}.{field}"
            );
        }
        for field in required {
            let mut with_null = example.clone();
            with_null.insert(field.to_owned(), Value::Null);
            assert_eq!(
                parse(&Value::Object(with_null)).unwrap_err().code(),
                "missing_field",
                "{name}.{field}"
            );
        }
    }
}

#[test]
fn examples_satisfy_their_schema() {
    for tool in tools(None) {
        let function = &tool["function"];
        let mut example = object(example(function["name"].as_str().unwrap()).unwrap());
        example.remove("action");
        for (name, value) in example {
            let schema = &function["parameters"]["properties"][&name];
            let fits = match schema["type"].as_str().unwrap() {
                "string" => value.is_string(),
                "integer" => value.is_u64(),
                "boolean" => value.is_boolean(),
                "array" => value.is_array(),
                other => panic!("unknown type {other}"),
            };
            assert!(fits, "{name} {value}");
            assert!(
                schema["description"]
                    .as_str()
                    .is_some_and(|text| text.ends_with('.')),
                "{name}"
            );
        }
    }
}
