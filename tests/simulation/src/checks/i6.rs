use std::collections::BTreeMap;

use serde_json::Value;

use super::ensure;
use crate::evidence::{Event, Evidence};

/// I6: the numbers of events have no gap.
pub(crate) fn i6_events_are_dense(evidence: &Evidence) -> Result<(), String> {
    for (expected, event) in (1..).zip(&evidence.events) {
        ensure(event.sequence == expected, || {
            format!(
                "event {expected} is missing; the next is {}",
                event.sequence
            )
        })?;
    }
    Ok(())
}

/// The statuses of a run that has not ended.
const LIVE: [&str; 3] = ["queued", "running", "waiting"];

/// What the events alone say.
#[derive(Default)]
struct Replayed<'a> {
    beads: BTreeMap<&'a str, String>,
    runs: BTreeMap<&'a str, String>,
    agents: BTreeMap<&'a str, String>,
    steps: BTreeMap<(&'a str, i64), &'static str>,
    actions: BTreeMap<(&'a str, i64, i64), String>,
    decisions: BTreeMap<String, &'static str>,
}

impl<'a> Replayed<'a> {
    fn apply(&mut self, event: &'a Event) -> Result<(), String> {
        let word = |name: &str| text(&event.data, name);
        let number = |name: &str| event.data[name].as_i64().unwrap_or_default();
        let bead = event.bead.as_deref().unwrap_or_default();
        let run = event.run.as_deref().unwrap_or_default();
        let agent = event.agent.as_deref().unwrap_or_default();
        let follows = |from: Option<&String>, to: &str, was: String| {
            ensure(from == Some(&was), || {
                format!(
                    "event {} ({}) goes from {was} to {to}, but the events before it lead to {from:?}",
                    event.sequence, event.kind
                )
            })
        };
        match event.kind.as_str() {
            "bead.created" => drop(self.beads.insert(bead, "open".to_owned())),
            "bead.status_change" => {
                follows(self.beads.get(bead), &word("status"), word("old_status"))?;
                self.beads.insert(bead, word("status"));
            }
            "run.created" => drop(self.runs.insert(run, "queued".to_owned())),
            "run.status_change" => {
                follows(self.runs.get(run), &word("status"), word("old_status"))?;
                self.runs.insert(run, word("status"));
            }
            "run.requeued" | "run.ended" => {
                let before = self.runs.insert(run, word("status"));
                let lives = before
                    .as_deref()
                    .is_some_and(|status| LIVE.contains(&status));
                ensure(lives, || {
                    format!(
                        "event {} ({}) is about a run that is {before:?}",
                        event.sequence, event.kind
                    )
                })?;
            }
            "agent.spawned" => drop(self.agents.insert(agent, "idle".to_owned())),
            "agent.status_change" => {
                follows(
                    self.agents.get(agent),
                    &word("new_status"),
                    word("old_status"),
                )?;
                self.agents.insert(agent, word("new_status"));
            }
            "step.started" => drop(self.steps.insert((run, number("step")), "calling")),
            "step.replied" => drop(self.steps.insert((run, number("step")), "replied")),
            "step.ended" => drop(self.steps.insert((run, number("step")), "ended")),
            "action.performed" => {
                let place = (run, number("step"), number("position"));
                let before = self.actions.insert(place, word("status"));
                ensure(before.is_none(), || {
                    format!(
                        "event {} tells of an action for the second time",
                        event.sequence
                    )
                })?;
            }
            "decision.created" => drop(self.decisions.insert(word("decision_id"), "open")),
            "decision.decided" | "decision.expired" => {
                self.decisions.insert(word("decision_id"), "decided");
            }
            _ => {}
        }
        Ok(())
    }
}

fn text(data: &Value, name: &str) -> String {
    data[name].as_str().unwrap_or_default().to_owned()
}

/// I6: the events alone lead to the very states that the tables hold.
pub(crate) fn i6_events_tell_every_state(evidence: &Evidence) -> Result<(), String> {
    let mut replayed = Replayed::default();
    for event in &evidence.events {
        replayed.apply(event)?;
    }
    let beads = evidence
        .beads
        .iter()
        .map(|bead| (bead.id.as_str(), bead.status.clone()));
    same("bead", &replayed.beads, beads.collect())?;
    let runs = evidence
        .runs
        .iter()
        .map(|run| (run.id.as_str(), run.status.clone()));
    same("run", &replayed.runs, runs.collect())?;
    let agents = evidence
        .agents
        .iter()
        .map(|(id, status)| (id.as_str(), status.clone()));
    same("agent", &replayed.agents, agents.collect())?;
    let steps = evidence.steps.iter().map(|step| {
        let status = match step.status.as_str() {
            "calling" => "calling",
            "replied" => "replied",
            _ => "ended",
        };
        ((step.run.as_str(), step.number), status)
    });
    same("step", &replayed.steps, steps.collect())?;
    let actions = evidence.actions.iter().map(|action| {
        let place = (action.run.as_str(), action.step, action.position);
        (place, action.status.clone())
    });
    same("action", &replayed.actions, actions.collect())?;
    let decisions = evidence.decisions.iter().map(|decision| {
        let status = if decision.status == "open" {
            "open"
        } else {
            "decided"
        };
        (decision.id.clone(), status)
    });
    same("decision", &replayed.decisions, decisions.collect())
}

fn same<K: Ord + std::fmt::Debug, V: PartialEq + std::fmt::Debug>(
    what: &str,
    replayed: &BTreeMap<K, V>,
    stored: BTreeMap<K, V>,
) -> Result<(), String> {
    for (id, status) in &stored {
        ensure(replayed.get(id) == Some(status), || {
            format!(
                "{what} {id:?} is {status:?}, but the events say {:?}",
                replayed.get(id)
            )
        })?;
    }
    ensure(replayed.len() == stored.len(), || {
        format!(
            "the events tell of {} {what}s, there are {}",
            replayed.len(),
            stored.len()
        )
    })
}
