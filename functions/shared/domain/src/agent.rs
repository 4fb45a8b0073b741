//! Agents: who works. One run at a time each.

use serde::{Deserialize, Serialize};

use crate::{
    run::RunStatus,
    time::{MINUTE, Timestamp},
};

/// Whether an agent can take work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AgentStatus {
    /// Free.
    Idle,
    /// Working on [`Agent::current_run`].
    Busy,
    /// It cannot work, and gets no work; [`Agent::status_reason`] says why. A person sets it idle again, or it is tried
    /// again by itself [`STUCK_FOR`] later.
    Stuck,
}

impl AgentStatus {
    /// The word in JSON and SQL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Busy => "busy",
            Self::Stuck => "stuck",
        }
    }

    /// The status that [`as_str`](Self::as_str) names.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Idle, Self::Busy, Self::Stuck]
            .into_iter()
            .find(|status| status.as_str() == text)
    }
}

/// An agent.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Agent {
    /// UUIDv7.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Its canonical role.
    pub role: String,
    /// The persona it works as, such as `default/qa-engineer`.
    pub persona: String,
    /// The only project it works for; none = any.
    pub project_id: Option<String>,
    /// The provider it calls; none = the first healthy one.
    pub provider_id: Option<String>,
    /// The model it asks for; none = the provider's.
    pub model: Option<String>,
    /// Whether it can take work.
    pub status: AgentStatus,
    /// Why it is stuck.
    pub status_reason: Option<String>,
    /// The run it works on.
    pub current_run: Option<String>,
    /// The bead it works on.
    pub current_bead: Option<String>,
    /// Grows by one with each change of its settings; the ETag.
    pub version: i64,
    /// When it joined.
    pub created_at: Timestamp,
    /// When it last started or ended a run.
    pub last_active_at: Option<Timestamp>,
}

/// How a run failed when the agent is to blame: its model does not answer in a usable way, goes round in circles or
/// never comes to an end, or nobody can read its persona. What the model's provider, the workspace or the machine did
/// is not among them, and giving up is an answer.
pub const OWN_FAILURES: [&str; 4] = [
    PERSONA_UNUSABLE,
    "parse_failures",
    "inner_loop",
    "step_limit",
];

/// The run could not begin: there is no such persona, or its text is not right.
pub const PERSONA_UNUSABLE: &str = "persona_unusable";

/// After so many of its own failures in a row an agent is stuck. Each is about another bead: a bead with which it
/// fails again and again may be what is wrong, and ends in a question of its own (invariant I10).
pub const MAX_OWN_FAILURES: usize = 3;

/// How long an agent is stuck before it is tried again by itself, in milliseconds.
pub const STUCK_FOR: i64 = 30 * MINUTE;

/// What an agent's last runs say of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Record {
    /// The beads with which it failed by its own doing since it last succeeded, oldest first, each once.
    pub failed_beads: Vec<String>,
    /// It was stuck and is tried again: its next failure of its own makes it stuck at once.
    pub on_trial: bool,
}

/// How a run ended, as far as the agent is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended<'a> {
    /// Its bead.
    pub bead_id: &'a str,
    /// Its last status.
    pub status: RunStatus,
    /// Why it ended, as a code.
    pub code: &'a str,
    /// Why it ended, as a sentence.
    pub message: &'a str,
}

impl Record {
    /// Takes the end of a run in, and says why the agent is stuck from now on, if it is.
    ///
    /// A success clears the record. An end that is not the agent's doing changes nothing.
    pub fn after(&mut self, ended: Ended<'_>) -> Option<String> {
        if ended.status == RunStatus::Succeeded {
            *self = Self::default();
            return None;
        }
        if ended.status != RunStatus::Failed || !OWN_FAILURES.contains(&ended.code) {
            return None;
        }
        if !self.failed_beads.iter().any(|id| id == ended.bead_id) {
            self.failed_beads.push(ended.bead_id.to_owned());
        }
        let last: String = ended.message.chars().take(500).collect();
        if ended.code == PERSONA_UNUSABLE {
            return Some(last);
        }
        let (bead_id, code) = (ended.bead_id, ended.code);
        if self.on_trial {
            return Some(format!(
                "It was stuck and was tried again with {bead_id}, which ended with {code}: {last}"
            ));
        }
        (self.failed_beads.len() >= MAX_OWN_FAILURES).then(|| {
            format!(
                "Its runs failed by its own doing with {} beads in a row ({}); the last ended with {code}: {last}",
                self.failed_beads.len(),
                self.failed_beads.join(", ")
            )
        })
    }

