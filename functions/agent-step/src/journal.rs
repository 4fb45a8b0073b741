//! Results of actions between the journal and the rules.

use loom_domain::{
    action::{Action, ActionOutcome, OutcomeStatus, Performed, from_json},
    run::Wait,
};
use loom_store::run::ActionRecord;
use serde::{Deserialize, Serialize};

/// What an action changed outside, as far as the end of the run depends on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Effect {
    /// A commit was made on the run's branch.
    Committed { commit: String },
    /// The branch was merged; the commit is that of the base branch.
    Merged { commit: String },
    /// The branch was published and waits for a review.
    HandedOver { commit: String },
    /// The decision that the bead is about was answered, or handed to a person.
    Answered { decision_id: String },
    /// A bead was filed, or a question put to a person, and the run waits for it when the step has ended.
    Awaits(Wait),
}

/// What one action brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Brought {
    pub(crate) outcome: ActionOutcome,
    pub(crate) effect: Option<Effect>,
}

impl From<ActionOutcome> for Brought {
    fn from(outcome: ActionOutcome) -> Self {
        Self {
            outcome,
            effect: None,
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Stored {
    text: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    effect: Option<Effect>,
}

/// The journal's form of a result. `action` is `None` for a call that was no valid action.
pub(crate) fn record(
    step: i64,
    position: usize,
    action: Option<&Action>,
    brought: &Brought,
) -> ActionRecord {
    let status = match brought.outcome.status {
        OutcomeStatus::Ok => "ok",
        OutcomeStatus::Refused => "refused",
        OutcomeStatus::Error => "error",
    };
    let stored = Stored {
        text: brought.outcome.text.clone(),
        effect: brought.effect.clone(),
    };
    ActionRecord {
        step,
        position: i64::try_from(position).unwrap_or(i64::MAX),
        name: action.map_or("invalid", |action| action.name()).to_owned(),
        action: action
            .and_then(|action| serde_json::to_value(action).ok())
            .unwrap_or_default(),
        fingerprint: action.map(Action::fingerprint).unwrap_or_default(),
        status: status.to_owned(),
        code: brought.outcome.code.clone(),
        result: serde_json::to_value(stored).unwrap_or_default(),
        created_at: loom_domain::time::Timestamp(0),
    }
}

/// What a journalled action brought.
pub(crate) fn brought(record: &ActionRecord) -> Brought {
    let stored = Stored::deserialize(&record.result).unwrap_or(Stored {
        text: String::new(),
        effect: None,
    });
    let status = match record.status.as_str() {
        "ok" => OutcomeStatus::Ok,
        "refused" => OutcomeStatus::Refused,
        _ => OutcomeStatus::Error,
    };
    Brought {
        outcome: ActionOutcome {
            status,
            code: record.code.clone(),
            text: stored.text,
        },
        effect: stored.effect,
    }
}

/// The journal as the rules read it: valid actions only.
pub(crate) fn performed(records: &[ActionRecord]) -> Vec<Performed> {
    records
        .iter()
        .filter_map(|record| {
            let action = from_json(&record.action, None).ok()?.action;
            Some(Performed {
                step: u32::try_from(record.step).unwrap_or(u32::MAX),
                action,
                outcome: brought(record).outcome,
            })
        })
        .collect()
}

/// The last commit of a run, if it made one.
pub(crate) fn last_commit(records: &[ActionRecord]) -> Option<String> {
    records
        .iter()
        .rev()
        .find_map(|record| match brought(record).effect {
            Some(Effect::Committed { commit }) => Some(commit),
            _ => None,
        })
}
