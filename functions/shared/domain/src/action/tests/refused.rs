//! What is refused, with all that is wrong.

use serde_json::json;

use super::parse;

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
