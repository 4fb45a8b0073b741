//! Which events a connector wants to hear of.

use serde_json::Value;

use super::{Connector, Occurrence};
use crate::event::{Event, EventKind};

/// Words for what people care about and no kind of event says alone, each with the kind of the events that it picks.
const REFINED: [(&str, EventKind); 5] = [
    ("bead.closed", EventKind::BeadCompleted),
    ("bead.blocked", EventKind::BeadStatusChanged),
    ("run.failed", EventKind::RunEnded),
    ("budget.used_up", EventKind::DecisionCreated),
    ("provider.failed", EventKind::ProviderUpdated),
];

/// What a connector hears of unless it says otherwise: questions and their answers, work that is done, stopped or
/// failed, money that is used up, a provider that fails, a connector that was paused.
pub const DEFAULT_EVENTS: [&str; 10] = [
    "decision.created",
    "decision.escalated",
    "decision.decided",
    "decision.expired",
    "bead.closed",
    "bead.blocked",
    "run.failed",
    "budget.used_up",
    "provider.failed",
    "connector.paused",
];

/// Every word that a connector may want: the kinds of event as [`EventKind::as_str`], and `bead.closed` (not those
/// that came closed with an import), `bead.blocked`, `run.failed`, `budget.used_up` (the question whether more may be
/// spent), `provider.failed`.
pub fn words() -> impl Iterator<Item = &'static str> {
    let refined = REFINED.iter().map(|(word, _)| *word);
    EventKind::ALL
        .iter()
        .map(|kind| kind.as_str())
        .chain(refined)
}

/// The kinds of event that the words may pick: for the query that narrows before [`Wanted::wants`] looks closer.
fn kinds(words: &[String]) -> Vec<&'static str> {
    let mut kinds: Vec<&str> = EventKind::ALL
        .iter()
        .map(|kind| kind.as_str())
        .filter(|kind| words.iter().any(|word| word == kind))
        .chain(
            REFINED
                .iter()
                .filter(|(refined, _)| words.iter().any(|word| word == refined))
                .map(|(_, kind)| kind.as_str()),
        )
        .collect();
    kinds.sort_unstable();
    kinds.dedup();
    kinds
}

/// What a connector wants.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a>(pub &'a Connector);

impl Wanted<'_> {
    /// The kinds of event that it may want.
    pub fn kinds(&self) -> Vec<&'static str> {
        kinds(&self.0.events)
    }

    /// Whether it wants to hear of this. An event without a priority passes `min_priority`; a connector of a project
    /// hears of nothing that belongs to no project.
    pub fn wants(&self, occurrence: &Occurrence) -> bool {
        let connector = self.0;
        let event = &occurrence.event;
        let concerns = connector
            .project_id
            .as_ref()
            .is_none_or(|project| event.project_id.as_ref() == Some(project));
        let is_urgent = match (connector.min_priority, occurrence.priority()) {
            (Some(least), Some(priority)) => priority <= least,
            _ => true,
        };
        let is_named = |word: &str| connector.events.iter().any(|wanted| wanted == word);
        // About its own pausing it could not be told anyway, and later it is no news.
        let is_own = event.data.get("connector_id").and_then(Value::as_str) == Some(&connector.id);
        concerns
            && is_urgent
            && !is_own
            && (is_named(&event.kind)
                || REFINED
                    .iter()
                    .any(|(word, _)| is_named(word) && is_refined(word, occurrence)))
            && (!connector.escalations_only || is_escalation(event))
    }
}

fn text<'a>(event: &'a Event, name: &str) -> &'a str {
    event
        .data
        .get(name)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn is_refined(word: &str, occurrence: &Occurrence) -> bool {
    let event = &occurrence.event;
    let is = |kind: EventKind| event.kind == kind.as_str();
    match word {
        "bead.closed" => {
            is(EventKind::BeadCompleted)
                && text(event, "reason") != "imported"
                && !occurrence.bead.as_ref().is_some_and(|bead| bead.is_decider)
        }
        "bead.blocked" => is(EventKind::BeadStatusChanged) && text(event, "status") == "blocked",
        "run.failed" => is(EventKind::RunEnded) && text(event, "status") == "failed",
        "budget.used_up" => {
            is(EventKind::BudgetExceeded)
                || (is(EventKind::DecisionCreated) && text(event, "kind") == "budget_override")
        }
        "provider.failed" => is(EventKind::ProviderUpdated) && text(event, "status") == "failed",
        _ => false,
    }
}

