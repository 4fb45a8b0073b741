//! Decisions: questions that only a person answers.

use serde::Serialize;

use crate::{
    budget::BudgetScope,
    time::{DAY, Timestamp},
};

/// Why a person is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DecisionKind {
    /// A bead used up its attempts.
    AttemptsExhausted,
    /// An agent or a person escalated a bead.
    Escalation,
    /// A budget would be exceeded.
    BudgetOverride,
    /// The provider refused in a way that only a person can mend.
    Provider,
}

impl DecisionKind {
    /// The word in JSON and SQL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AttemptsExhausted => "attempts_exhausted",
            Self::Escalation => "escalation",
            Self::BudgetOverride => "budget_override",
            Self::Provider => "provider",
        }
    }
}

/// The fingerprint of the question about a used-up budget: one is open at most for each budget.
pub fn budget_fingerprint(scope: BudgetScope, subject: &str) -> String {
    format!("budget:{}:{subject}", scope.as_str())
}

/// How long a decision waits for its answer: 48 hours.
pub const DEADLINE: i64 = 2 * DAY;

/// A question to a person about a bead, which is held while it is open.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Decision {
    /// UUIDv7.
    pub id: String,
    /// The bead that is held.
    pub bead_id: String,
    /// Its project.
    pub project_id: String,
    /// Why a person is asked: `attempts_exhausted`, `escalation`, `budget_override`, `provider`.
    pub kind: String,
    /// What is asked.
    pub question: String,
    /// The answers to choose from.
    pub options: Vec<String>,
    /// What the asker would answer.
    pub recommendation: Option<String>,
    /// What one should know to answer.
    pub context: String,
    /// Who asks.
    pub requester: String,
    /// `open` or `decided`.
    pub status: String,
    /// The answer.
    pub decision: Option<String>,
    /// Who answered.
    pub decider: Option<String>,
    /// Why it was answered so.
    pub rationale: Option<String>,
    /// When it was asked.
    pub created_at: Timestamp,
    /// When the answer is due.
    pub deadline_at: Timestamp,
    /// When it was answered.
    pub decided_at: Option<Timestamp>,
}
