//! An action and its result in a few words.

use super::paint::{WIDTH, line, short};
use serde_json::Value;

/// How many characters of a subject are kept beside a long result.
const SUBJECT: usize = 24;

/// A subject and a result that fit into `width` columns together, with two between them.
pub(super) fn fitted(subject: &str, result: &str, width: usize) -> (String, String) {
    let length = |text: &str| text.chars().count();
    let (subject, result) = (line(subject, width), line(result, width));
    if subject.is_empty() || result.is_empty() {
        return (subject, result);
    }
    let beside = width.saturating_sub(length(&result) + 2);
    let subject = line(&subject, beside.max(SUBJECT));
    let rest = width.saturating_sub(length(&subject) + 2);
    (subject, line(&result, rest))
}

/// What an action is about: its file, its query, its program.
pub(super) fn subject(action: &Value) -> String {
    let text = |name: &str| action.get(name).and_then(Value::as_str);
    let number = |name: &str| action.get(name).and_then(Value::as_i64);
    let subject = match text("action").unwrap_or_default() {
        "read_file" => {
            let lines = match (number("first_line"), number("last_line")) {
                (None, None) => String::new(),
                (first, last) => format!(
                    ":{}-{}",
                    first.unwrap_or(1),
                    last.map(|last| last.to_string()).unwrap_or_default()
                ),
            };
            format!("{}{lines}", text("path").unwrap_or_default())
        }
        "run_command" => {
            let words = action.get("argv").and_then(Value::as_array);
            let words: Vec<&str> = words
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .collect();
            words.join(" ")
        }
        "move_file" => format!(
            "{} to {}",
            text("from").unwrap_or_default(),
            text("to").unwrap_or_default()
        ),
        "search" => {
            // A pattern for a definition is told as what it looks for.
            let query = text("query").unwrap_or_default();
            query.strip_suffix("[(<]").unwrap_or(query).to_owned()
        }
        _ => [
            "path", "pattern", "title", "question", "to", "role", "message", "body",
        ]
        .into_iter()
        .find_map(text)
        .and_then(|text| text.lines().next())
        .unwrap_or_default()
        .to_owned(),
    };
    line(&subject, WIDTH)
}

/// What an action brought.
pub(super) fn result(action: &Value, status: &str, code: &str, text: &str) -> String {
    let name = action
        .get("action")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let told = match (name, status) {
        (_, "refused") => format!("refused ({code}): {text}"),
        ("test" | "run_command", _) => tests(text).unwrap_or_else(|| ended(status, code, text)),
        (_, "error") => format!("failed ({code}): {text}"),
        ("read_file", _) => {
            let (read, _) = text.rsplit_once("\n[lines after ").unwrap_or((text, ""));
            format!("{} lines", read.lines().count())
        }
        ("read_tree", _) => format!("{} entries", text.lines().count()),
        ("search", _) => found(text),
        ("edit_file", _) => edited(action).unwrap_or_else(|| text.to_owned()),
        ("git_diff", _) => changed(text),
        ("git_status", _) => match text.lines().filter(|line| !line.starts_with("## ")).count() {
            0 => "everything is committed".to_owned(),
            changes => format!("{changes} not committed"),
        },
        ("git_log", _) => {
            let newest = text.lines().next().unwrap_or_default();
            let (_, subject) = newest.split_once(": ").unwrap_or(("", newest));
            format!("newest: {subject}")
        }
        ("git_commit", _) => text.split(" with ").next().unwrap_or_default().to_owned(),
        ("comment", _) => String::new(),
        _ => text.to_owned(),
    };
    line(&shorten_commits(&told), WIDTH)
}

/// The summary of cargo's tests, if that is what was run.
fn tests(output: &str) -> Option<String> {
    let mut failing: Vec<&str> = output
        .lines()
        .filter_map(|line| line.strip_prefix("test ")?.strip_suffix(" ... FAILED"))
        .map(|test| test.rsplit("::").next().unwrap_or(test))
        .collect();
    failing.sort_unstable();
    failing.dedup();
    if !failing.is_empty() {
        return Some(format!("{} fail: {}", failing.len(), failing.join(", ")));
    }
    match counted(output) {
        (0, 0) => None,
        (passed, 0) => Some(format!("{passed} pass")),
        (_, failed) => Some(format!("{failed} fail")),
    }
}

/// How many tests passed and failed, by the summaries of cargo's test programs.
pub(super) fn counted(output: &str) -> (u32, u32) {
    let count = |word: &str| {
        output
            .lines()
            .filter(|line| line.starts_with("test result: "))
            .filter_map(|line| {
                let (before, _) = line.split_once(word)?;
                before.rsplit([' ', '.']).next()?.parse::<u32>().ok()
            })
            .sum()
    };
    (count(" passed"), count(" failed"))
}

fn ended(status: &str, code: &str, text: &str) -> String {
    let last = text.lines().rfind(|line| !line.trim().is_empty());
    let last = last.unwrap_or_default();
    match status {
        "ok" => last.to_owned(),
        _ => format!("failed ({code}): {last}"),
    }
}

fn found(text: &str) -> String {
    let places: Vec<(&str, &str)> = text
        .lines()
        .filter_map(|line| {
            let mut parts = line.splitn(3, ':');
            let place = (parts.next()?, parts.next()?);
            parts.next().map(|_| place)
        })
        .collect();
    match places.as_slice() {
        [] => "nothing found".to_owned(),
        [(path, line)] => format!("{path}:{line}"),
        [(path, line), ..] => format!("{} found, first {path}:{line}", places.len()),
    }
}