/// Whether a question now waits for a person.
fn is_escalation(event: &Event) -> bool {
    event.kind == EventKind::DecisionEscalated.as_str()
        || (event.kind == EventKind::DecisionCreated.as_str() && text(event, "assignee") == "human")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        bead::Priority,
        connector::{AboutBead, notice::tests::occurrence, tests_support::connector},
    };

    #[test]
    fn default_words_are_known() {
        for word in DEFAULT_EVENTS {
            assert!(words().any(|known| known == word), "{word}");
        }
        assert_eq!(
            kinds(&[
                "run.failed".into(),
                "decision.created".into(),
                "budget.used_up".into()
            ]),
            ["decision.created", "run.ended"]
        );
    }

    #[test]
    fn who_wants_what() {
        let closed = json!({"status": "closed"});
        let blocked = json!({"status": "blocked"});
        for (events, kind, data, expected) in [
            (vec!["bead.blocked"], "bead.status_change", &blocked, true),
            (vec!["bead.blocked"], "bead.status_change", &closed, false),
            (
                vec!["bead.status_change"],
                "bead.status_change",
                &closed,
                true,
            ),
            (
                vec!["bead.closed"],
                "bead.completed",
                &json!({"reason": "done"}),
                true,
            ),
            (
                vec!["bead.closed"],
                "bead.completed",
                &json!({"reason": "imported"}),
                false,
            ),
            (
                vec!["run.failed"],
                "run.ended",
                &json!({"status": "failed"}),
                true,
            ),
            (
                vec!["run.failed"],
                "run.ended",
                &json!({"status": "succeeded"}),
                false,
            ),
            (
                vec!["budget.used_up"],
                "decision.created",
                &json!({"kind": "budget_override"}),
                true,
            ),
            (
                vec!["budget.used_up"],
                "decision.created",
                &json!({"kind": "question"}),
                false,
            ),
            (
                vec!["provider.failed"],
                "provider.updated",
                &json!({"status": "failed"}),
                true,
            ),
            (
                vec!["agent.spawned"],
                "run.ended",
                &json!({"status": "failed"}),
                false,
            ),
            (
                vec!["connector.paused"],
                "connector.paused",
                &json!({"connector_id": "c"}),
                false,
            ),
            (
                vec!["connector.paused"],
                "connector.paused",
                &json!({"connector_id": "d"}),
                true,
            ),
        ] {
            let mut wanting = connector();
            wanting.events = events.iter().map(|&word| word.to_owned()).collect();
            let what = occurrence(kind, data.clone());
            assert_eq!(
                Wanted(&wanting).wants(&what),
                expected,
                "{events:?} {kind} {data}"
            );
        }
    }

    #[test]
    fn projects_priorities_and_escalations_narrow() {
        let mut wanting = connector();
        wanting.events = vec!["decision.created".into(), "bead.completed".into()];
        let asked = |assignee: &str, priority: &str| {
            occurrence(
                "decision.created",
                json!({"assignee": assignee, "priority": priority, "kind": "question"}),
            )
        };
        let done = |priority: i64| {
            let mut done = occurrence("bead.completed", json!({}));
            done.bead = Some(AboutBead {
                title: "T".into(),
                priority: Priority::new(priority),
                is_decider: false,
            });
            done
        };
        wanting.min_priority = Priority::new(1);
        assert!(Wanted(&wanting).wants(&asked("human", "P1")));
        assert!(!Wanted(&wanting).wants(&asked("human", "P2")));
        assert!(Wanted(&wanting).wants(&done(0)) && !Wanted(&wanting).wants(&done(3)));
        wanting.escalations_only = true;
        assert!(Wanted(&wanting).wants(&asked("human", "P0")));
        assert!(!Wanted(&wanting).wants(&asked("decision-maker", "P0")));
        assert!(!Wanted(&wanting).wants(&done(0)));
        wanting.project_id = Some("other".into());
        assert!(!Wanted(&wanting).wants(&asked("human", "P0")));
        let mut of_nobody = asked("human", "P0");
        of_nobody.event.project_id = None;
        assert!(!Wanted(&wanting).wants(&of_nobody));
    }
}
