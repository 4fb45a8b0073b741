use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::spec::{Kind, SPECS};
use super::*;

fn parse(value: &Value) -> Result<Action, ActionError> {
    from_json(value, None).map(|checked| checked.action)
}

fn object(text: &str) -> Map<String, Value> {
    match serde_json::from_str(text) {
        Ok(Value::Object(object)) => object,
        other => panic!("{text}: {other:?}"),
    }
}

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

#[test]
fn wrong_input_is_named() {
    for (input, code, says) in [
        (
            json!({"action": "raed_file", "path": "a"}),
            "unknown_action",
            "read_file",
        ),
        (
            json!({"action": "extract_method"}),
            "unknown_action",
            "read_tree, read_file",
        ),
        (json!({"path": "a"}), "missing_action", "read_tree"),
        (json!([]), "not_an_object", "an array"),
        (json!("read_file"), "not_an_object", "a string"),
        (json!({"action": "read_file"}), "missing_field", "`path`"),
        (
            json!({"action": "read_file", "path": ""}),
            "empty_field",
            "`path`",
        ),
        (
            json!({"action": "read_file", "path": "  "}),
            "empty_field",
            "`path`",
        ),
        (
            json!({"action": "read_file", "path": 3}),
            "wrong_type",
            "a number",
        ),
        (
            json!({"action": "read_file", "path": "a\u{0}b"}),
            "wrong_type",
            "NUL",
        ),
        (
            json!({"action": "read_file", "path": "a".repeat(1025)}),
            "too_long",
            "1024",
        ),
        (
            json!({"action": "read_file", "path": "a", "first_lin": 3}),
            "unknown_field",
            "`first_line`",
        ),
        (
            json!({"action": "read_file", "path": "a", "colour": 3}),
            "unknown_field",
            "`first_line`, `last_line`",
        ),
        (
            json!({"action": "read_file", "path": "a", "first_line": 0}),
            "out_of_range",
            "from 1",
        ),
        (
            json!({"action": "read_file", "path": "a", "first_line": 1.5}),
            "wrong_type",
            "whole number",
        ),
        (
            json!({"action": "read_file", "path": "a", "first_line": -1}),
            "wrong_type",
            "whole number",
        ),
        (
            json!({"action": "read_file", "path": "a", "first_line": 9, "last_line": 3}),
            "out_of_range",
            "before",
        ),
        (
            json!({"action": "build", "target": "x"}),
            "unknown_field",
            "no fields",
        ),
        (
            json!({"action": "edit_file", "path": "a", "old_text": "x", "new_text": "x"}),
            "nothing_to_change",
            "same",
        ),
        (
            json!({"action": "edit_file", "path": "a", "old_text": "", "new_text": "x"}),
            "empty_field",
            "`old_text`",
        ),
        (
            json!({"action": "edit_file", "path": "a", "old_text": "x"}),
            "missing_field",
            "`new_text`",
        ),
        (
            json!({"action": "write_file", "path": "a", "content": {"a": 1}}),
            "wrong_type",
            "the text itself",
        ),
        (
            json!({"action": "move_file", "from": "a", "to": "a"}),
            "nothing_to_change",
            "same",
        ),
        (
            json!({"action": "run_command", "argv": []}),
            "empty_field",
            "`argv`",
        ),
        (
            json!({"action": "run_command", "argv": [""]}),
            "empty_field",
            "`argv`",
        ),
        (
            json!({"action": "run_command", "argv": "ls | wc"}),
            "no_shell",
            "No shell",
        ),
        (
            json!({"action": "run_command", "argv": ["cd a && ls"]}),
            "no_shell",
            "`&`",
        ),
        (
            json!({"action": "run_command", "argv": ["ls", {}]}),
            "wrong_type",
            "array of strings",
        ),
        (
            json!({"action": "run_command", "argv": vec!["a"; 129]}),
            "too_long",
            "129",
        ),
        (
            json!({"action": "create_bead", "title": "t", "description": "d", "priority": 9}),
            "out_of_range",
            "0, 1, 2",
        ),
        (
            json!({"action": "create_bead", "title": "t", "description": "d", "type": "x"}),
            "unknown_choice",
            "bug",
        ),
        (
            json!({"action": "create_bead", "title": "t", "description": "d", "tags": [1]}),
            "wrong_type",
            "`tags`",
        ),
        (
            json!({"action": "create_bead", "title": "t".repeat(201), "description": "d"}),
            "too_long",
            "200",
        ),
        (
            json!({"action": "update_bead"}),
            "nothing_to_change",
            "No field",
        ),
        (
            json!({"action": "update_bead", "bead_id": "bd-1"}),
            "nothing_to_change",
            "No field",
        ),
        (
            json!({"action": "search", "query": "a", "regex": "maybe"}),
            "wrong_type",
            "true or false",
        ),
        (
            json!({"action": "review_pull_request", "verdict": "approve", "body": "b", "comments": [{"path": "a"}]}),
            "wrong_type",
            "path, line and body",
        ),
        (json!({"action": "done"}), "missing_field", "`summary`"),
    ] {
        let error = parse(&input).expect_err(&input.to_string());
        assert_eq!(error.code(), code, "{input}: {error}");
        assert!(error.to_string().contains(says), "{input}: {error}");
    }
}