    /// The record of an agent that was stuck for long enough: one more failure of its own makes it stuck again.
    pub fn on_trial(self) -> Self {
        Self {
            on_trial: true,
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn failed<'a>(bead_id: &'a str, code: &'a str) -> Ended<'a> {
        Ended {
            bead_id,
            status: RunStatus::Failed,
            code,
            message: "It went wrong.",
        }
    }

    fn succeeded(bead_id: &str) -> Ended<'_> {
        Ended {
            status: RunStatus::Succeeded,
            ..failed(bead_id, "done")
        }
    }

    #[test]
    fn three_beads_in_a_row_make_an_agent_stuck() {
        let mut record = Record::default();
        assert_eq!(record.after(failed("a", "inner_loop")), None);
        assert_eq!(
            record.after(failed("a", "inner_loop")),
            None,
            "the same bead"
        );
        assert_eq!(
            record.after(failed("a", "parse_failures")),
            None,
            "still the same"
        );
        assert_eq!(record.after(failed("b", "step_limit")), None);
        assert_eq!(
            record.after(failed("c", "lease_lost")),
            None,
            "not its doing"
        );
        assert_eq!(record.after(failed("c", "gave_up")), None, "an answer");
        let reason = record.after(failed("c", "parse_failures")).unwrap();
        assert_eq!(
            reason,
            "Its runs failed by its own doing with 3 beads in a row (a, b, c); the last ended with parse_failures: It \
             went wrong."
        );
    }

    #[test]
    fn a_success_clears_what_was_before() {
        let mut record = Record::default();
        for bead in ["a", "b"] {
            assert_eq!(record.after(failed(bead, "inner_loop")), None);
        }
        assert_eq!(record.after(succeeded("c")), None);
        assert_eq!(record, Record::default());
        assert_eq!(record.after(failed("d", "inner_loop")), None);
    }

    #[test]
    fn who_cannot_read_his_persona_is_stuck_at_once() {
        let reason = Record::default().after(failed("a", PERSONA_UNUSABLE));
        assert_eq!(reason.unwrap(), "It went wrong.");
    }

    #[test]
    fn who_is_tried_again_has_one_chance() {
        let mut record = Record::default().on_trial();
        assert_eq!(record.after(failed("a", "all_providers_failed")), None);
        assert!(record.on_trial, "that said nothing of the agent");
        assert!(record.after(failed("a", "inner_loop")).is_some());
        let mut record = Record::default().on_trial();
        assert_eq!(record.after(succeeded("a")), None);
        assert_eq!(record.after(failed("b", "inner_loop")), None);
    }

    proptest! {
        /// Whatever happens, an agent is stuck only after as many own failures as the rule says, and never after a
        /// success or something that was not its doing.
        #[test]
        fn nobody_is_stuck_without_a_cause(
            ends in prop::collection::vec(("[a-d]", 0..7_usize), 0..40),
        ) {
            let mut record = Record::default();
            let mut beads: Vec<String> = Vec::new();
            for (bead, what) in ends {
                let ended = match what {
                    0 => succeeded(&bead),
                    1 => failed(&bead, "lease_lost"),
                    2 => Ended { status: RunStatus::Cancelled, ..failed(&bead, "inner_loop") },
                    other => failed(&bead, OWN_FAILURES[other - 3]),
                };
                let stuck = record.after(ended);
                if what == 0 {
                    beads.clear();
                } else if what > 2 && !beads.contains(&bead) {
                    beads.push(bead);
                }
                let expected = what > 2 && (what == 3 || beads.len() >= MAX_OWN_FAILURES);
                prop_assert_eq!(stuck.is_some(), expected);
            }
        }
    }
}
