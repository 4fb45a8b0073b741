use proptest::prelude::*;

use super::*;

const FILE: &str =
    "fn one() {\n    let x = 1;\n    x + 1\n}\n\nfn two() {\n    let x = 1;\n    x + 2\n}\n";

fn lines_of(problem: EditProblem) -> (MatchedBy, Vec<u32>) {
    match problem {
        EditProblem::Ambiguous { matched_by, lines } => (matched_by, lines),
        other => panic!("expected an ambiguous edit, got {other:?}"),
    }
}

#[test]
fn the_exact_text_is_replaced() {
    let edit = apply(FILE, "x + 2", "x + 3").unwrap();
    assert_eq!(edit.matched_by, MatchedBy::Exact);
    assert_eq!((edit.first_line, edit.last_line), (8, 8));
    assert_eq!(edit.content, FILE.replace("x + 2", "x + 3"));
}

#[test]
fn two_exact_places_are_refused_with_their_lines() {
    assert_eq!(
        lines_of(apply(FILE, "let x = 1;", "").unwrap_err()),
        (MatchedBy::Exact, vec![2, 7])
    );
    assert_eq!(
        lines_of(apply("aaa", "aa", "b").unwrap_err()),
        (MatchedBy::Exact, vec![1, 1])
    );
    let refusal = apply(FILE, "let x = 1;", "")
        .unwrap_err()
        .refusal("src/a.rs");
    assert_eq!(refusal.code, "edit_ambiguous");
    assert!(
        refusal
            .message
            .contains("2 places in src/a.rs, at the lines 2, 7;"),
        "{}",
        refusal.message
    );
}

#[test]
fn white_space_at_line_ends_does_not_matter() {
    let edit = apply("a();  \nb();\t\n", "a();\nb();", "c();").unwrap();
    assert_eq!(
        (edit.content.as_str(), edit.matched_by),
        ("c();\n", MatchedBy::Whitespace)
    );
    let edit = apply("a();\r\nb();\r\nz\r\n", "a();\nb();\n", "c();\nd();\n").unwrap();
    assert_eq!(edit.content, "c();\r\nd();\r\nz\r\n");
}

#[test]
fn the_new_text_is_indented_like_the_file() {
    let file = "impl A {\n    fn f() {\n        if x {\n            y();\n        }\n    }\n}\n";
    let edit = apply(
        file,
        "if x {\n    y();\n}",
        "if x {\n    y();\n    if z {\n        w();\n    }\n}",
    )
    .unwrap();
    let wanted = "impl A {\n    fn f() {\n        if x {\n            y();\n            if z {\n                w();\n            }\n        }\n    }\n}\n";
    assert_eq!(
        (edit.content.as_str(), edit.matched_by),
        (wanted, MatchedBy::Whitespace)
    );
    assert_eq!((edit.first_line, edit.last_line), (3, 8));
}

#[test]
fn the_new_text_may_be_shallower_than_the_old_one() {
    let edit = apply("    a\n    b\n", "        a\n        b", "    c\n        d").unwrap();
    assert_eq!(edit.content, "c\n    d\n");
}

#[test]
fn tabs_and_spaces_are_translated() {
    let edit = apply(
        "\tif x {\n\t\ty()\n\t}\n",
        "    if x {\n        y()\n    }",
        "    if x {\n            y()\n    }",
    )
    .unwrap();
    assert_eq!(edit.content, "\tif x {\n\t\t\ty()\n\t}\n");
}

#[test]
fn an_ambiguous_level_is_not_saved_by_a_more_lenient_one() {
    let file = "  a();\n  b();\n\n  a();\n  b();\n";
    assert_eq!(
        lines_of(apply(file, "a();\nb();", "").unwrap_err()),
        (MatchedBy::Whitespace, vec![1, 4])
    );
}

#[test]
fn a_block_is_found_by_its_first_and_last_line() {
    let old = "fn two() {\n    let y = 1;\n    y + 2\n}";
    let edit = apply(FILE, old, "fn two() {\n    3\n}").unwrap();
    assert_eq!(edit.matched_by, MatchedBy::Anchors);
    assert_eq!(
        edit.content,
        "fn one() {\n    let x = 1;\n    x + 1\n}\n\nfn two() {\n    3\n}\n"
    );
}

#[test]
fn two_anchored_blocks_are_refused() {
    let file = "begin\n1\nend\n\nbegin\n2\nend\n";
    assert_eq!(
        lines_of(apply(file, "begin\n3\nend", "x").unwrap_err()),
        (MatchedBy::Anchors, vec![1, 5])
    );
}

