//! The scripted model of the demo. It is no language model and says so; but it is not a list of fixed answers either:
//! it reads at which node of the bug workflow the work is, what the stages before wrote, and what its actions brought.
//! It runs the tests, goes to where one failed, follows the calls from the test into the code, and recognises the line
//! that it knows to be wrong once it has read it. Whoever comes after that has only the comment to go by, and looks for
//! himself.
//!
//! Each answer depends on the conversation alone, so that a turn that is asked for again is answered the same.

mod code;
mod conversation;
mod fix;
mod investigate;
mod node;
mod report;
mod review;
#[cfg(test)]
mod tests;

use conversation::{Taken, taken};
use loom_tokenhub_double::{Answer, ChatRequestSeen};
use serde_json::{Value, json};

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
    match node::of(brief) {
        Some("investigate") => investigate::turn(taken, brief, knowledge),
        Some("pm_review") => review::turn(taken, brief),
        Some("apply_fix") => fix::apply(taken, brief, knowledge),
        Some("commit_and_push") => fix::hand_over(taken, brief),
        _ => {
            let question = "I only know the stages of the bug workflow. Who does this one?";
            Turn::one(question, "escalate", json!({"question": question}))
        }
    }
}
