use proptest::prelude::*;
use serde_json::json;

use super::super::{BeadFile, FileComment, MAX_BYTES, jsonl, read, write};
use super::bead;
use crate::bead::{BeadStatus, Priority};
use crate::time::Timestamp;

fn errors(text: &str) -> Vec<(usize, String)> {
    let errors = read(text).unwrap_err();
    errors
        .into_iter()
        .map(|error| (error.line, error.message))
        .collect()
}

#[test]
fn a_file_reads_well() {
    let mut file = BeadFile::new("bd-4yo9x", "Fix the login: it \"fails\"");
    file.kind = "bug".into();
    file.status = BeadStatus::Closed;
    file.priority = Priority::P0;
    file.parent = Some("bd-1".into());
    file.tags = vec!["auth".into(), "yes".into()];
    file.blocked_by = vec!["bd-2".into()];
    file.created_by = Some("admin".into());
    file.created_at = Some(Timestamp(1_700_000_000_123));
    file.updated_at = Some(Timestamp(1_700_000_100_000));
    file.closed_at = Some(Timestamp(1_700_000_100_000));
    file.close_reason = Some("done".into());
    file.description = "It fails.\n\n    indented\n\nEnd\n".into();
    file.context
        .insert("source".into(), json!({"issue": 7, "labels": ["a", "1"]}));
    file.context.insert("note".into(), json!("one\ntwo"));
    file.comments = vec![FileComment {
        id: "c1".into(),
        author: "ann".into(),
        content: "First.\nSecond.".into(),
        created_at: Some(Timestamp(1_700_000_000_000)),
    }];
    file.extra.insert("milestone".into(), json!("7"));
    let text = write(&file).unwrap();
    let expected = r#"id: bd-4yo9x
type: bug
title: "Fix the login: it \"fails\""
status: closed
priority: P0
parent: bd-1
tags:
  - auth
  - "yes"
blocked_by:
  - bd-2
created_by: admin
created_at: 2023-11-14T22:13:20.123Z
updated_at: 2023-11-14T22:15:00.000Z
closed_at: 2023-11-14T22:15:00.000Z
close_reason: done
description: |
  It fails.

      indented

  End
context:
  note: |-
    one
    two
  source: {"issue": 7, "labels": ["a", "1"]}
comments:
  - id: c1
    author: ann
    created_at: 2023-11-14T22:13:20.000Z
    text: |-
      First.
      Second.
milestone: "7"
"#;
    assert_eq!(text, expected);
    assert_eq!(read(&text).unwrap(), file);
}

/// As `yaml.Marshal` of the original writes it.
#[test]
fn a_file_of_the_original_is_read() {
    let text = r#"entitymetadata:
    schemaversion: "1.0"
    attributes: {}
    migratedat: null
    migratedfrom: ""
id: ac-4yo9
type: decision
title: 'Escalate: "loop"'
description: |-
    First line.

    Second.
status: in_progress
priority: 4
projectid: loom-self
assignedto: agent-7
blockedby: [ac-2, ac-1]
blocks: [ac-9]
relatedto:
    - ac-3
parent: ""
children: []
tags:
    - auto-filed
context:
    dispatch_count: "3"
duedate: null
milestoneid: m1
estimatedtime: 0
createdat: 2026-01-20T10:00:00.123456789-08:00
updatedat: 2026-01-21T10:00:00Z
closedat: null
"#;
    let file = read(text).unwrap();
    assert_eq!(
        (file.id.as_str(), file.kind.as_str()),
        ("ac-4yo9", "decision")
    );
    assert_eq!(file.description, "First line.\n\nSecond.");
    assert_eq!(file.blocked_by, ["ac-1", "ac-2"]);
    assert_eq!(file.related, ["ac-3"]);
    assert_eq!(file.assigned_to.as_deref(), Some("agent-7"));
    assert_eq!((file.parent, file.estimate_minutes), (None, None));
    assert_eq!(
        file.created_at,
        Timestamp::parse("2026-01-20T18:00:00.123Z")
    );
    assert_eq!(
        json!(file.context),
        json!({"dispatch_count": "3", "bd_priority": 4})
    );
    assert_eq!(json!(file.extra), json!({"milestoneid": "m1"}));
    let again = write(&read(text).unwrap()).unwrap();
    assert!(
        again.contains("blocked_by:\n  - ac-1\n") && !again.contains("projectid"),
        "{again}"
    );
    assert_eq!(read(&again).unwrap(), read(text).unwrap());
}

