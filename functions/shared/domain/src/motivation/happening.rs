use serde_json::Value;

use super::{ACTOR, Condition, Motivation, Occurrence};
use crate::time::Timestamp;

/// The longest summary of an occurrence, in characters.
const SUMMARY_LIMIT: usize = 300;

/// An event, with what the conditions ask about its bead.
#[derive(Debug, Clone, PartialEq)]
pub struct Happening {
    /// Its place in the event log.
    pub sequence: i64,
    /// Its kind, as in the log.
    pub kind: String,
    /// Who caused it.
    pub actor: String,
    /// Its project.
    pub project_id: Option<String>,
    /// Its bead.
    pub bead_id: Option<String>,
    /// The bead's title.
    pub bead_title: Option<String>,
    /// The bead's type.
    pub bead_kind: Option<String>,
    /// The bead's labels.
    pub bead_tags: Vec<String>,
    /// Whether Loom filed the bead itself.
    pub is_system_filed: bool,
    /// Its further facts.
    pub data: Value,
    /// When it was recorded.
    pub at: Timestamp,
}

/// What an event is to a motivation, if it is anything.
///
/// What motivations did themselves is nothing to any of them, and a motivation that files beads does not look at beads
/// that Loom filed (invariant I9): so none feeds itself, or another.
pub fn occurrence_of(motivation: &Motivation, event: &Happening) -> Option<Occurrence> {
    let kind = motivation.condition.event_kind()?;
    let is_meant = event.kind == kind.as_str()
        && event.project_id.is_some()
        && event.project_id == motivation.project_id
        && event.actor != ACTOR
        && !(event.is_system_filed && motivation.bead_template.is_some())
        && motivation.enabled_at.is_none_or(|since| event.at >= since);
    if !is_meant {
        return None;
    }
    let text = |name: &str| event.data.get(name).and_then(Value::as_str);
    let matches = match &motivation.condition {
        Condition::BeadCreated { bead } | Condition::BeadCompleted { bead } => {
            bead.matches(event.bead_kind.as_deref()?, &event.bead_tags)
        }
        Condition::BeadStatusChanged { status, bead } => {
            status.is_none_or(|status| text("status") == Some(status.as_str()))
                && bead.matches(event.bead_kind.as_deref()?, &event.bead_tags)
        }
        Condition::GithubIssueOpened { label: Some(label) } => event
            .data
            .get("labels")
            .and_then(Value::as_array)
            .is_some_and(|labels| labels.iter().any(|one| one.as_str() == Some(label))),
        Condition::WebhookReceived { event: Some(name) } => text("event") == Some(name),
        _ => true,
    };
    matches.then(|| Occurrence {
        key: format!("event:{}", event.sequence),
        summary: summary(&motivation.condition, event),
        bead_id: event.bead_id.clone(),
        at: event.at,
    })
}

fn summary(condition: &Condition, event: &Happening) -> String {
    let value = |name: &str| match event.data.get(name) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Null) | None => String::new(),
        Some(other) => other.to_string(),
    };
    let bead = || {
        let id = event.bead_id.as_deref().unwrap_or("a bead");
        match &event.bead_title {
            Some(title) => format!("{id} ({title})"),
            None => id.to_owned(),
        }
    };
    let text = match condition {
        Condition::BeadCreated { .. } => format!("{} was filed", bead()),
        Condition::BeadStatusChanged { .. } => format!("{} became {}", bead(), value("status")),
        Condition::BeadCompleted { .. } => format!("{} was closed", bead()),
        Condition::DecisionResolved {} => {
            format!(
                "decision {} was answered with {}",
                value("decision_id"),
                value("decision")
            )
        }
        Condition::ReleasePublished {} => format!(
            "release {} {} {}",
            value("release_tag"),
            value("release_name"),
            value("release_url")
        ),
        Condition::GithubIssueOpened { .. } => format!(
            "issue #{} {} {}",
            value("issue_number"),
            value("issue_title"),
            value("issue_url")
        ),
        Condition::GithubPrOpened {} => format!(
            "pull request #{} {} {}",
            value("pr_number"),
            value("pr_title"),
            value("pr_url")
        ),
        Condition::GithubCommentAdded {} => format!(
            "a comment of {} on #{} {}",
            value("author"),
            value("issue_number"),
            value("comment_url")
        ),
        _ => format!("{} {}", event.kind, value("event")),
    };
    one_line(&text)
}

/// The text as one line of bounded length: parts of it were written by strangers.
pub(super) fn one_line(text: &str) -> String {
    let words: Vec<&str> = text
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
        .collect();
    let line = words.join(" ");
    if line.chars().count() <= SUMMARY_LIMIT {
        return line;
    }
    let mut cut: String = line.chars().take(SUMMARY_LIMIT - 1).collect();
    cut.push('…');
    cut
}
