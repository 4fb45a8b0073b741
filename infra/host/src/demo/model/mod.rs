//! The scripted model of the demo. It is no language model and says so; but it is not a list of fixed answers either:
//! it reads what its actions brought. It runs the tests, goes to where one failed, follows the calls from the test
//! into the code, and changes the line that it knows to be wrong once it has read it.
//!
//! Each answer depends on the conversation alone, so that a turn that is asked for again is answered the same.

mod code;
mod conversation;
#[cfg(test)]
mod tests;

use code::Panic;
use conversation::{Taken, taken};
use loom_tokenhub_double::{Answer, ChatRequestSeen};
use serde_json::{Value, json};

/// How much of a file is read after the line that a search found.
const LINES_OF_A_FUNCTION: usize = 40;
/// How much of a file is read around the line where a test failed.
const LINES_AROUND_A_FAILURE: usize = 8;
/// How many functions it looks into before it gives up.
const MOST_FUNCTIONS: usize = 6;

/// The one thing that the script brings along: which line is wrong, and what belongs there.
pub(super) struct Knowledge {
    /// The wrong code, as it stands in its line without the indentation.
    pub(super) mistake: &'static str,
    /// What belongs there.
    pub(super) fix: &'static str,
    /// Why, in one sentence.
    pub(super) because: &'static str,
    /// The message of the commit.
    pub(super) commit: &'static str,
}

/// The model's answer in this conversation.
pub(super) fn answer(seen: &ChatRequestSeen, knowledge: &Knowledge) -> Answer {
    let turn = decide(&taken(&seen.messages), &seen.user(), knowledge);
    let calls = turn
        .calls
        .into_iter()
        .map(|(name, arguments)| (name.to_owned(), arguments));
    Answer::calls(calls).with_text(turn.says)
}

/// What it says, and what it does.
struct Turn {
    says: String,
    calls: Vec<(&'static str, Value)>,
}

impl Turn {
    fn one(says: impl Into<String>, action: &'static str, arguments: Value) -> Self {
        Self {
            says: says.into(),
            calls: vec![(action, arguments)],
        }
    }

    fn give_up(why: impl Into<String>) -> Self {
        let why = why.into();
        let arguments = json!({"summary": why, "outcome": "failure"});
        Self::one(why, "done", arguments)
    }
}

fn decide(taken: &[Taken], brief: &str, knowledge: &Knowledge) -> Turn {
    let edited = taken
        .iter()
        .rposition(|one| one.action == "edit_file" && one.is_ok());
    match edited {
        Some(at) => finish(taken.get(at + 1..).unwrap_or_default(), knowledge),
        None => find(taken, brief, knowledge),
    }
}

/// After the change: the tests, a look at it, the commit.
fn finish(since: &[Taken], knowledge: &Knowledge) -> Turn {
    let Some(tests) = since.iter().rfind(|one| one.action == "test") else {
        return Turn::one("The line is changed; now the tests.", "test", json!({}));
    };
    if !tests.is_ok() {
        return Turn::give_up(
            "The tests still fail after the change, and I know of no other cause.",
        );
    }
    let last = |action: &str| since.iter().rfind(|one| one.action == action);
    if last("git_diff").is_none() {
        let says = "All tests pass. One look at everything that I changed before I commit it.";
        return Turn::one(says, "git_diff", json!({}));
    }
    for action in ["git_commit", "done"] {
        if let Some(failed) = last(action).filter(|one| !one.is_ok()) {
            return Turn::give_up(format!("{action} did not succeed: {}", failed.head));
        }
    }
    let passed = code::passed(&tests.text);
    let summary = format!(
        "{} Changed to `{}`; the project's tests pass ({passed} of them).",
        knowledge.because, knowledge.fix
    );
    Turn {
        says: "The change is what I meant it to be, and nothing else.".to_owned(),
        calls: vec![
            ("git_commit", json!({"message": knowledge.commit})),
            ("done", json!({"summary": summary})),
        ],
    }
}

/// Before the change: from the failing test along the calls to the line that is wrong.
fn find(taken: &[Taken], brief: &str, knowledge: &Knowledge) -> Turn {
    let Some(tests) = taken.iter().rfind(|one| one.action == "test") else {
        let says = "I want to see it fail first, so I run the project's tests.";
        return Turn::one(says, "test", json!({}));
    };
    if tests.is_ok() {
        return Turn::give_up("All tests pass before any change, so I can't see the bug.");
    }
    let failures = code::panics(&tests.text);
    let Some(failure) = failures
        .iter()
        .find(|panic| brief.contains(panic.short_name()))
        .or(failures.first())
    else {
        return Turn::give_up("The tests fail, but none of them says where.");
    };
    if taken
        .iter()
        .any(|one| one.action == "edit_file" && !one.is_ok())
    {
        return Turn::give_up("The line that is wrong could not be changed.");
    }
    for read in taken
        .iter()
        .filter(|one| one.action == "read_file" && one.is_ok())
    {
        if let Some(turn) = change(read, knowledge) {
            return turn;
        }
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
        .map(|name| (name, format!("fn {name}[(<]")))
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

/// The change, if what was read holds the mistake. The text to replace is taken from the file as it was read.
fn change(read: &Taken, knowledge: &Knowledge) -> Option<Turn> {
    let mut lines = read.text.lines();
    let wrong = lines.find(|line| line.trim() == knowledge.mistake)?;
    let right = wrong.replace(knowledge.mistake, knowledge.fix);
    // With the line below, the place is certain.
    let below = lines
        .next()
        .map(|line| format!("\n{line}"))
        .unwrap_or_default();
    let arguments = json!({
        "path": read.argument("path"),
        "old_text": format!("{wrong}{below}"),
        "new_text": format!("{right}{below}"),
    });
    Some(Turn::one(knowledge.because, "edit_file", arguments))
}
