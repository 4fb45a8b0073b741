use serde::Serialize;

use super::{Bead, BeadStatus, MAX_DISPATCHES};
use crate::{Refusal, time::Timestamp};

/// Why a bead is not dispatched, as a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ReasonCode {
    /// Nothing is in the way.
    Ready,
    /// It is closed.
    Closed,
    /// A run works on it.
    HasLiveRun,
    /// Its run waits until other beads are closed.
    WaitsForBead,
    /// Its run waits until a person has answered a question.
    WaitsForDecision,
    /// Its run waits for the checks of a commit.
    WaitsForChecks,
    /// Its run has the answers that it waited for, and goes on when there is room and its agent is free.
    WaitsForRoom,
    /// It is in progress without a run: a person works on it.
    InProgress,
    /// Its work waits for a review.
    InReview,
    /// It waits for a person.
    Blocked,
    /// Its workflow waits: for a person, a time, a signal or other beads.
    WorkflowWaits,
    /// It is part of a plan that is not sound yet.
    HeldByPlan,
    /// A blocker is not closed, or not known.
    OpenBlocker,
    /// An open decision holds it.
    HeldByDecision,
    /// A person keeps it blocked: by an answer, or by setting its status.
    HeldByPerson,
    /// Nobody answered the decision that held it in time, and it is held without one.
    DecisionExpired,
    /// Only a person can do it.
    RequiresHuman,
    /// It failed recently and waits before the next try.
    RetryLater,
    /// It was dispatched too often.
    DispatchesExhausted,
    /// Its project is closed.
    ProjectClosed,
    /// Its project has as many runs as it may have.
    ProjectAtCapacity,
    /// Loom has as many runs as it may have.
    AtCapacity,
    /// A bead that changes the same paths is being worked on.
    TouchesOverlap,
    /// A budget is used up.
    BudgetUsedUp,
    /// No agent of the role that it wants is free.
    NoIdleAgent,
    /// No agent could ever take it.
    NoAgent,
    /// No provider is healthy.
    NoHealthyProvider,
}

/// One reason, with a sentence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// The code.
    pub code: ReasonCode,
    /// What it means for this bead, and what would change it.
    pub message: String,
}

impl Reason {
    /// A reason with its sentence.
    pub fn new(code: ReasonCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }
}

/// Everything about the bead itself that keeps it from being ready (invariant I4); none when it is.
pub fn reasons(bead: &Bead, now: Timestamp) -> Vec<Reason> {
    let mut reasons = Vec::new();
    let mut add = |code, message: String| reasons.push(Reason::new(code, message));
    match bead.status {
        BeadStatus::Open => {}
        BeadStatus::Closed => add(
            ReasonCode::Closed,
            "It is closed. Set its status to open to work on it again.".into(),
        ),
        BeadStatus::Blocked => {
            add(ReasonCode::Blocked, "It is blocked: it waits for a person. Answer its decision, or set its status to open.".into());
        }
        BeadStatus::InProgress if bead.in_review => {
            add(
                ReasonCode::InReview,
                "Its work is done and waits for a review.".into(),
            );
        }
        BeadStatus::InProgress => match &bead.run_id {
            Some(run) => add(ReasonCode::HasLiveRun, format!("Run {run} works on it.")),
            None => add(
                ReasonCode::InProgress,
                "It is in progress without a run: a person has taken it.".into(),
            ),
        },
    }
    if bead.open_blockers > 0 {
        add(
            ReasonCode::OpenBlocker,
            format!(
                "{} of the beads that it is blocked by ({}) are not closed or not known.",
                bead.open_blockers,
                bead.blocked_by.join(", ")
            ),
        );
    }
    if bead.open_decisions > 0 {
        add(
            ReasonCode::HeldByDecision,
            format!(
                "{} open decision(s) hold it until they are answered.",
                bead.open_decisions
            ),
        );
    }
    if bead.requires_human {
        add(
            ReasonCode::RequiresHuman,
            format!(
                "It carries the tag {}: no agent may take it.",
                super::REQUIRES_HUMAN_TAG
            ),
        );
    }
    if let Some(retry_at) = bead.retry_at.filter(|at| *at > now) {
        add(
            ReasonCode::RetryLater,
            format!("It failed and is tried again at {}.", retry_at.to_rfc3339()),
        );
    }
    if bead.dispatch_count >= MAX_DISPATCHES {
        add(
            ReasonCode::DispatchesExhausted,
            format!(
                "It was dispatched {} times, the most that is allowed.",
                bead.dispatch_count
            ),
        );
    }
    reasons
}

/// The answer to a claim that cannot win, from the bead as it stands.
pub fn claim_refusal(bead: &Bead, now: Timestamp) -> Refusal {
    if let Some(run) = &bead.run_id {
        return Refusal::conflict(
            "already_claimed",
            format!("Bead {} is being worked on by run {run}. Wait for that run to end; do not start work on this bead.", bead.id),
        )
        .detail("run_id", run.clone());
    }
    let reasons = reasons(bead, now);
    match reasons.first() {
        Some(_) => Refusal::conflict(
            "not_ready",
            format!(
                "Bead {} cannot be claimed. {}",
                bead.id,
                reasons
                    .iter()
                    .map(|reason| reason.message.as_str())
                    .collect::<Vec<_>>()
                    .join(" ")
            ),
        )
        .detail(
            "reasons",
            serde_json::to_value(&reasons).unwrap_or_default(),
        ),
        None => Refusal::conflict(
            "already_claimed",
            format!(
                "Another caller claimed bead {} first. Do not start work on it.",
                bead.id
            ),
        ),
    }
}
