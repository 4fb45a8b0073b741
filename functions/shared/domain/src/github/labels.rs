//! What the labels of an issue say about its bead.

use serde::{Deserialize, Serialize};

use super::{GithubSettings, LabelMeaning};
use crate::{bead::Priority, role::Role};

/// What a bead is by the labels of its issue. What no label says is absent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meaning {
    /// The bead's type.
    pub kind: Option<String>,
    /// Its priority.
    pub priority: Option<Priority>,
    /// The canonical name of the role that it asks for.
    pub role: Option<String>,
}

/// What labels are taken to mean where the project says nothing: the usual names, without a prefix such as `type:`.
const KINDS: &[(&str, &[&str])] = &[
    ("bug", &["bug", "defect", "regression", "crash"]),
    ("feature", &["enhancement", "feature", "feature-request"]),
    ("ui", &["ui", "ux", "design", "frontend"]),
    ("docs", &["documentation", "docs"]),
    ("question", &["question"]),
    ("task", &["task", "chore"]),
];
const PRIORITIES: &[(i64, &[&str])] = &[
    (0, &["critical", "urgent", "blocker", "highest"]),
    (1, &["high", "important"]),
    (2, &["medium", "normal"]),
    (3, &["low", "lowest", "trivial"]),
];
/// Words that are a priority by themselves; `high` and the like are one only after `priority`.
const ALONE: &[&str] = &["critical", "urgent", "blocker"];

/// What the labels say together: of several that speak about the same, the project's own mapping goes first, then the
/// most urgent priority, and else the first label.
pub(super) fn meaning(labels: &[String], settings: &GithubSettings) -> Meaning {
    let mut own = Meaning::default();
    let mut usual = Meaning::default();
    for label in labels {
        let label = label.trim().to_lowercase();
        match settings.labels.get(&label) {
            Some(meaning) => merge(&mut own, of_project(meaning)),
            None => merge(&mut usual, by_itself(&label)),
        }
    }
    Meaning {
        kind: own.kind.or(usual.kind),
        priority: own.priority.or(usual.priority),
        role: own.role.or(usual.role),
    }
}

fn merge(into: &mut Meaning, other: Meaning) {
    into.kind = into.kind.take().or(other.kind);
    into.role = into.role.take().or(other.role);
    into.priority = match (into.priority, other.priority) {
        (Some(one), Some(two)) => Some(one.min(two)),
        (one, two) => one.or(two),
    };
}

fn of_project(meaning: &LabelMeaning) -> Meaning {
    Meaning {
        kind: meaning.kind.clone().filter(|kind| is_kind(kind)),
        priority: meaning.priority,
        role: meaning.role.as_deref().and_then(role),
    }
}

/// Whether a bead may have this type: a settings file may say anything.
fn is_kind(kind: &str) -> bool {
    (1..=40).contains(&kind.len())
        && kind
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_')
}

fn role(name: &str) -> Option<String> {
    Role::parse(name).ok().map(|role| role.as_str().to_owned())
}

/// What a label in lower case says by itself: `bug`, `type: bug`, `kind/bug`, `P1`, `priority: high`, `role:qa`.
fn by_itself(label: &str) -> Meaning {
    let (key, value) = match label.split_once([':', '/', '=']) {
        Some((key, value)) => (key.trim(), value.trim()),
        None => ("", label),
    };
    let word = value.replace([' ', '_'], "-");
    let kind = || {
        KINDS
            .iter()
            .find(|(_, words)| words.contains(&word.as_str()))
            .map(|(kind, _)| (*kind).to_owned())
    };
    let priority = || {
        Priority::parse(&word).or_else(|| {
            PRIORITIES
                .iter()
                .find(|(_, words)| words.contains(&word.as_str()))
                .and_then(|(number, _)| Priority::new(*number))
        })
    };
    let mut meaning = Meaning::default();
    match key {
        "" => {
            meaning.kind = kind();
            if ALONE.contains(&word.as_str()) || Priority::parse(&word).is_some() {
                meaning.priority = priority();
            }
        }
        "priority" | "prio" | "severity" => meaning.priority = priority(),
        "type" | "kind" | "area" => meaning.kind = kind(),
        "role" | "persona" => meaning.role = role(value),
        _ => {}
    }
    meaning
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(labels: &[&str]) -> Meaning {
        let labels: Vec<String> = labels.iter().map(|label| (*label).to_owned()).collect();
        meaning(&labels, &GithubSettings::default())
    }

    fn is(kind: Option<&str>, priority: Option<i64>, role: Option<&str>) -> Meaning {
        Meaning {
            kind: kind.map(str::to_owned),
            priority: priority.and_then(Priority::new),
            role: role.map(str::to_owned),
        }
    }

    #[test]
    fn the_usual_labels() {
        for (labels, expected) in [
            (&["bug"][..], is(Some("bug"), None, None)),
            (&["Enhancement"], is(Some("feature"), None, None)),
            (&["UI"], is(Some("ui"), None, None)),
            (&["design"], is(Some("ui"), None, None)),
            (&["type: bug"], is(Some("bug"), None, None)),
            (&["kind/feature"], is(Some("feature"), None, None)),
            (&["P0"], is(None, Some(0), None)),
            (&["priority: P1"], is(None, Some(1), None)),
            (&["priority:high"], is(None, Some(1), None)),
            (&["Priority: Low"], is(None, Some(3), None)),
            (&["severity/critical"], is(None, Some(0), None)),
            (&["urgent"], is(None, Some(0), None)),
            (&["high"], is(None, None, None)),
            (&["role:qa"], is(None, None, Some("qa-engineer"))),
            (&["role: nobody knows"], is(None, None, None)),
            (&["bug", "P2", "p1"], is(Some("bug"), Some(1), None)),
            (&["feature", "bug"], is(Some("feature"), None, None)),
            (&["good first issue", "", ":", "/"], Meaning::default()),
        ] {
            assert_eq!(of(labels), expected, "{labels:?}");
        }
    }

    #[test]
    fn what_the_project_says_goes_first() {
        let settings: GithubSettings = serde_json::from_str(
            r#"{"labels":{"bug":{"type":"incident","priority":"P1"},"ops":{"role":"devops engineer"},"odd":{"type":"Not One"}}}"#,
        )
        .unwrap();
        let labels = ["P0", "feature", "Bug", "ops", "odd"].map(str::to_owned);
        assert_eq!(
            meaning(&labels, &settings),
            is(Some("incident"), Some(1), Some("devops-engineer"))
        );
    }
}
