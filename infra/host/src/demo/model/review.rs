//! The stage `pm_review`: whether the code is what the investigation says, and whether the test that it names exists.

use super::code;
use super::conversation::Taken;
use super::report::Report;
use super::{Turn, node};
use serde_json::json;

/// How much of a file is read on either side of the line that is to be judged.
const LINES_AROUND: usize = 6;

pub(super) fn turn(taken: &[Taken], brief: &str) -> Turn {
    if node::came_to(brief, "investigate") == Some("failure") {
        return reject(
            "The investigation ended without a cause. Follow the calls from the failing test once more.",
        );
    }
    let Some(report) = Report::newest(brief) else {
        return reject(
            "No comment names a cause, a remedy and a test. All three have to be there.",
        );
    };
    let last = |action: &str| taken.iter().rfind(|one| one.action == action);
    let (Some(read), Some(search)) = (last("read_file"), last("search")) else {
        return look(&report);
    };
    if let Some(failed) = last("approve").filter(|one| !one.is_ok()) {
        return reject(format!("It could not be approved: {}", failed.head));
    }
    let Report {
        path,
        line,
        mistake,
        fix,
        test,
    } = &report;
    if read.line_of(mistake) != Some(*line) {
        return reject(format!(
            "{path}:{line} is not `{mistake}`. Name the line that is wrong as it is."
        ));
    }
    let Some(found) = code::first_match(&search.text) else {
        return reject(format!(
            "There is no test {test}. Name one that fails without the remedy."
        ));
    };
    let reason = format!(
        "{path}:{line} is `{mistake}`, as the investigation says, and `{fix}` changes that line alone. {test} \
         ({}:{}) fails without it; it must stay as it is.",
        found.path, found.line
    );
    let says = "The code is what the investigation says, and a test holds the remedy.";
    Turn::one(says, "approve", json!({"reason": reason}))
}

fn look(report: &Report) -> Turn {
    let Report {
        path, line, test, ..
    } = report;
    let read = json!({
        "path": path,
        "first_line": line.saturating_sub(LINES_AROUND).max(1),
        "last_line": line + LINES_AROUND,
    });
    let search = json!({"query": code::definition(test), "regex": true});
    Turn {
        says: format!(
            "The investigation names {path}:{line} and the test {test}. I look at both myself."
        ),
        calls: vec![("read_file", read), ("search", search)],
    }
}

fn reject(reason: impl Into<String>) -> Turn {
    let reason = reason.into();
    let arguments = json!({"reason": reason});
    Turn::one(reason, "reject", arguments)
}
