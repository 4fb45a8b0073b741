//! Events of issues.

use serde_json::{Map, Value, json};

use super::super::{
    labels, payload,
    payload::{name, needed, number, text, time},
    sender::Sender,
    table::Does,
};
use super::{Announcement, Ignored, Intent, Issue, IssueState, Known, started_by};
use crate::event::EventKind;

/// What a delivery of the event `issues` asks for.
pub(super) fn changed(
    action: &str,
    does: Does,
    payload: &Value,
    known: Known<'_>,
    sender: Sender,
    intents: &mut Vec<Intent>,
) -> Result<(), Ignored> {
    // Loom knows what it did itself, and an issue that a bot opens is not looked at.
    let is_new = does == Does::FileIssue;
    if sender == Sender::Own || (sender == Sender::Bot && is_new) {
        return Err(started_by(payload, sender));
    }
    let state = state(action, payload, known)?;
    let settings = known.settings;
    let has_label = match &settings.issue_label {
        None => is_new,
        Some(wanted) => state
            .labels
            .iter()
            .any(|label| label.eq_ignore_ascii_case(wanted)),
    };
    if action == "opened" && sender == Sender::Person {
        intents.push(opened(&state));
    }
    intents.push(Intent::Issue(Issue {
        wants_bead: settings.file_issues && has_label && sender == Sender::Person,
        opens: action == "reopened",
        sender,
        by: name(payload, "/sender/login").unwrap_or_default(),
        state,
    }));
    Ok(())
}

/// The issue as the payload shows it; `action` is that of the event `issues`, or empty.
pub(super) fn state(
    action: &str,
    payload: &Value,
    known: Known<'_>,
) -> Result<IssueState, Ignored> {
    let number = needed(number(payload, "/issue/number"), "/issue/number")?;
    let updated_at = needed(time(payload, "/issue/updated_at"), "/issue/updated_at")?;
    let url = payload::url(payload, "/issue/html_url");
    let labels = payload::labels(payload, "/issue/labels");
    let is_gone = matches!(action, "deleted" | "transferred");
    let is_open = !is_gone && text(payload, "/issue/state").unwrap_or("open") != "closed";
    let by = name(payload, "/sender/login").unwrap_or_else(|| "somebody".to_owned());
    let close_reason = match action {
        "deleted" => Some(format!("Issue #{number} was deleted by {by}.")),
        "transferred" => Some(format!(
            "Issue #{number} was transferred by {by} to another repository{}.",
            name(payload, "/changes/new_repository/full_name")
                .map(|name| format!(", {name}"))
                .unwrap_or_default()
        )),
        _ if is_open => None,
        _ => Some(closed(payload, number, action, &by)),
    };
    Ok(IssueState {
        number,
        title: payload::title(text(payload, "/issue/title"), &format!("Issue #{number}")),
        body: payload::body(payload, "/issue/body", &url),
        author: name(payload, "/issue/user/login").unwrap_or_else(|| "ghost".to_owned()),
        url,
        meaning: labels::meaning(&labels, known.settings),
        labels,
        is_open,
        close_reason,
        updated_at,
        rank: rank(action),
    })
}

fn closed(payload: &Value, number: i64, action: &str, by: &str) -> String {
    let how = match text(payload, "/issue/state_reason") {
        Some("not_planned") => " as not planned",
        Some("duplicate") => " as a duplicate",
        Some("completed") => " as completed",
        _ => "",
    };
    if action == "closed" {
        format!("Issue #{number} was closed{how} by {by}.")
    } else {
        format!("Issue #{number} was closed{how}.")
    }
}

/// GitHub's times are to the second. Of what happened within one, an issue ends as what it is likelier to end as.
fn rank(action: &str) -> i64 {
    match action {
        "opened" => 0,
        "closed" => 2,
        "reopened" => 3,
        "deleted" | "transferred" => 4,
        _ => 1,
    }
}

fn opened(state: &IssueState) -> Intent {
    let mut data = Map::new();
    data.insert("issue_number".to_owned(), state.number.into());
    data.insert("issue_title".to_owned(), state.title.clone().into());
    data.insert("issue_url".to_owned(), state.url.clone().into());
    data.insert("author".to_owned(), state.author.clone().into());
    data.insert("labels".to_owned(), json!(state.labels));
    Intent::Announce(Announcement {
        kind: EventKind::GithubIssueOpened,
        data,
        once: Some(format!("issue_opened:{}", state.number)),
    })
}
