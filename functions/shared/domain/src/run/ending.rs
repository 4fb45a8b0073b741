use super::RunStatus;
use crate::{
    bead::{Bead, BeadStatus, MAX_DISPATCHES, MAX_FAILED_RUNS},
    budget::BudgetScope,
    decision::{DecisionKind, budget_fingerprint},
    time::{DAY, MINUTE, Timestamp},
    workflow::Outcome,
};

pub use crate::decision::NewDecision;

/// Why a run ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EndReason {
    /// The agent is done and its commit is in the base branch.
    Merged {
        /// The commit on the base branch.
        commit: String,
    },
    /// The agent is done and nothing had to change.
    DoneWithoutChange,
    /// The agent is done and its branch waits for a review.
    HandedToReview {
        /// The branch's last commit.
        commit: String,
    },
    /// The agent closed its bead as not to be done.
    ClosedByAgent {
        /// Its reason.
        reason: String,
    },
    /// The agent asks a person.
    Escalated {
        /// The question.
        question: String,
        /// The answers to choose from.
        options: Vec<String>,
        /// What the agent would answer.
        recommendation: Option<String>,
    },
    /// The agent is done at a node of its bead's workflow, which decides what comes next.
    NodeConcluded {
        /// What the work came to.
        outcome: Outcome,
        /// What the run did, as a code: `done`, `merged`, `in_review`, `approved`, `rejected`, `gave_up`.
        code: &'static str,
        /// What the agent says about it.
        note: String,
        /// The commit on the base branch, or the one that waits for a review.
        commit: Option<String>,
    },
    /// The agent asks a person at a node of its bead's workflow, which decides whether another node is for that.
    NodeEscalated {
        /// The question.
        question: String,
        /// The answers to choose from.
        options: Vec<String>,
        /// What the agent would answer.
        recommendation: Option<String>,
    },
    /// A budget would have been exceeded.
    BudgetExceeded {
        /// Whose budget.
        scope: BudgetScope,
    },
    /// The provider refuses in a way that only a person can mend.
    ProviderRefused {
        /// The failure's code.
        code: String,
        /// The failure's sentence.
        message: String,
    },
    /// A person or the system stopped it.
    Cancelled {
        /// Why.
        reason: String,
    },
    /// It failed: the code is `gave_up`, `step_limit`, `parse_failures`, `inner_loop`, `lease_lost`, or a failure's own.
    Failed {
        /// The code.
        code: String,
        /// A sentence.
        message: String,
    },
}

/// When a bead is tried again after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// The first wait, in milliseconds; each further failure doubles it, up to 16 times.
    pub first_wait: i64,
}

/// What becomes of the bead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BeadAfter {
    /// Its status.
    pub status: BeadStatus,
    /// Whether its work waits for a review.
    pub in_review: bool,
    /// Not before this moment.
    pub retry_at: Option<Timestamp>,
    /// Whether the run counts as a failed attempt.
    pub counts_as_failure: bool,
    /// Why it was closed.
    pub close_reason: Option<String>,
    /// The commit that closed it, or that waits for review.
    pub commit: Option<String>,
}

/// Everything that the end of a run changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// The run's last status.
    pub status: RunStatus,
    /// Why, as a code.
    pub code: String,
    /// Why, as a sentence.
    pub message: String,
    /// What becomes of the bead.
    pub bead: BeadAfter,
    /// A question to a person.
    pub decision: Option<NewDecision>,
}

