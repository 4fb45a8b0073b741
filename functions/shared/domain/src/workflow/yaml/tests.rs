use proptest::prelude::*;
use serde_json::json;

use super::{MAX_BYTES, defects::DEFECTS, parse};
use crate::workflow::{Definition, NodeType, Outcome, Problem, Wait};

const SOUND: &str = include_str!("sound.yaml");

fn sound() -> Definition {
    parse(SOUND).unwrap()
}

/// The problems of the sound file with one text replaced by another.
fn broken(from: &str, to: &str) -> Vec<Problem> {
    assert!(SOUND.contains(from), "{from:?} is not in the file");
    parse(&SOUND.replacen(from, to, 1))
        .err()
        .unwrap_or_default()
}

#[test]
fn reads_every_field() {
    let definition = sound();
    assert_eq!(definition.id, "wf-test");
    assert!(definition.is_default);
    assert_eq!(definition.matches.types, ["test"]);
    assert_eq!(definition.matches.tags, ["one", "two"]);
    let write = definition.node("write").unwrap();
    assert_eq!(write.node_type, NodeType::Task);
    assert_eq!(
        write.role_required.as_ref().unwrap(),
        &"engineering-manager"
    );
    assert_eq!(write.persona_hint.as_deref(), Some("careful"));
    assert_eq!((write.max_attempts, write.timeout_minutes), (3, 60));
    assert_eq!(write.instructions, "Write it.\nThen \"done\".");
    assert!(write.is_set("holds_children"));
    assert_eq!(
        serde_json::to_value(&write.metadata).unwrap(),
        json!({"holds_children": true, "weight": 1.5, "note": "1", "list": ["a", null]})
    );
    let waits: Vec<_> = definition
        .nodes
        .iter()
        .filter_map(|node| node.wait.clone())
        .collect();
    assert_eq!(
        waits,
        [
            Wait::TimerMinutes(30),
            Wait::Signal("go".into()),
            Wait::Children(true)
        ]
    );
    assert_eq!(definition.start().unwrap().node_key, "write");
    let escalated = definition.edge("write", Outcome::Escalated).unwrap();
    assert_eq!(
        (escalated.priority, escalated.to_node_key.as_str()),
        (50, "agree")
    );
}

#[test]
fn a_wait_may_be_for_the_first_usable_product() {
    let text = SOUND.replace("{children: true}", "{mvp: true}");
    let definition = parse(&text).unwrap();
    let gather = definition.node("gather").unwrap();
    assert_eq!(gather.wait, Some(Wait::Mvp(true)));
    let stored = serde_json::to_value(gather).unwrap();
    assert_eq!(stored["wait"], json!({"mvp": true}));
}

#[test]
fn edges_have_the_same_ids_at_every_load() {
    let ids = |text: &str| -> Vec<String> {
        parse(text)
            .unwrap()
            .edges
            .into_iter()
            .map(|edge| edge.id)
            .collect()
    };
    assert_eq!(ids(SOUND), ids(SOUND));
    assert_eq!(
        ids(SOUND).get(..5).unwrap(),
        [
            "start.success",
            "write.success",
            "give-up",
            "write.timeout",
            "write.escalated"
        ]
    );
    let twice = SOUND.replacen(
        "  - {from_node_key: check, to_node_key: pause",
        "  - {from_node_key: check, to_node_key: write, condition: approved, priority: 1}\n  - {from_node_key: check, to_node_key: pause",
        1,
    );
    let twice = ids(&twice);
    assert!(twice.contains(&"check.approved".to_owned()));
    assert!(twice.contains(&"check.approved-2".to_owned()));
}

#[test]
fn json_is_read_as_well_and_storage_gives_the_same_back() {
    let stored = serde_json::to_string_pretty(&sound()).unwrap();
    assert_eq!(
        serde_json::from_str::<Definition>(&stored).unwrap(),
        sound()
    );
    assert_eq!(parse(&stored).unwrap(), sound());
    let tabs = stored.replace("  ", "\t");
    assert_eq!(parse(&tabs).unwrap(), sound());
}

