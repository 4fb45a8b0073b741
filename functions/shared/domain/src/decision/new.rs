use super::{DecisionKind, standard_options};
use crate::{bead::Priority, time::Timestamp};

/// A question about to be put.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDecision {
    /// What it is about.
    pub kind: DecisionKind,
    /// At most one open decision has this fingerprint.
    pub fingerprint: String,
    /// What is asked.
    pub question: String,
    /// The answers to choose from.
    pub options: Vec<String>,
    /// What the asker would answer, and why.
    pub recommendation: Option<String>,
    /// How urgent it is; `None`: as its kind and its bead are.
    pub priority: Option<Priority>,
    /// The answer that holds when the deadline passes; without one the question is escalated.
    pub default_answer: Option<String>,
    /// The agent that goes on when more information is wanted.
    pub returned_to: Option<String>,
    /// When the answer is due; `None`: after [`DEADLINE`](super::DEADLINE).
    pub deadline_at: Option<Timestamp>,
    /// The execution and its node that wait for the answer.
    pub execution: Option<(String, String)>,
    /// Only a person may answer, whatever the kind.
    pub is_high_risk: bool,
}

impl NewDecision {
    /// A question with the standard options.
    pub fn new(
        kind: DecisionKind,
        fingerprint: impl Into<String>,
        question: impl Into<String>,
    ) -> Self {
        Self {
            kind,
            fingerprint: fingerprint.into(),
            question: question.into(),
            options: standard_options(),
            recommendation: None,
            priority: None,
            default_answer: None,
            returned_to: None,
            deadline_at: None,
            execution: None,
            is_high_risk: false,
        }
    }

    /// Offers these answers, or the standard ones when there are none.
    #[must_use]
    pub fn options(mut self, options: Vec<String>) -> Self {
        if !options.is_empty() {
            self.options = options;
        }
        self
    }

    /// Says what the asker would answer.
    #[must_use]
    pub fn recommendation(mut self, recommendation: impl Into<Option<String>>) -> Self {
        self.recommendation = recommendation.into();
        self
    }

    /// Says how urgent it is.
    #[must_use]
    pub fn priority(mut self, priority: Priority) -> Self {
        self.priority = Some(priority);
        self
    }

    /// Declares the answer that holds when nobody answers in time.
    #[must_use]
    pub fn default_answer(mut self, answer: impl Into<Option<String>>) -> Self {
        self.default_answer = answer.into();
        self
    }

    /// Names the agent that goes on when more information is wanted.
    #[must_use]
    pub fn returned_to(mut self, agent_id: impl Into<Option<String>>) -> Self {
        self.returned_to = agent_id.into();
        self
    }

    /// Sets when the answer is due.
    #[must_use]
    pub fn deadline(mut self, at: Timestamp) -> Self {
        self.deadline_at = Some(at);
        self
    }

    /// Says which node of which execution waits for the answer.
    #[must_use]
    pub fn execution(mut self, id: impl Into<String>, node: impl Into<String>) -> Self {
        self.execution = Some((id.into(), node.into()));
        self
    }

    /// Keeps it from the decision-maker: only a person may answer.
    #[must_use]
    pub fn high_risk(mut self) -> Self {
        self.is_high_risk = true;
        self
    }
}
