mod any_json;
mod refused;
mod table;
mod understood;

use serde_json::{Map, Value, json};

use super::spec::SPECS;
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