#[test]
fn every_defect_is_refused_with_its_line() {
    let mut missed = Vec::new();
    for (from, to, line, message) in DEFECTS {
        let problems = broken(from, to);
        let is_told =
            |problem: &Problem| problem.line == *line && problem.message.contains(message);
        if !problems.iter().any(is_told) {
            missed.push(format!(
                "{from:?} -> {to:?}: line {line}: {message}, got {problems:#?}"
            ));
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[test]
fn a_node_without_a_way_to_the_end_is_refused() {
    let text = SOUND.replace("to_node_key: \"\"", "to_node_key: merge");
    let problems = parse(&text).unwrap_err();
    let messages: Vec<_> = problems.iter().map(ToString::to_string).collect();
    assert!(
        messages.contains(&"line 36: node merge: no way leads from it to the end.".to_owned()),
        "{messages:#?}"
    );
    // An escalation to the end is a question, not an end.
    let text = text.replace(
        "edges:",
        "edges:\n  - {from_node_key: merge, condition: escalated}",
    );
    assert!(parse(&text).is_err());
}

#[test]
fn a_round_without_a_limit_is_refused_and_named() {
    let text = SOUND.replace("max_attempts: 3", "max_attempts: 0");
    let problems = parse(&text).unwrap_err();
    let messages: Vec<_> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        messages,
        [
            "line 44: the nodes agree → merge → write → agree can go round for ever. Set max_attempts of one of them."
        ]
    );
    // A limit of any node of it is enough; the round over `check` has one already.
    let limited = "node_type: commit\n    max_attempts: 1";
    assert!(parse(&text.replace("node_type: commit", limited)).is_err());
    let limited = "node_type: approval\n    max_attempts: 1";
    assert_eq!(
        parse(&text.replace("node_type: approval", limited)).map(|_| ()),
        Ok(())
    );
    let text = SOUND.replace(
        "to_node_key: gather, condition: timeout",
        "to_node_key: hear, condition: timeout",
    );
    let problems = parse(&text).unwrap_err();
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].line, 49);
    assert!(
        problems[0].message.contains("hear → hear can go round"),
        "{problems:?}"
    );
}

#[test]
fn all_problems_are_told_at_once_in_the_order_of_the_file() {
    let text = SOUND
        .replace("name: Test", "nmae: Test")
        .replace("role_required: QA", "role_required: wizard")
        .replace("max_attempts: 3", "max_attempts: many")
        .replace("to_node_key: pause", "to_node_key: nowhere");
    let problems = parse(&text).unwrap_err();
    let lines: Vec<_> = problems.iter().map(|problem| problem.line).collect();
    assert_eq!(lines, [1, 2, 12, 20, 45]);
    let refusal = Problem::refusal(&problems);
    assert_eq!(refusal.code, "invalid_workflow");
    assert!(
        refusal.message.contains("5 problems"),
        "{}",
        refusal.message
    );
    assert_eq!(refusal.details["problems"][3]["line"], 20);
}

#[test]
fn large_and_empty_files_are_refused() {
    for (text, message) in [
        (String::new(), "the file is empty"),
        ("# nothing".to_owned(), "the file is empty"),
        ("- a".to_owned(), "must be a mapping"),
        ("x".to_owned(), "must be a mapping"),
        (" ".repeat(MAX_BYTES + 1), "bytes; at most"),
    ] {
        let problems = parse(&text).unwrap_err();
        assert!(problems[0].message.contains(message), "{problems:?}");
    }
    let mut many = SOUND.to_owned();
    for _ in 0..300 {
        many.push_str("  - {from_node_key: merge, to_node_key: write, condition: escalated}\n");
    }
    let problems = parse(&many).unwrap_err();
    assert!(problems[0].message.contains("315 edges"), "{problems:?}");
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "[-a-z:{}\\[\\]\"'#&*!|>%@`?,.0-9 \t\n\\\\]{0,200}") {
        let _ = parse(&text);
    }

    #[test]
    fn no_cut_or_changed_file_makes_it_panic(at in 0..SOUND.len(), length in 0usize..40, put in "[-:{}\\[\\]\"'#&*!|>a\n \t]{0,5}") {
        let mut text = SOUND.to_owned();
        let end = (at + length).min(text.len());
        text.replace_range(at..end, &put);
        let result = parse(&text);
        if let Err(problems) = result {
            let lines = text.lines().count() + 1;
            prop_assert!(!problems.is_empty());
            for problem in problems {
                prop_assert!((1..=lines).contains(&problem.line), "{problem}");
            }
        }
    }
}