#[test]
fn braces_alone_anchor_nothing() {
    let problem = apply("{\n  1\n}\n", "{\n  2\n}", "x").unwrap_err();
    assert!(
        matches!(problem, EditProblem::NotFound { .. }),
        "{problem:?}"
    );
}

#[test]
fn what_is_not_there_is_answered_with_the_closest_lines() {
    let EditProblem::NotFound { closest } = apply(FILE, "fn twoo() -> u32 {", "x").unwrap_err()
    else {
        panic!()
    };
    assert_eq!(closest.first(), Some(&(6, "fn two() {".to_owned())));
    let refusal = apply(FILE, "fn twoo() -> u32 {", "x")
        .unwrap_err()
        .refusal("a.rs");
    assert_eq!(refusal.code, "edit_not_found");
    assert!(
        refusal.message.contains("\n6: fn two() {"),
        "{}",
        refusal.message
    );
}

#[test]
fn nothing_to_do_is_refused() {
    assert_eq!(apply(FILE, " \n", "x"), Err(EditProblem::Empty));
    assert_eq!(apply(FILE, "x + 1", "x + 1"), Err(EditProblem::NoChange));
}

#[test]
fn lines_are_removed_without_a_trace() {
    let edit = apply("a\n  b\nc\n", "b \n", "").unwrap();
    assert_eq!(
        (edit.content.as_str(), edit.first_line, edit.last_line),
        ("a\nc\n", 2, 1)
    );
}

fn code_line() -> impl Strategy<Value = String> {
    ("( {0,8}|\t{0,3})", "[a-c(){};]{0,3}", "[ \t]{0,2}").prop_map(|(a, b, c)| format!("{a}{b}{c}"))
}

fn code(lines: std::ops::Range<usize>) -> impl Strategy<Value = String> {
    prop::collection::vec(code_line(), lines).prop_map(|lines| lines.join("\n"))
}

fn is_ambiguous(content: &str, old: &str) -> bool {
    matches!(
        apply(content, old, "NEW"),
        Err(EditProblem::Ambiguous { .. })
    )
}

proptest! {
    /// Whatever the level, only whole lines around the place change.
    #[test]
    fn everything_outside_the_place_stays(content in code(0..12), old in code(1..5), new in code(0..5)) {
        if let Ok(edit) = apply(&content, &old, &new) {
            let first = usize::try_from(edit.first_line).unwrap() - 1;
            let before: Vec<&str> = content.split('\n').take(first).collect();
            let after: Vec<&str> = edit.content.split('\n').take(first).collect();
            prop_assert_eq!(before, after);
            if edit.matched_by == MatchedBy::Exact {
                prop_assert_eq!(&edit.content, &content.replacen(&old, &new, 1));
                prop_assert_eq!(content.matches(old.as_str()).count(), 1);
            }
        }
    }

    /// A block of lines is found however deep it is in the file, and comes back as deep.
    #[test]
    fn a_shifted_block_is_found(
        lines in prop::collection::vec("[a-z]{3,9}", 1..6),
        depths in prop::collection::vec(0usize..4, 6),
        shift in 1usize..6,
    ) {
        let block = |shift: usize, mark: &str| -> String {
            let indented = |(line, depth): (&String, &usize)| format!("{}{line}{mark}", "  ".repeat(shift + depth));
            lines.iter().zip(&depths).map(indented).collect::<Vec<_>>().join("\n")
        };
        let content = format!("BEGIN\n{}\nEND\n", block(shift, ";"));
        // `lines` may hold the same line twice; the block as a whole is there once.
        match apply(&content, &block(0, "; "), &block(0, "!")) {
            Ok(edit) => {
                prop_assert_eq!(edit.content, format!("BEGIN\n{}\nEND\n", block(shift, "!")));
                prop_assert_eq!(edit.matched_by, MatchedBy::Whitespace);
            }
            Err(problem) => prop_assert!(false, "{:?}", problem),
        }
    }

    /// Two copies of a block are never told apart by guessing.
    #[test]
    fn two_copies_are_always_refused(lines in prop::collection::vec("[a-z]{1,5}", 1..5), between in "[A-Z]{1,5}") {
        let block = lines.join("\n");
        let content = format!("{block}\n{between}\n{block}\n");
        prop_assert!(is_ambiguous(&content, &block));
        let padded = lines.iter().map(|line| format!(" {line} ")).collect::<Vec<_>>().join("\n");
        prop_assert!(is_ambiguous(&content, &padded));
    }

    #[test]
    fn no_text_makes_it_fail(content in any::<String>(), old in any::<String>(), new in any::<String>()) {
        let _ = apply(&content, &old, &new);
    }
}