#[test]
fn what_is_wrong_is_told_with_its_line() {
    for (text, line, message) in [
        ("", 1, "the file is empty. It must hold a bead"),
        ("just text", 1, "a bead is a mapping"),
        ("id: bd-1\ntitle: [x", 3, "this is not YAML"),
        ("id: bd-1\n", 1, "title is missing"),
        ("id: a/b\ntitle: x", 1, "must be 1 to 64 letters"),
        (
            "id: bd-1\ntitle: x\nstatus: ready",
            3,
            "\"ready\" is no status",
        ),
        ("id: bd-1\ntitle: x\npriority: P9", 3, "must be P0 to P3"),
        (
            "id: bd-1\ntitle: x\ncreated_at: soon",
            3,
            "must be RFC 3339",
        ),
        ("id: bd-1\ntitle: x\ntags: a", 3, "must be a list"),
        (
            "id: bd-1\ntitle: x\ntags:\n  - a\n  - [b]",
            5,
            "each must be a text",
        ),
        (
            "id: bd-1\ntitle: x\ncreatedat: 2026-01-01T00:00:00Z\ncreated_at: 2026-01-01T00:00:00Z",
            4,
            "the same as line 3",
        ),
        ("id: bd-1\ntitle: x\nid: bd-2", 3, "already set on line 1"),
        ("id: &a bd-1\ntitle: x", 1, "an anchor"),
        ("id: bd-1\ntitle: \"a\\0b\"", 2, "without NUL"),
        (
            "id: bd-1\ntitle: x\ndescription: \"a\\0b\"",
            3,
            "without NUL",
        ),
        (
            "id: bd-1\ntitle: x\ncomments:\n  - id: c\n",
            4,
            "each must have a text",
        ),
        (
            "id: bd-1\ntitle: x\ncomments:\n  - {id: c, text: a}\n  - {id: c, text: b}",
            5,
            "there twice",
        ),
        (
            "<<<<<<< HEAD\nid: bd-1\n=======\nid: bd-2\n>>>>>>> x",
            2,
            "not YAML",
        ),
    ] {
        let errors = errors(text);
        assert!(
            errors
                .iter()
                .any(|(at, told)| *at == line && told.contains(message)),
            "{text:?}: {errors:?}"
        );
    }
    let bomb = format!(
        "id: bd-1\ntitle: x\ndeep: {}{}",
        "[".repeat(400),
        "]".repeat(400)
    );
    assert!(read(&bomb).is_err());
    let large = format!("id: bd-1\ntitle: x\ndescription: {}", "x".repeat(MAX_BYTES));
    assert!(errors(&large)[0].1.contains("at most 1048576"));
}

#[test]
fn a_file_stays_small_enough_to_be_read() {
    let mut file = BeadFile::new("bd-1", "x");
    for number in 0..40 {
        file.comments.push(FileComment {
            id: format!("c{number:02}"),
            author: "a".into(),
            content: "word ".repeat(12_000),
            created_at: Some(Timestamp(number)),
        });
    }
    let text = write(&file).unwrap();
    assert!(text.len() <= MAX_BYTES);
    let kept = read(&text).unwrap().comments;
    assert!(kept.len() > 10 && kept.last().unwrap().id == "c39");
    file.context
        .insert("x".into(), json!("\u{1}".repeat(MAX_BYTES / 4)));
    assert_eq!(write(&file).unwrap_err().code, "bead_too_large");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn what_is_written_is_read_back(file in bead()) {
        let text = write(&file).unwrap();
        let again = read(&text).map_err(|errors| TestCaseError::fail(format!("{errors:?}\n{text}")))?;
        prop_assert_eq!(&again, &file, "{}", text);
        prop_assert_eq!(write(&again).unwrap(), text);
    }

    #[test]
    fn a_line_of_json_keeps_all_but_what_bd_does_not_know(file in bead()) {
        let mut file = file;
        file.extra.clear();
        file.fingerprint = None;
        file.cause_depth = 0;
        file.context.clear();
        // A line has one parent, and nothing else by the bead's own name.
        let line = jsonl::line(&file);
        let Ok(jsonl::Line::Bead(again)) = jsonl::parse(1, &line) else {
            return Err(TestCaseError::fail(format!("{:?}", jsonl::parse(1, &line))));
        };
        prop_assert_eq!(jsonl::line(&again), line);
    }

    #[test]
    fn any_text_is_read_or_refused(text in super::text()) {
        let _ = read(&text);
        let _ = read(&format!("id: a\ntitle: {text}"));
    }
}
