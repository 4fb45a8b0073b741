//! What is understood although it is written in other words.

use serde_json::json;

use super::super::*;
use super::parse;

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
