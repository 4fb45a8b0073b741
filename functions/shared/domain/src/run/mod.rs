//! Runs: one attempt of one agent at one bead, in steps.

mod ending;
mod lease;
mod wait;

use serde::{Deserialize, Serialize};

use crate::{Refusal, time::Timestamp};

pub use ending::{BeadAfter, EndReason, Ending, NewDecision, RetryPolicy, end};
pub use lease::{Expiry, MAX_RESTARTS, on_expiry};
pub use wait::{BeadResult, Wait, WaitKind, answer_text, bead_result, question_answer};

/// How many steps a run may take.
pub const MAX_STEPS: i64 = 25;
/// How many replies in a row may be unusable before the run fails.
pub const MAX_PARSE_FAILURES: i64 = 3;

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// The next step is to be taken by whoever leases it.
    Queued,
    /// A step is being taken under a lease.
    Running,
    /// It waits for something outside, such as another bead or a decision. Its agent is free meanwhile.
    Waiting,
    /// It did what it was for.
    Succeeded,
    /// It did not, and counts against the bead.
    Failed,
    /// It was stopped, and does not count against the bead.
    Cancelled,
}

impl RunStatus {
    /// Every status.
    pub const ALL: [Self; 6] = [
        Self::Queued,
        Self::Running,
        Self::Waiting,
        Self::Succeeded,
        Self::Failed,
        Self::Cancelled,
    ];

    /// The word in JSON and SQL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// The status that [`as_str`](Self::as_str) names.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }

    /// Whether the run still holds its bead.
    pub fn is_live(self) -> bool {
        matches!(self, Self::Queued | Self::Running | Self::Waiting)
    }
}

/// Every legal change, as data. An ended run never changes again.
const TRANSITIONS: &[(RunStatus, &[RunStatus])] = &[
    (
        RunStatus::Queued,
        &[RunStatus::Running, RunStatus::Failed, RunStatus::Cancelled],
    ),
    (
        RunStatus::Running,
        &[
            RunStatus::Queued,
            RunStatus::Waiting,
            RunStatus::Succeeded,
            RunStatus::Failed,
            RunStatus::Cancelled,
        ],
    ),
    (
        RunStatus::Waiting,
        &[
            RunStatus::Queued,
            RunStatus::Running,
            RunStatus::Failed,
            RunStatus::Cancelled,
        ],
    ),
];

/// Whether a run may go from one status to the other; the refusal names both.
pub fn transition(id: &str, from: RunStatus, to: RunStatus) -> Result<(), Refusal> {
    if TRANSITIONS
        .iter()
        .any(|(status, next)| *status == from && next.contains(&to))
    {
        return Ok(());
    }
    Err(Refusal::conflict(
        "illegal_transition",
        format!(
            "Run {id} is {} and cannot become {}.",
            from.as_str(),
            to.as_str()
        ),
    )
    .detail("from", from.as_str())
    .detail("to", to.as_str()))
}

/// A run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Run {
    /// UUIDv7.
    pub id: String,
    /// Its bead.
    pub bead_id: String,
    /// The bead's project.
    pub project_id: String,
    /// Who works.
    pub agent_id: String,
    /// 1 for the bead's first run.
    pub attempt: i64,
    /// Where it stands.
    pub status: RunStatus,
    /// The fence of its present holder (invariant I2).
    pub fence: i64,
    /// Until when its holder may act (invariant I3).
    pub lease_until: Timestamp,
    /// Steps that ended.
    pub steps: i64,
    /// Unusable replies in a row.
    pub parse_failures: i64,
    /// How often it was put back in the queue since it last made progress.
    pub restarts: i64,
    /// The branch it works on, once it has one.
    pub branch: Option<String>,
    /// Its last commit.
    pub commit: Option<String>,
    /// Why it ended, as a code.
    pub reason: Option<String>,
    /// What it did, for people and for the next attempt.
    pub summary: Option<String>,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

/// The proof of holding a run: what every write of its chain carries (invariant I2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// The run.
    pub run_id: String,
    /// Its bead.
    pub bead_id: String,
    /// The fence under which it was leased.
    pub fence: i64,
}

impl Hold {
    /// The refusal for a holder whose lease went to somebody else.
    pub fn stale(&self) -> Refusal {
        Refusal::conflict(
            "stale_fence",
            format!(
                "Run {} was taken over by another holder (fence {} is no longer current). Stop: nothing more may be done under it.",
                self.run_id, self.fence
            ),
        )
        .detail("bead_id", self.bead_id.clone())
        .detail("run_id", self.run_id.clone())
        .detail("fence", self.fence)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ended_run_never_changes() {
        for from in RunStatus::ALL
            .into_iter()
            .filter(|status| !status.is_live())
        {
            for to in RunStatus::ALL {
                assert_eq!(
                    transition("r", from, to).unwrap_err().code,
                    "illegal_transition"
                );
            }
        }
        assert!(transition("r", RunStatus::Queued, RunStatus::Running).is_ok());
        assert!(transition("r", RunStatus::Queued, RunStatus::Succeeded).is_err());
    }
}
