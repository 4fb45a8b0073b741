use loom_domain::{bead::Reason, time::Timestamp};
use loom_platform::{KeyValue, Platform};
use serde::Serialize;

/// The key of the key-value store under which the latest [`Summary`] is kept, as JSON.
pub const LAST_TICK: &str = "tick:last";

/// How many skipped beads a summary names.
pub(crate) const MAX_SKIPPED: usize = 100;

/// A bead that was given to an agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Dispatched {
    /// The bead.
    pub bead_id: String,
    /// The agent.
    pub agent_id: String,
    /// The run that was opened.
    pub run_id: String,
}

/// A ready bead that was not dispatched, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Skipped {
    /// The bead.
    pub bead_id: String,
    /// Why, as a code.
    pub code: String,
    /// Why, as a sentence.
    pub message: String,
}

impl Skipped {
    pub(crate) fn new(bead_id: &str, reason: &Reason) -> Self {
        let code = serde_json::to_value(reason.code).ok();
        Self {
            bead_id: bead_id.to_owned(),
            code: code
                .as_ref()
                .and_then(|code| code.as_str())
                .unwrap_or_default()
                .to_owned(),
            message: reason.message.clone(),
        }
    }
}

/// What one turn did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// When, by the database's clock.
    pub at: Timestamp,
    /// `active` while runs are worked on, else `parked`.
    pub state: &'static str,
    /// Why, as a code.
    pub reason: &'static str,
    /// How many runs are worked on, those of this turn included.
    pub working: i64,
    /// What was given to agents.
    pub dispatched: Vec<Dispatched>,
    /// Runs whose holder had died and that were started again.
    pub requeued: Vec<String>,
    /// Runs that waited, have their answers, and were started again.
    pub resumed: Vec<String>,
    /// Ready beads that were looked at and not dispatched: at most 100 of them.
    pub skipped: Vec<Skipped>,
}

/// Keeps the summary for `GET /api/v1/system/status`. A failure costs nothing but that view.
pub(crate) async fn keep<P: Platform>(platform: &P, summary: &Summary) {
    let Ok(bytes) = serde_json::to_vec(summary) else {
        return;
    };
    if let Err(error) = platform.key_value().set(LAST_TICK, &bytes).await {
        loom_api::log(
            "warn",
            "the tick's summary could not be kept",
            [("cause", &error.to_string())],
        );
    }
}