#[test]
fn all_problems_are_told_at_once() {
    let error = parse(&json!({"action": "edit_file", "colour": 1, "path": 3})).unwrap_err();
    let codes: Vec<_> = error.problems.iter().map(|problem| problem.code).collect();
    assert_eq!(
        codes,
        [
            "unknown_field",
            "wrong_type",
            "missing_field",
            "missing_field"
        ]
    );
}

#[test]
fn what_models_write_is_understood() {
    let read = Action::ReadFile {
        path: "a".into(),
        first_line: None,
        last_line: None,
    };
    let command = |argv: &[&str]| Action::RunCommand {
        argv: argv.iter().map(|word| (*word).to_owned()).collect(),
        directory: None,
        timeout_seconds: None,
    };
    let edit = Action::EditFile {
        path: "a".into(),
        old_text: "x".into(),
        new_text: "y".into(),
    };
    for (input, action) in [
        (json!({"action": "read", "path": "a"}), read.clone()),
        (json!({"type": "read_code", "path": "a"}), read.clone()),
        (
            json!({"name": "read_file", "arguments": {"path": "a"}}),
            read.clone(),
        ),
        (json!({"tool": "cat", "args": {"file": "a"}}), read.clone()),
        (
            json!({"function": {"name": "read_file", "arguments": {"path": "a"}}}),
            read.clone(),
        ),
        (
            json!({"id": "1", "function": {"name": "read_file", "arguments": {"path": "a"}}}),
            read.clone(),
        ),
        (json!({"read_file": {"path": "a"}}), read.clone()),
        (
            json!({"action": {"type": "read_file", "path": "a"}}),
            read.clone(),
        ),
        (
            json!({"action": "READ-FILE", "path": " a ", "first_line": null}),
            read.clone(),
        ),
        (
            json!({"action": "read_file", "path": "a", "reason": "to see"}),
            read,
        ),
        (
            json!({"action": "bash", "command": "ls -l 'a b'"}),
            command(&["ls", "-l", "a b"]),
        ),
        (
            json!({"action": "run_command", "argv": ["cargo test"]}),
            command(&["cargo", "test"]),
        ),
        (
            json!({"action": "run_command", "argv": ["head", "-n", 3]}),
            command(&["head", "-n", "3"]),
        ),
        (
            json!({"action": "run_command", "args": ["ls"]}),
            command(&["ls"]),
        ),
        (
            json!({"action": "edit", "path": "a", "old": "x", "new": "y"}),
            edit.clone(),
        ),
        (
            json!({"action": "str_replace", "path": "a", "old_str": "x", "new_str": "y"}),
            edit,
        ),
        (
            json!({"action": "scope"}),
            Action::ReadTree {
                path: ".".into(),
                depth: None,
            },
        ),
        (
            json!({"action": "tree", "dir": "b", "max_depth": "2"}),
            Action::ReadTree {
                path: "b".into(),
                depth: Some(2),
            },
        ),
        (
            json!({"action": "grep", "pattern": "x", "regex": "true"}),
            Action::Search {
                query: "x".into(),
                path: None,
                regex: true,
            },
        ),
        (
            json!({"action": "run_tests", "test_pattern": "x"}),
            Action::Test {
                pattern: Some("x".into()),
            },
        ),
        (
            json!({"action": "git_commit", "commit_message": "m"}),
            Action::GitCommit {
                message: "m".into(),
            },
        ),
        (
            json!({"action": "escalate_ceo", "reason": "q"}),
            Action::Escalate {
                bead_id: None,
                question: "q".into(),
                options: vec![],
                recommendation: None,
            },
        ),
        (
            json!({"action": "done", "reason": "r", "outcome": "Failure"}),
            Action::Done {
                summary: "r".into(),
                outcome: DoneOutcome::Failure,
            },
        ),
        (
            json!({"action": "delegate", "role": "r", "title": "t", "description": "d", "priority": "P1"}),
            Action::Delegate {
                role: "r".into(),
                title: "t".into(),
                description: "d".into(),
                priority: Some(1),
            },
        ),
        (
            json!({"action": "write_file", "path": "a", "content": ""}),
            Action::WriteFile {
                path: "a".into(),
                content: String::new(),
            },
        ),
        (
            json!({"action": "update_bead", "tags": ""}),
            Action::UpdateBead {
                bead_id: None,
                title: None,
                description: None,
                priority: None,
                tags: Some(vec![]),
                touches: None,
                blocked_by: None,
            },
        ),
    ] {
        assert_eq!(parse(&input), Ok(action), "{input}");
    }
}

