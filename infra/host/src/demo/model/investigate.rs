//! The stage `investigate`: from the failing test along the calls to the line that is wrong. Nothing is changed.

use super::code::{self, Panic};
use super::conversation::Taken;
use super::report::Report;
use super::{Knowledge, Turn};
use serde_json::json;

/// How much of a file is read after the line that a search found.
const LINES_OF_A_FUNCTION: usize = 40;
/// How much of a file is read around the line where a test failed.
const LINES_AROUND_A_FAILURE: usize = 8;
/// How many functions it looks into before it gives up.
const MOST_FUNCTIONS: usize = 6;
/// How many commits it looks at.
const COMMITS: u32 = 5;

pub(super) fn turn(taken: &[Taken], brief: &str, knowledge: &Knowledge) -> Turn {
    let Some(tests) = taken.iter().rfind(|one| one.action == "test") else {
        let says = "I want to see it fail first, so I run the project's tests.";
        return Turn::one(says, "test", json!({}));
    };
    if tests.is_ok() {
        return Turn::give_up("All tests pass, so I can't see the bug.");
    }
    let failures = code::panics(&tests.text);
    let Some(failure) = failures
        .iter()
        .find(|panic| brief.contains(panic.short_name()))
        .or(failures.first())
    else {
        return Turn::give_up("The tests fail, but none of them says where.");
    };
    let cause = taken
        .iter()
        .filter(|one| one.action == "read_file" && one.is_ok())
        .find_map(|read| Some((read, read.line_of(knowledge.mistake)?)));
    if let Some((read, line)) = cause {
        let report = Report {
            path: read.argument("path").to_owned(),
            line,
            mistake: knowledge.mistake.to_owned(),
            fix: knowledge.fix.to_owned(),
            test: failure.short_name().to_owned(),
        };
        return conclude(taken, failure, &report, knowledge);
    }
    let Some(test) = taken.iter().find(|one| one.has_read(failure)) else {
        return read_the_test(failure, failures.len());
    };
    follow(taken, failure, test)
}

fn read_the_test(failure: &Panic, failing: usize) -> Turn {
    let says = format!(
        "{failing} failed. {} is the one from the report; it fails at {}:{}.",
        failure.test, failure.path, failure.line
    );
    let arguments = json!({
        "path": failure.path,
        "first_line": failure.line.saturating_sub(LINES_AROUND_A_FAILURE).max(1),
        "last_line": failure.line + LINES_AROUND_A_FAILURE / 2,
    });
    Turn::one(says, "read_file", arguments)
}

/// Reads what the last search found, or searches for the next function that was called and not looked at.
fn follow(taken: &[Taken], failure: &Panic, test: &Taken) -> Turn {
    let searches: Vec<&Taken> = taken.iter().filter(|one| one.action == "search").collect();
    if let Some(found) = searches
        .last()
        .and_then(|search| code::first_match(&search.text))
        && !taken.iter().any(|one| one.begins_at(&found))
    {
        let says = format!("It is defined in {} at line {}.", found.path, found.line);
        let arguments = json!({
            "path": found.path,
            "first_line": found.line,
            "last_line": found.line + LINES_OF_A_FUNCTION,
        });
        return Turn::one(says, "read_file", arguments);
    }
    let asserted = test.lines_from(failure.line);
    let called = code::calls(&asserted).into_iter().chain(
        taken
            .iter()
            .filter(|one| one.action == "read_file" && !std::ptr::eq(*one, test))
            .flat_map(|one| code::calls(code::first_function(&one.text))),
    );
    let next = called
        .map(|name| (name, code::definition(name)))
        .find(|(_, query)| {
            searches
                .iter()
                .all(|search| search.argument("query") != query)
        });
    match next {
        Some((name, query)) if searches.len() < MOST_FUNCTIONS => {
            let says = format!("It calls {name}. Where is that?");
            Turn::one(says, "search", json!({"query": query, "regex": true}))
        }
        _ => {
            Turn::give_up("I followed the calls from the failing test and did not find the cause.")
        }
    }
}

/// Once the cause is read: since when it is so, and then the comment for the next stages.
fn conclude(taken: &[Taken], failure: &Panic, report: &Report, knowledge: &Knowledge) -> Turn {
    let last = |action: &str| taken.iter().rfind(|one| one.action == action);
    let Some(log) = last("git_log") else {
        let says = format!("{} Since when is it so?", knowledge.because);
        return Turn::one(says, "git_log", json!({"limit": COMMITS}));
    };
    for action in ["comment", "done"] {
        if let Some(failed) = last(action).filter(|one| !one.is_ok()) {
            return Turn::give_up(format!("{action} did not succeed: {}", failed.head));
        }
    }
    let followed: Vec<&str> = taken
        .iter()
        .filter(|one| one.action == "search" && code::first_match(&one.text).is_some())
        .filter_map(|one| code::defined(one.argument("query")))
        .collect();
    let mut evidence = format!(
        "Evidence: {} fails at {}:{}",
        failure.test, failure.path, failure.line
    );
    if !followed.is_empty() {
        evidence.push_str(&format!("; from there by {}", followed.join(", ")));
    }
    evidence.push('.');
    let suspect = log.text.lines().find(|commit| {
        followed
            .last()
            .is_some_and(|function| commit.contains(function))
    });
    if let Some(commit) = suspect {
        evidence.push_str(&format!("\nSince: {commit}"));
    }
    let summary = format!(
        "{}:{} is `{}` and has to be `{}`. {}",
        report.path, report.line, report.mistake, report.fix, knowledge.because
    );
    let comment = report.comment(knowledge.because, &evidence);
    Turn {
        says: "Cause and remedy go into a comment, for those who come after me.".to_owned(),
        calls: vec![
            ("comment", json!({"body": comment})),
            ("done", json!({"summary": summary})),
        ],
    }
}
