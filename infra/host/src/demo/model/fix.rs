//! The stages `apply_fix` and `commit_and_push`: the approved change with its proof, and the look at what is committed.

use super::code;
use super::conversation::Taken;
use super::report::Report;
use super::{Knowledge, Turn};
use serde_json::{Value, json};

/// How much of a file is read on either side of the line that is to be changed.
const LINES_AROUND: usize = 3;

const NO_REPORT: &str = "No comment names a cause, a remedy and a test; I don't know what to do.";

/// `apply_fix`: sees the test fail, changes the line, and commits once everything passes.
pub(super) fn apply(taken: &[Taken], brief: &str, knowledge: &Knowledge) -> Turn {
    let Some(report) = Report::newest(brief) else {
        return Turn::give_up(NO_REPORT);
    };
    let edited = taken
        .iter()
        .rposition(|one| one.action == "edit_file" && one.is_ok());
    match edited {
        Some(at) => finish(taken.get(at + 1..).unwrap_or_default(), &report, knowledge),
        None => change(taken, &report),
    }
}

/// Up to the change.
fn change(taken: &[Taken], report: &Report) -> Turn {
    let last = |action: &str| taken.iter().rfind(|one| one.action == action);
    let Report {
        path, line, test, ..
    } = report;
    let (Some(tests), Some(read)) = (last("test"), last("read_file")) else {
        let around = json!({
            "path": path,
            "first_line": line.saturating_sub(LINES_AROUND).max(1),
            "last_line": line + LINES_AROUND,
        });
        return Turn {
            says: format!("Before I change {path}:{line}, I want to see {test} fail."),
            calls: vec![("test", json!({"pattern": test})), ("read_file", around)],
        };
    };
    let fails = code::panics(&tests.text)
        .iter()
        .any(|panic| panic.short_name() == test);
    if tests.is_ok() || !fails {
        return Turn::give_up(format!("{test} does not fail before the change."));
    }
    if last("edit_file").is_some() {
        return Turn::give_up("The line that is wrong could not be changed.");
    }
    let Some((old, new)) = replacement(read, report) else {
        return Turn::give_up(format!("{path}:{line} is not `{}`.", report.mistake));
    };
    let says = format!("It fails as it was said. `{}` it is.", report.fix);
    let arguments = json!({"path": path, "old_text": old, "new_text": new});
    Turn::one(says, "edit_file", arguments)
}

/// The text to replace, taken from the file as it was read, and what takes its place. With the line below, the place is
/// certain.
fn replacement(read: &Taken, report: &Report) -> Option<(String, String)> {
    if read.line_of(&report.mistake) != Some(report.line) {
        return None;
    }
    let mut lines = read.text.lines();
    let wrong = lines.find(|line| line.trim() == report.mistake)?;
    let right = wrong.replace(&report.mistake, &report.fix);
    let below = lines
        .next()
        .map(|line| format!("\n{line}"))
        .unwrap_or_default();
    Some((format!("{wrong}{below}"), format!("{right}{below}")))
}

/// After the change: the tests, a look at it, the commit.
fn finish(since: &[Taken], report: &Report, knowledge: &Knowledge) -> Turn {
    let last = |action: &str| since.iter().rfind(|one| one.action == action);
    let Some(tests) = last("test") else {
        return Turn::one("The line is changed; now all tests.", "test", json!({}));
    };
    if !tests.is_ok() {
        return Turn::give_up(
            "The tests still fail after the change: the cause must be another one.",
        );
    }
    let Some(diff) = last("git_diff") else {
        let says = "All tests pass. One look at everything that I changed before I commit it.";
        return Turn::one(says, "git_diff", json!({}));
    };
    if !is_only_the_fix(diff, report) {
        return Turn::give_up("Something else is changed beside the line that was approved.");
    }
    for action in ["git_commit", "done"] {
        if let Some(failed) = last(action).filter(|one| !one.is_ok()) {
            return Turn::give_up(format!("{action} did not succeed: {}", failed.head));
        }
    }
    let passed = code::passed(&tests.text);
    let summary = format!(
        "{}:{} is now `{}`; {} passes, and so do all {passed} tests.",
        report.path, report.line, report.fix, report.test
    );
    Turn {
        says: "The change is what was approved, and nothing else.".to_owned(),
        calls: vec![
            ("git_commit", json!({"message": knowledge.commit})),
            ("done", json!({"summary": summary})),
        ],
    }
}

/// `commit_and_push`: looks at what is committed and tests it; its `done` merges.
pub(super) fn hand_over(taken: &[Taken], brief: &str) -> Turn {
    let Some(report) = Report::newest(brief) else {
        return Turn::give_up(NO_REPORT);
    };
    let last = |action: &str| taken.iter().rfind(|one| one.action == action);
    let (Some(status), Some(diff)) = (last("git_status"), last("git_diff")) else {
        return Turn {
            says: "Is the fix committed, and nothing else?".to_owned(),
            calls: ["git_status", "git_diff"]
                .map(|name| (name, json!({})))
                .into(),
        };
    };
    let is_clean = |line: &str| line.trim().is_empty() || line.starts_with("## ");
    if !status.is_ok() || !status.text.lines().all(is_clean) {
        return Turn::give_up("There are changes that are not committed.");
    }
    if !is_only_the_fix(diff, &report) {
        return Turn::give_up("What is committed is not exactly the change that was approved.");
    }
    let Some(tests) = last("test") else {
        let says = "Exactly that. One last time the tests, on what is committed.";
        return Turn::one(says, "test", json!({}));
    };
    if !tests.is_ok() {
        return Turn::give_up("The tests fail on what is committed.");
    }
    if let Some(failed) = last("done").filter(|one| !one.is_ok()) {
        return Turn::give_up(format!("The work can't be handed over: {}", failed.head));
    }
    let passed = code::passed(&tests.text);
    let summary = format!(
        "The branch differs from the base in {}:{} alone, `{}`; all {passed} tests pass on it.",
        report.path, report.line, report.fix
    );
    let arguments: Value = json!({"summary": summary});
    Turn::one("Everything is in order.", "done", arguments)
}

/// Whether a diff is the approved change and no more.
fn is_only_the_fix(diff: &Taken, report: &Report) -> bool {
    let (removed, added) = code::changes(&diff.text);
    diff.is_ok() && removed == [report.mistake.as_str()] && added == [report.fix.as_str()]
}