/// The first line that is different, before and after.
fn edited(action: &Value) -> Option<String> {
    let old = action.get("old_text")?.as_str()?;
    let new = action.get("new_text")?.as_str()?;
    let (old, new) = old.lines().zip(new.lines()).find(|(old, new)| old != new)?;
    Some(format!("`{}` becomes `{}`", old.trim(), new.trim()))
}

fn changed(diff: &str) -> String {
    let lines = |sign: &str, header: &str| {
        diff.lines()
            .filter(|line| line.starts_with(sign) && !line.starts_with(header))
            .count()
    };
    let files = diff
        .lines()
        .filter(|line| line.starts_with("diff --git "))
        .count();
    format!(
        "{} added, {} removed in {files} {}",
        lines("+", "+++ "),
        lines("-", "--- "),
        if files == 1 { "file" } else { "files" }
    )
}

fn shorten_commits(text: &str) -> String {
    let is_commit = |word: &str| word.len() == 40 && word.bytes().all(|b| b.is_ascii_hexdigit());
    text.split_inclusive([' ', '.', ',', ':'])
        .map(|piece| {
            let word = piece.trim_end_matches([' ', '.', ',', ':']);
            match is_commit(word) {
                true => piece.replacen(word, short(word), 1),
                false => piece.to_owned(),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn subjects_name_what_an_action_is_about() {
        for (action, expected) in [
            (json!({"action": "read_file", "path": "a.rs"}), "a.rs"),
            (
                json!({"action": "read_file", "path": "a.rs", "first_line": 3, "last_line": 9}),
                "a.rs:3-9",
            ),
            (
                json!({"action": "search", "query": "fn a[(<]", "path": null}),
                "fn a",
            ),
            (
                json!({"action": "comment", "body": "Cause: x\nMore"}),
                "Cause: x",
            ),
            (
                json!({"action": "run_command", "argv": ["cargo", "fmt"]}),
                "cargo fmt",
            ),
            (
                json!({"action": "git_commit", "message": "Title\n\nBody"}),
                "Title",
            ),
            (json!({"action": "done", "summary": "x"}), ""),
        ] {
            assert_eq!(subject(&action), expected);
        }
    }

    #[test]
    fn a_subject_gives_way_to_its_result_as_far_as_it_can() {
        let fit = |subject: &str, result: &str| fitted(subject, result, 40);
        let of = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(fit("a.rs", "3 lines"), of("a.rs", "3 lines"));
        assert_eq!(fit("", &"x".repeat(40)), of("", &"x".repeat(40)));
        for (subject, result) in [(60, 5), (60, 60), (5, 60), (20, 30)] {
            let (subject, result) = fit(&"s".repeat(subject), &"r".repeat(result));
            assert!(subject.chars().count() + 2 + result.chars().count() <= 40);
            assert!(!subject.is_empty() && !result.is_empty());
        }
    }

    #[test]
    fn results_say_what_matters() {
        let told =
            |action: Value, status: &str, text: &str| result(&action, status, "some_code", text);
        let output = "test tests::b ... FAILED\ntest tests::a ... FAILED\ntest c ... ok\ntest result: FAILED. 1 passed; 2 failed; 0 ignored";
        assert_eq!(
            told(json!({"action": "test"}), "error", output),
            "2 fail: a, b"
        );
        let output = "test result: ok. 88 passed; 0 failed; 0 ignored\ntest result: ok. 8 passed; 0 failed; 0 ignored\nExit code 0.";
        assert_eq!(told(json!({"action": "test"}), "ok", output), "96 pass");
        assert_eq!(
            told(
                json!({"action": "test"}),
                "error",
                "error[E0001]: no\nExit code 101."
            ),
            "failed (some_code): Exit code 101."
        );
        let edit =
            json!({"action": "edit_file", "old_text": "  a;\n  b;", "new_text": "  c;\n  b;"});
        assert_eq!(told(edit, "ok", "changed"), "`a;` becomes `c;`");
        assert_eq!(
            told(json!({"action": "search"}), "ok", "a.rs:1: x\nb.rs:2: y"),
            "2 found, first a.rs:1"
        );
        assert_eq!(
            told(
                json!({"action": "git_diff"}),
                "ok",
                "diff --git a/x b/x\n--- a/x\n+++ b/x\n-a\n+b\n+c\n"
            ),
            "2 added, 1 removed in 1 file"
        );
        for (action, text, expected) in [
            (
                "read_file",
                "a\nb\n\n[lines after 2 of 9 were left out]",
                "2 lines",
            ),
            ("git_status", "## a\n", "everything is committed"),
            ("git_status", "## a\n M x\n", "1 not committed"),
            ("git_log", "ab 2001 Me: Title: x\ncd", "newest: Title: x"),
            ("git_commit", "Commit ab with 1 file(s): x", "Commit ab"),
        ] {
            assert_eq!(told(json!({"action": action}), "ok", text), expected);
        }
        let merged = format!("Merged into main as {}.", "0123456789".repeat(4));
        assert_eq!(
            told(json!({"action": "done"}), "ok", &merged),
            "Merged into main as 0123456."
        );
        assert_eq!(
            told(json!({"action": "done"}), "refused", "No.\nWhy"),
            "refused (some_code): No. Why"
        );
    }
}
