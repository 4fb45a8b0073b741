//! Decisions: questions to a person, or to the agent that decides what is routine.
//!
//! One vocabulary of answers for all kinds ([`normalise`]), one table of what each answer does ([`effect`]), one rule
//! of who answers ([`assign`]), and one of what happens when nobody does ([`when_due`]).

mod answer;
mod assign;
mod due;
mod effect;
mod kind;
mod new;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::Serialize;

pub use answer::{Answer, normalise, possible, recommended, standard_options};
pub use assign::{
    COSTLY_MICRO_USD, HIGH_RISK_TAG, Stakes, assign, contradicts, human_because, is_exhausted,
    triage_agent,
};
pub use due::{Due, next_deadline, when_due};
pub use effect::{Effect, effect, effects, explain};
pub use kind::{Assignee, DecisionKind, DecisionStatus};
pub use new::NewDecision;

use crate::{
    bead::Priority,
    budget::BudgetScope,
    time::{DAY, Timestamp},
};

/// The fingerprint of the question about a used-up budget: one is open at most for each budget.
pub fn budget_fingerprint(scope: BudgetScope, subject: &str) -> String {
    format!("budget:{}:{subject}", scope.as_str())
}

/// The budget that [`budget_fingerprint`] names.
pub fn budget_of(fingerprint: &str) -> Option<(BudgetScope, &str)> {
    let (scope, subject) = fingerprint.strip_prefix("budget:")?.split_once(':')?;
    let scope = [BudgetScope::Bead, BudgetScope::Project, BudgetScope::Day]
        .into_iter()
        .find(|known| known.as_str() == scope)?;
    Some((scope, subject))
}

/// The fingerprint of a question that a run puts to a person: one an action.
pub fn question_fingerprint(run_id: &str, step: i64, position: i64) -> String {
    format!("question:{run_id}:{step}:{position}")
}

/// The fingerprint of the question whether a project is to be closed.
pub fn project_close_fingerprint(project_id: &str) -> String {
    format!("project_close:{project_id}")
}

/// The fingerprint of the bead on which the decision-maker works for a decision.
pub fn decider_fingerprint(decision_id: &str) -> String {
    format!("{DECIDER_PREFIX}{decision_id}")
}

/// The decision on which the bead with this fingerprint works.
pub fn decided_by_bead(fingerprint: Option<&str>) -> Option<&str> {
    fingerprint?.strip_prefix(DECIDER_PREFIX)
}

const DECIDER_PREFIX: &str = "decision:";

/// How long a decision waits for its answer, unless it says otherwise: 48 hours, in milliseconds.
pub const DEADLINE: i64 = 2 * DAY;

/// The decider of a decision whose default held because nobody had answered.
pub const DEADLINE_DECIDER: &str = "deadline";

/// A decision. While it is open, the bead that it is about is held.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Decision {
    /// UUIDv7.
    pub id: String,
    /// The bead that is held, if it is about one.
    pub bead_id: Option<String>,
    /// The project, of the bead or asked about itself.
    pub project_id: Option<String>,
    /// What it is about.
    pub kind: DecisionKind,
    /// How urgent it is.
    pub priority: Priority,
    /// At most one open decision has it.
    #[serde(skip)]
    pub fingerprint: String,
    /// What is asked.
    pub question: String,
    /// The answers to choose from.
    pub options: Vec<String>,
    /// What each answer does, by answer.
    pub effects: BTreeMap<String, &'static str>,
    /// What the asker would answer.
    pub recommendation: Option<String>,
    /// What one should know to answer.
    pub context: String,
    /// Who asks.
    pub requester: String,
    /// Who is to answer.
    pub assignee: Assignee,
    /// The answer that holds when the deadline passes.
    pub default_answer: Option<String>,
    /// The agent that goes on when more information is wanted.
    pub returned_to: Option<String>,
    /// The execution of a workflow that waits.
    pub execution_id: Option<String>,
    /// Its node.
    pub node: Option<String>,
    /// The bead on which the decision-maker works, or worked.
    pub decider_bead: Option<String>,
    /// How often it was put again: handed from the decision-maker to a person, or repeated.
    pub escalations: i64,
    /// Where it stands.
    pub status: DecisionStatus,
    /// The answer.
    pub decision: Option<String>,
    /// Who answered.
    pub decider: Option<String>,
    /// Why it was answered so.
    pub rationale: Option<String>,
    /// Grows by one with each change; the ETag.
    pub version: i64,
    /// When it was asked.
    pub created_at: Timestamp,
    /// When the answer is due.
    pub deadline_at: Timestamp,
    /// When it was answered, or expired.
    pub decided_at: Option<Timestamp>,
}

/// Whether a person's answer to `answered`, by which its bead is to be worked on again, releases the bead that `holder`
/// keeps blocked: it is the answer to that, or to a question that was put when that had come to its end. One that was
/// put before knew nothing of it.
pub fn releases(answered: &Decision, holder: &Decision) -> bool {
    answered.id == holder.id
        || holder
            .decided_at
            .is_some_and(|at| at <= answered.created_at)
}

/// The comment that an answered decision leaves on its bead: the next run's prompt has it.
pub fn comment(decision: &Decision, answer: &str, rationale: &str) -> String {
    let rationale = rationale.trim();
    let why = if rationale.is_empty() {
        String::new()
    } else {
        format!("\nRationale: {rationale}")
    };
    format!("Decision: {}\nAnswer: {answer}{why}", decision.question)
}