/// Decides what the end of a run changes (invariant I10: three failed runs, or twenty dispatches, end in one decision).
pub fn end(bead: &Bead, reason: EndReason, retry: RetryPolicy, now: Timestamp) -> Ending {
    let after = |status| BeadAfter {
        status,
        in_review: false,
        retry_at: None,
        counts_as_failure: false,
        close_reason: None,
        commit: None,
    };
    let ending = |status, code: &str, message: String, bead| Ending {
        status,
        code: code.to_owned(),
        message,
        bead,
        decision: None,
    };
    // Where the bead follows a workflow, that decides what comes next, and counts the dispatches.
    let is_left_to_others = matches!(
        reason,
        EndReason::Cancelled { .. }
            | EndReason::NodeConcluded { .. }
            | EndReason::NodeEscalated { .. }
    );
    let attempts = if bead.execution_id.is_some() {
        i64::MAX
    } else {
        MAX_FAILED_RUNS
    };
    let ending = match reason {
        EndReason::Merged { commit } => ending(
            RunStatus::Succeeded,
            "done",
            format!("The work was merged as {commit}."),
            BeadAfter {
                close_reason: Some("done".into()),
                commit: Some(commit),
                ..after(BeadStatus::Closed)
            },
        ),
        EndReason::DoneWithoutChange => ending(
            RunStatus::Succeeded,
            "done",
            "The work was done without a change to the repository.".into(),
            BeadAfter {
                close_reason: Some("done".into()),
                ..after(BeadStatus::Closed)
            },
        ),
        EndReason::HandedToReview { commit } => ending(
            RunStatus::Succeeded,
            "in_review",
            "The work is done and waits for a review.".into(),
            BeadAfter {
                in_review: true,
                commit: Some(commit),
                ..after(BeadStatus::InProgress)
            },
        ),
        EndReason::ClosedByAgent { reason } => ending(
            RunStatus::Succeeded,
            "closed",
            format!("The agent closed the bead: {reason}"),
            BeadAfter {
                close_reason: Some(reason),
                ..after(BeadStatus::Closed)
            },
        ),
        EndReason::Escalated {
            question,
            options,
            recommendation,
        } => Ending {
            decision: Some(
                NewDecision::new(
                    DecisionKind::Escalation,
                    format!("escalation:{}", bead.id),
                    question.clone(),
                )
                .options(options)
                .recommendation(recommendation),
            ),
            ..ending(
                RunStatus::Cancelled,
                "escalated",
                format!("The agent asked a person: {question}"),
                after(BeadStatus::Blocked),
            )
        },
        EndReason::NodeConcluded {
            outcome,
            code,
            note,
            commit,
        } => ending(
            match outcome {
                Outcome::Failure => RunStatus::Failed,
                _ => RunStatus::Succeeded,
            },
            code,
            note,
            BeadAfter {
                commit,
                ..after(BeadStatus::Open)
            },
        ),
        EndReason::NodeEscalated { question, .. } => ending(
            RunStatus::Cancelled,
            "escalated",
            format!("The agent asked a person: {question}"),
            after(BeadStatus::Open),
        ),
        EndReason::BudgetExceeded {
            scope: BudgetScope::Day,
        } => ending(
            RunStatus::Cancelled,
            "budget_exceeded",
            "The budget of this day is used up; the bead is tried again tomorrow (UTC).".into(),
            BeadAfter {
                retry_at: Some(Timestamp((now.0.div_euclid(DAY) + 1) * DAY)),
                ..after(BeadStatus::Open)
            },
        ),
        // One question for the whole project: while it is open, nothing of the project is dispatched.
        EndReason::BudgetExceeded {
            scope: BudgetScope::Project,
        } => Ending {
            decision: Some(budget_question(
                bead,
                BudgetScope::Project,
                &bead.project_id,
            )),
            ..ending(
                RunStatus::Cancelled,
                "budget_exceeded",
                "The budget of the project is used up.".into(),
                after(BeadStatus::Open),
            )
        },
        EndReason::BudgetExceeded {
            scope: BudgetScope::Bead,
        } => Ending {
            decision: Some(budget_question(bead, BudgetScope::Bead, &bead.id)),
            ..ending(
                RunStatus::Cancelled,
                "budget_exceeded",
                "The budget of the bead is used up.".into(),
                after(BeadStatus::Blocked),
            )
        },
        EndReason::ProviderRefused { code, message } => Ending {
            decision: Some(NewDecision::new(
                DecisionKind::Provider,
                format!("provider:{code}"),
                format!("The provider refuses to work: {message} Mend it and go on?"),
            )),
            ..ending(
                RunStatus::Cancelled,
                &code,
                message,
                BeadAfter {
                    retry_at: Some(Timestamp(now.0 + 5 * MINUTE)),
                    ..after(BeadStatus::Open)
                },
            )
        },
        EndReason::Cancelled { reason } => ending(
            RunStatus::Cancelled,
            "cancelled",
            reason,
            after(BeadStatus::Open),
        ),
        EndReason::Failed { code, message } => {
            let failures = bead.failed_runs + 1;
            let exhausted = failures >= attempts || bead.dispatch_count >= MAX_DISPATCHES;
            let wait = retry.first_wait << (failures - 1).clamp(0, 4);
            let next = if exhausted {
                after(BeadStatus::Blocked)
            } else {
                BeadAfter {
                    retry_at: (wait > 0).then(|| Timestamp(now.0 + wait)),
                    ..after(BeadStatus::Open)
                }
            };
            let next = BeadAfter {
                counts_as_failure: true,
                ..next
            };
            let failed = ending(RunStatus::Failed, &code, message, next);
            let decision = exhausted.then(|| attempts_question(bead, failures, &failed));
            Ending { decision, ..failed }
        }
    };
    // A bead that may not be dispatched again must not stay open without anybody knowing.
    let exhausted = ending.bead.status == BeadStatus::Open && bead.dispatch_count >= MAX_DISPATCHES;
    if exhausted && !is_left_to_others {
        return Ending {
            bead: after(BeadStatus::Blocked),
            decision: Some(attempts_question(bead, bead.failed_runs, &ending)),
            ..ending
        };
    }
    ending
}

fn attempts_question(bead: &Bead, failures: i64, ending: &Ending) -> NewDecision {
    NewDecision::new(
        DecisionKind::AttemptsExhausted,
        format!("attempts:{}", bead.id),
        format!(
            "{} ({}) failed {failures} time(s) in {} dispatch(es); the last run ended with {}: {} What should happen?",
            bead.id, bead.title, bead.dispatch_count, ending.code, ending.message
        ),
    )
}

fn budget_question(bead: &Bead, scope: BudgetScope, subject: &str) -> NewDecision {
    NewDecision::new(
        DecisionKind::BudgetOverride,
        budget_fingerprint(scope, subject),
        format!(
            "The budget of this {} is used up by work on {} ({}). Grant the same amount once more and go on?",
            scope.as_str(),
            bead.id,
            bead.title
        ),
    )
}
