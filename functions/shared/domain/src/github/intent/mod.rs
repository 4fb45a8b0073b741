//! What a delivery of GitHub's asks of Loom: read from its payload, which strangers wrote and which may lack anything.

mod checks;
mod comments;
mod issues;
mod pull_requests;
mod repository;
mod types;

#[cfg(test)]
mod tests;

use serde_json::{Map, Value};

pub use repository::repositories;
pub use types::{
    Announcement, Build, ChecksEnded, Comment, CommentSource, Ignored, Intent, Issue, IssueState,
    Need, Permission, PullRequest, PullRequestState, Push, RepositoryChange, Review, ReviewState,
    Verdict,
};

use super::{
    GithubSettings,
    payload::text,
    sender::{self, Sender},
    table::{Does, rule_for},
};
use crate::event::EventKind;

/// What must be known besides a payload to say what it asks for.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// How the project works with GitHub.
    pub settings: &'a GithubSettings,
    /// The login under which Loom acts, if it is known: what it does starts nothing.
    pub own_login: Option<&'a str>,
    /// The project's base branch.
    pub branch: &'a str,
}

/// What a delivery asks for: `event` is its `X-GitHub-Event`, `payload` its body.
///
/// By the [table](super::TABLE). Never panics, whatever the payload holds; what cannot be read is ignored with the code
/// `unreadable_payload` and the name of the field that is missing.
pub fn of(event: &str, payload: &Value, known: Known<'_>) -> Verdict {
    match read(event, payload, known) {
        Ok(intents) => Verdict::Act(intents),
        Err(ignored) => Verdict::Ignore(ignored),
    }
}

fn read(event: &str, payload: &Value, known: Known<'_>) -> Result<Vec<Intent>, Ignored> {
    let action = text(payload, "/action").unwrap_or_default();
    let does = rule_for(event, action).map_or(Does::Record, |rule| rule.does);
    let sender = sender::sender(payload, known.settings, known.own_login);
    let mut intents = Vec::new();
    if sender == Sender::Person {
        intents.push(received(event, action, payload));
    }
    match does {
        // What is followed rather than started, and results that come under the name of whoever pushed.
        Does::EndChecks => checks::ended(event, payload, known, &mut intents)?,
        Does::Push => checks::pushed(payload, known, &mut intents)?,
        Does::Repository => repository::changed(action, payload, &mut intents)?,
        Does::FileIssue | Does::FollowIssue => {
            issues::changed(action, does, payload, known, sender, &mut intents)?;
        }
        Does::ReviewPullRequest | Does::FollowPullRequest => {
            pull_requests::changed(action, does, payload, known, sender, &mut intents)?;
        }
        Does::Converse | Does::Judge | Does::Release | Does::Record if sender != Sender::Person => {
            return Err(started_by(payload, sender));
        }
        Does::Converse => comments::created(event, payload, known, &mut intents)?,
        Does::Judge => pull_requests::judged(payload, known, &mut intents)?,
        Does::Release => repository::released(payload, &mut intents)?,
        Does::Record => {}
    }
    Ok(intents)
}

/// Why nothing is started: invariant I8.
fn started_by(payload: &Value, sender: Sender) -> Ignored {
    let login: String = text(payload, "/sender/login")
        .unwrap_or("nobody")
        .chars()
        .filter(|c| !c.is_control())
        .take(100)
        .collect();
    match sender {
        Sender::Own => Ignored {
            code: "own_action",
            why: format!("{login} is Loom itself, whose own actions start nothing."),
        },
        Sender::Bot | Sender::Person => Ignored {
            code: "bot_action",
            why: format!(
                "{login} is a bot that the project does not list, so it starts nothing. Add it to allowed_bots to change that."
            ),
        },
    }
}

/// That a delivery came, for motivations that wait for any.
fn received(event: &str, action: &str, payload: &Value) -> Intent {
    let short =
        |text: &str| -> String { text.chars().filter(|c| !c.is_control()).take(100).collect() };
    let mut data = Map::new();
    data.insert("event".to_owned(), short(event).into());
    data.insert("action".to_owned(), short(action).into());
    for (name, pointer) in [
        ("repository", "/repository/full_name"),
        ("sender", "/sender/login"),
    ] {
        data.insert(name.to_owned(), text(payload, pointer).map(short).into());
    }
    Intent::Announce(Announcement {
        kind: EventKind::WebhookReceived,
        data,
        once: None,
    })
}
