//! What an event says to people: what happened, to what, and who must do what.

use serde_json::Value;

use super::{Style, reply::session_key};
use crate::{
    bead::Priority,
    decision::Assignee,
    event::{Event, EventKind},
    time::Timestamp,
};

/// The bead of an event, as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AboutBead {
    /// Its title.
    pub title: String,
    /// How urgent it is.
    pub priority: Option<Priority>,
    /// Whether the decision-maker works on it for a decision.
    pub is_decider: bool,
}

/// The decision of an event, as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AboutDecision {
    /// What is asked.
    pub question: String,
    /// Its own answers.
    pub options: Vec<String>,
    /// Who is to answer.
    pub assignee: Assignee,
    /// When the answer is due.
    pub deadline_at: Timestamp,
}

/// An event with what one must know to tell of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Occurrence {
    /// What happened.
    pub event: Event,
    /// The bead that it concerns, if it is still there.
    pub bead: Option<AboutBead>,
    /// The decision that it concerns, if it is still there.
    pub decision: Option<AboutDecision>,
    /// The name of the project that it concerns.
    pub project: Option<String>,
}

/// A piece of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Loom's own words.
    Ours(String),
    /// What somebody else wrote.
    Theirs(String),
}

/// A message before it has the form of the other side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// One after the other.
    pub lines: Vec<Vec<Part>>,
    /// Where Loom shows more: a path, which begins with `/`.
    pub path: String,
    /// How urgent it is.
    pub priority: Option<Priority>,
    /// What a reply to it answers.
    pub session_key: String,
}

impl Notice {
    /// The text in one style, with a link to Loom at the end, within the style's limit.
    pub fn text(&self, style: Style, loom_url: &str) -> String {
        let link = style.link(&format!("{}{}", loom_url.trim_end_matches('/'), self.path));
        let mut text = String::new();
        for longest in [600, 300, 150, 60, 30] {
            text = self.compose(style, longest, &link);
            if text.encode_utf16().count() <= style.limit() {
                return text;
            }
        }
        // Only a very long address of Loom's own leads here.
        text.chars().take(style.limit() / 2).collect()
    }

    fn compose(&self, style: Style, longest: usize, link: &str) -> String {
        let mut text = String::new();
        for line in &self.lines {
            for part in line {
                match part {
                    Part::Ours(words) => text.push_str(&style.ours(words)),
                    Part::Theirs(words) => text.push_str(&style.theirs(words, longest)),
                }
            }
            text.push('\n');
        }
        text.push_str(link);
        text
    }
}

/// What is sent to see whether a connector works.
pub fn test_notice(connector: &str) -> Notice {
    Notice {
        lines: vec![
            vec![
                ours("Loom can reach you: this is a test of the connector "),
                theirs(connector),
                ours("."),
            ],
            vec![ours("To do: nothing.")],
        ],
        path: "/connectors".to_owned(),
        priority: None,
        session_key: session_key(None, None, None),
    }
}

pub(super) fn ours(text: impl Into<String>) -> Part {
    Part::Ours(text.into())
}

pub(super) fn theirs(text: impl Into<String>) -> Part {
    Part::Theirs(text.into())
}

impl Occurrence {
    /// How urgent it is: what the event says, else its bead's priority.
    pub fn priority(&self) -> Option<Priority> {
        Priority::parse(self.fact("priority"))
            .or_else(|| self.bead.as_ref().and_then(|bead| bead.priority))
    }

    pub(super) fn fact(&self, name: &str) -> &str {
        self.event
            .data
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    fn decision_id(&self) -> Option<&str> {
        Some(self.fact("decision_id")).filter(|id| !id.is_empty())
    }

    /// What to tell people.
    pub fn notice(&self) -> Notice {
        let kind = EventKind::ALL
            .iter()
            .find(|kind| kind.as_str() == self.event.kind);
        let (headline, mut more) = match kind {
            Some(EventKind::DecisionCreated) => self.asked(),
            Some(EventKind::DecisionEscalated) => self.escalated(),
            Some(EventKind::DecisionDecided) => self.decided(),
            Some(EventKind::DecisionExpired) => self.expired(),
            Some(EventKind::BeadCompleted) => self.closed(),
            Some(EventKind::BeadStatusChanged) => self.bead_changed(),
            Some(EventKind::RunEnded) => self.run_ended(),
            Some(EventKind::ProviderUpdated) => self.provider(),
            Some(EventKind::ConnectorPaused) => self.paused(),
            _ => (vec![ours(self.event.kind.clone())], Vec::new()),
        };
        let mut first = Vec::new();
        if let Some(priority) = self.priority() {
            first.push(ours(format!("{priority}: ")));
        }
        first.extend(headline);
        let mut lines = vec![first];
        lines.extend(self.subject());
        lines.append(&mut more);
        Notice {
            lines,
            path: self.path(),
            priority: self.priority(),
            session_key: session_key(
                self.decision_id(),
                self.event.bead_id.as_deref(),
                self.event.project_id.as_deref(),
            ),
        }
    }

    /// "Bead bd-1 (Title), project Demo".
    fn subject(&self) -> Option<Vec<Part>> {
        let mut line = Vec::new();
        if let Some(id) = &self.event.bead_id {
            line.extend([ours("Bead "), theirs(id.clone())]);
            if let Some(bead) = &self.bead {
                line.extend([ours(" ("), theirs(bead.title.clone()), ours(")")]);
            }
        }
        if let Some(project) = &self.project {
            line.push(ours(if line.is_empty() {
                "Project "
            } else {
                ", project "
            }));
            line.push(theirs(project.clone()));
        }
        (!line.is_empty()).then_some(line)
    }

    fn path(&self) -> String {
        let (folder, id) = match (
            self.decision_id(),
            &self.event.bead_id,
            &self.event.project_id,
        ) {
            (Some(id), ..) => ("decisions", id),
            (None, Some(id), _) => ("beads", id.as_str()),
            (None, None, Some(id)) => ("projects", id.as_str()),
            (None, None, None) => ("events", ""),
        };
        let id: String = id
            .bytes()
            .map(|byte| match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => {
                    char::from(byte).to_string()
                }
                other => format!("%{other:02X}"),
            })
            .collect();
        format!("/{folder}/{id}").trim_end_matches('/').to_owned()
    }
}

#[cfg(test)]
#[path = "notice_tests.rs"]
pub(super) mod tests;
