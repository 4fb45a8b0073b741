use serde_json::json;

use super::super::BeadFile;
use super::{Line, parse};
use crate::bead::{BeadStatus, Priority};
use crate::time::Timestamp;

fn bead(line: serde_json::Value) -> BeadFile {
    match parse(1, &line.to_string()) {
        Ok(Line::Bead(bead)) => *bead,
        other => panic!("{line}: {other:?}"),
    }
}

#[test]
fn a_line_of_bd() {
    let read = bead(json!({
        "id": "bd-a3f8.1", "title": "Fix it", "description": "Now.", "status": "closed", "priority": 1,
        "issue_type": "bug", "owner": "x@example.org", "created_at": "2025-10-12T00:43:03.453438-07:00",
        "created_by": "x", "updated_at": "2025-10-13T00:00:00Z", "closed_at": "2025-10-13T00:00:00Z",
        "close_reason": "done", "labels": ["a", "a", "b"], "acceptance_criteria": "It works.", "assignee": "somebody",
        "notes": "n", "design": "d", "external_ref": null, "estimated_minutes": 0,
        "dependencies": [
            {"issue_id": "bd-a3f8.1", "depends_on_id": "bd-1", "type": "blocks", "created_at": "2025-10-12T00:00:00Z"},
            {"issue_id": "bd-a3f8.1", "depends_on_id": "bd-a3f8", "type": "parent-child"},
            {"depends_on_id": "bd-2", "type": "related"},
            {"depends_on_id": "bd-3", "type": "discovered-from"},
        ],
        "comments": [{"id": 7, "issue_id": "bd-a3f8.1", "author": "y", "text": "hm", "created_at": "2025-10-12T09:00:00Z"}],
    }));
    assert_eq!(
        (read.status, read.priority),
        (BeadStatus::Closed, Priority::new(1).unwrap())
    );
    assert_eq!(
        read.created_at,
        Timestamp::parse("2025-10-12T07:43:03.453Z")
    );
    assert_eq!(
        (read.kind.as_str(), read.tags.as_slice()),
        ("bug", ["a".to_owned(), "b".to_owned()].as_slice())
    );
    assert_eq!(
        (read.blocked_by, read.parent.as_deref(), read.related),
        (vec!["bd-1".into()], Some("bd-a3f8"), vec!["bd-2".into()])
    );
    assert_eq!(read.assigned_to.as_deref(), Some("somebody"));
    assert_eq!(
        (read.estimate_minutes, read.comments[0].id.as_str()),
        (None, "bd-a3f8.1#7")
    );
    let kept = json!(read.context);
    let expected = json!({
        "owner": "x@example.org", "acceptance_criteria": "It works.", "notes": "n", "design": "d",
        "dependencies": [{"depends_on_id": "bd-3", "type": "discovered-from"}],
    });
    assert_eq!(kept, expected);
}

#[test]
fn what_loom_has_no_word_for_is_kept_beside_the_nearest() {
    let read = bead(json!({"id": "a", "title": "x", "status": "deferred", "priority": 4}));
    assert_eq!(
        (read.status, read.priority.number()),
        (BeadStatus::Blocked, 3)
    );
    assert_eq!(
        json!(read.context),
        json!({"bd_status": "deferred", "bd_priority": 4})
    );
    assert!(matches!(
        parse(1, r#"{"id":"a","status":"tombstone"}"#),
        Ok(Line::Deleted(_))
    ));
    assert_eq!(parse(1, "  "), Ok(Line::Empty));
}

#[test]
fn every_mistake_of_a_line_is_named() {
    for (line, fields) in [
        ("{", vec![""]),
        ("[]", vec![""]),
        ("{}", vec!["id", "title"]),
        (r#"{"id":"a/b","title":"x"}"#, vec!["id"]),
        (r#"{"id":"a","title":""}"#, vec!["title"]),
        (
            r#"{"id":"a","title":"x","status":"ready","priority":9}"#,
            vec!["status", "priority"],
        ),
        (
            r#"{"id":"a","title":"x","created_at":"yesterday"}"#,
            vec!["created_at"],
        ),
        (r#"{"id":"a","title":"x","labels":"y"}"#, vec!["labels"]),
        (
            r#"{"id":"a","title":"x","issue_type":"Big Bug"}"#,
            vec!["issue_type"],
        ),
        (
            r#"{"id":"a","title":"x","dependencies":[{"type":"blocks"}]}"#,
            vec!["dependencies"],
        ),
        (
            r#"{"id":"a","title":"x","dependencies":[{"issue_id":"b","depends_on_id":"c"}]}"#,
            vec!["dependencies"],
        ),
        (
            r#"{"id":"a","title":"x","dependencies":[{"depends_on_id":"b","type":"parent-child"},{"depends_on_id":"c","type":"parent-child"}]}"#,
            vec!["dependencies"],
        ),
        (
            r#"{"id":"a","title":"x","comments":[{"author":"y"}]}"#,
            vec!["comments"],
        ),
        (
            r#"{"id":"a","title":"x","description":"\u0000"}"#,
            vec!["description"],
        ),
    ] {
        let errors = parse(3, line).unwrap_err();
        assert!(
            errors
                .iter()
                .all(|error| error.line == 3 && !error.message.is_empty())
        );
        let named: Vec<&str> = errors
            .iter()
            .map(|error| error.field.as_deref().unwrap_or_default())
            .collect();
        assert_eq!(named, fields, "{line}");
    }
}