#[test]
fn notes_are_kept_and_bounded() {
    let checked = from_json(
        &json!({"action": "build", "thoughts": "  now build "}),
        None,
    )
    .unwrap();
    assert_eq!(checked.notes.as_deref(), Some("now build"));
    let checked = from_json(
        &json!({"action": "build", "notes": "é".repeat(10_000)}),
        None,
    )
    .unwrap();
    assert!(checked.notes.unwrap().len() < 2_100);
}

#[test]
fn a_persona_gets_only_its_actions() {
    let allowed: Vec<String> = vec!["read".into(), "comment".into()];
    let names: Vec<_> = tools(Some(&allowed))
        .iter()
        .map(|tool| tool["function"]["name"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(names, ["read_file", "comment", "escalate", "done"]);
    let error = from_json(
        &json!({"action": "write_file", "path": "a", "content": "b"}),
        Some(&allowed),
    )
    .unwrap_err();
    assert_eq!(error.code(), "not_allowed");
    assert!(
        error
            .to_string()
            .contains("read_file, comment, escalate, done"),
        "{error}"
    );
    assert!(from_json(&json!({"action": "cat", "path": "a"}), Some(&allowed)).is_ok());
    assert_eq!(tools(None).len(), Action::NAMES.len());
    assert_eq!(vocabulary(Some(&allowed)).lines().count(), 4);
}

#[test]
fn fingerprints_see_the_content() {
    let edit = |new: &str| Action::EditFile {
        path: "a".into(),
        old_text: "x".into(),
        new_text: new.into(),
    };
    assert_eq!(edit("1").fingerprint(), edit("1").fingerprint());
    assert_ne!(edit("1").fingerprint(), edit("2").fingerprint());
    assert_ne!(
        Action::Build {}.fingerprint(),
        Action::Lint {}.fingerprint()
    );
    assert_eq!(edit("1").fingerprint().len(), 64);
}

#[test]
fn runs_end_with_a_verdict_on_their_own_bead() {
    let close = |bead: Option<&str>| Action::CloseBead {
        bead_id: bead.map(Into::into),
        reason: "r".into(),
    };
    assert!(close(None).ends_run("bd-1"));
    assert!(close(Some("bd-1")).ends_run("bd-1"));
    assert!(!close(Some("bd-2")).ends_run("bd-1"));
    assert!(!Action::Build {}.ends_run("bd-1"));
    assert!(
        Action::Done {
            summary: "s".into(),
            outcome: DoneOutcome::Failure
        }
        .ends_run("bd-1")
    );
}

#[test]
fn labels_are_one_short_line() {
    for spec in SPECS {
        let label = parse(&serde_json::from_str(spec.example).unwrap())
            .unwrap()
            .label();
        assert!(
            label.starts_with(spec.name) && label.chars().count() <= 120 && !label.contains('\n'),
            "{label}"
        );
    }
}

/// JSON of any shape whose keys are often real ones.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        ".*".prop_map(Value::from),
        proptest::sample::select(&Action::NAMES[..]).prop_map(Value::from),
    ];
    let keys: Vec<&str> = SPECS
        .iter()
        .flat_map(|spec| spec.fields.iter().map(|field| field.name))
        .chain(["action", "args", "x"])
        .collect();
    leaf.prop_recursive(3, 24, 6, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            proptest::collection::btree_map(proptest::sample::select(keys.clone()), inner, 0..6)
                .prop_map(|map| Value::Object(
                    map.into_iter().map(|(k, v)| (k.to_owned(), v)).collect()
                )),
        ]
    })
}

#[test]
fn a_bead_is_awaited_only_when_that_is_said() {
    for (wait, expected) in [
        (None, Some(false)),
        (Some(json!(false)), Some(false)),
        (Some(json!(true)), Some(true)),
        (Some(json!("true")), Some(true)),
        (Some(json!(1)), None),
    ] {
        let mut call = json!({"action": "create_bead", "title": "t", "description": "d"});
        if let Some(wait) = &wait {
            call["wait"] = wait.clone();
        }
        let waits = parse(&call).ok().map(|action| match action {
            Action::CreateBead { wait, .. } => wait,
            other => panic!("{other:?}"),
        });
        assert_eq!(waits, expected, "{wait:?}");
    }
}

proptest! {
    #[test]
    fn any_json_is_an_action_or_a_reason(value in any_json()) {
        match from_json(&value, None) {
            Ok(checked) => prop_assert_eq!(
                serde_json::from_value::<Action>(serde_json::to_value(&checked.action).unwrap()).unwrap(),
                checked.action
            ),
            Err(error) => prop_assert!(!error.problems.is_empty() && error.problems.iter().all(|p| !p.message.is_empty())),
        }
    }
}
