//! Comments of people.

use serde_json::{Map, Value};

use super::super::{
    commands, payload,
    payload::{cut, name, needed, number, text},
    sender::{MARKER, Sender},
};
use super::{
    Announcement, Comment, CommentSource, Ignored, Intent, Issue, Known, issues, pull_requests,
};
use crate::event::EventKind;

/// The longest comment that goes to a bead's conversation, in bytes: GitHub allows 65,536 characters, and a prompt has
/// no room for that.
const LIMIT: usize = 16 * 1024;
/// How much of a comment is in the event, in characters.
const SHOWN: usize = 500;

/// What a delivery of `issue_comment` or `pull_request_review_comment` asks for.
pub(super) fn created(
    event: &str,
    payload: &Value,
    known: Known<'_>,
    intents: &mut Vec<Intent>,
) -> Result<(), Ignored> {
    let said = text(payload, "/comment/body").unwrap_or_default();
    refuse_marked(said)?;
    let id = needed(number(payload, "/comment/id"), "/comment/id")?;
    let author = needed(name(payload, "/comment/user/login"), "/comment/user/login")?;
    let url = payload::url(payload, "/comment/html_url");
    let is_line = event == "pull_request_review_comment";
    let number = if is_line {
        let state = pull_requests::state("", payload, known)?;
        let number = state.number;
        intents.push(pull_requests::noted(state, payload));
        number
    } else {
        needed(number(payload, "/issue/number"), "/issue/number")?
    };
    let on_pull_request = is_line || payload.pointer("/issue/pull_request").is_some();
    if !on_pull_request {
        // The issue itself comes with each of its comments: so an event that was lost is made up for.
        intents.push(Intent::Issue(Issue {
            state: issues::state("", payload, known)?,
            wants_bead: false,
            opens: false,
            sender: Sender::Person,
            by: author.clone(),
        }));
    }
    let source = if is_line {
        CommentSource::Line
    } else {
        CommentSource::Issue
    };
    let text = if commands::is_only_commands(said) {
        String::new()
    } else {
        format!("{}{}", place(payload), cut(said, LIMIT, &url))
    };
    intents.push(announced(source, number, id, &author, &url, said));
    intents.push(Intent::Comment(Comment {
        number,
        on_pull_request,
        source,
        id,
        author,
        text,
        url,
        commands: commands::parse(said),
    }));
    Ok(())
}

/// Refuses what Loom wrote itself, under whatever login.
pub(super) fn refuse_marked(said: &str) -> Result<(), Ignored> {
    if said.contains(MARKER) {
        return Err(Ignored {
            code: "marked_comment",
            why: "The comment carries Loom's own hidden mark, so it starts nothing.".to_owned(),
        });
    }
    Ok(())
}

/// The words of a review, cut as comments are.
pub(super) fn words(said: &str, url: &str) -> String {
    cut(said, LIMIT, url).trim().to_owned()
}

/// Where in the files a comment is.
fn place(payload: &Value) -> String {
    let Some(path) = name(payload, "/comment/path") else {
        return String::new();
    };
    let line =
        number(payload, "/comment/line").or_else(|| number(payload, "/comment/original_line"));
    match line {
        Some(line) => format!("On {path}, line {line}:\n"),
        None => format!("On {path}:\n"),
    }
}

fn announced(
    source: CommentSource,
    number: i64,
    id: i64,
    author: &str,
    url: &str,
    said: &str,
) -> Intent {
    let mut shown: String = said.chars().take(SHOWN).collect();
    if said.chars().count() > SHOWN {
        shown = said.chars().take(SHOWN - 3).collect();
        shown.push_str("...");
    }
    let mut data = Map::new();
    data.insert("comment_id".to_owned(), id.into());
    data.insert("comment_body".to_owned(), shown.into());
    data.insert("comment_url".to_owned(), url.into());
    data.insert("author".to_owned(), author.into());
    data.insert("issue_number".to_owned(), number.into());
    Intent::Announce(Announcement {
        kind: EventKind::GithubCommentAdded,
        data,
        once: Some(format!("comment:{}:{id}", source.as_str())),
    })
}
