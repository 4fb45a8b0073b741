use serde::{Deserialize, Serialize};

use crate::bead::Priority;

/// What a decision is about. It says who may answer and what each answer does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DecisionKind {
    /// A bead used up its attempts.
    AttemptsExhausted,
    /// An agent or a person escalated a bead.
    Escalation,
    /// A budget would be exceeded.
    BudgetOverride,
    /// The provider refused in a way that only a person can mend.
    Provider,
    /// A node of a workflow waits for a person's approval.
    WorkflowApproval,
    /// A workflow cannot go on by itself.
    WorkflowEscalation,
    /// A project that has open beads is to be closed.
    ProjectClose,
    /// A bead's work is too dangerous to begin without a person.
    HighRisk,
    /// An agent or a person asks something; a run may wait for the answer.
    Question,
    /// What was built is shown, and accepted or not.
    Demo,
}

impl DecisionKind {
    /// Every kind.
    pub const ALL: [Self; 10] = [
        Self::AttemptsExhausted,
        Self::Escalation,
        Self::BudgetOverride,
        Self::Provider,
        Self::WorkflowApproval,
        Self::WorkflowEscalation,
        Self::ProjectClose,
        Self::HighRisk,
        Self::Question,
        Self::Demo,
    ];

    /// The word in JSON and SQL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AttemptsExhausted => "attempts_exhausted",
            Self::Escalation => "escalation",
            Self::BudgetOverride => "budget_override",
            Self::Provider => "provider",
            Self::WorkflowApproval => "workflow_approval",
            Self::WorkflowEscalation => "workflow_escalation",
            Self::ProjectClose => "project_close",
            Self::HighRisk => "high_risk",
            Self::Question => "question",
            Self::Demo => "demo",
        }
    }

    /// The kind that [`as_str`](Self::as_str) names.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// Whether the answer moves an execution of a workflow, and nothing else.
    pub fn is_of_workflow(self) -> bool {
        matches!(
            self,
            Self::WorkflowApproval | Self::WorkflowEscalation | Self::Demo
        )
    }

    /// Whether its bead stays blocked until this very question is answered, whatever else is said about the bead.
    pub fn holds_until_answered(self) -> bool {
        self == Self::HighRisk
    }

    /// Whether it is asked about a project as a whole, and holds no bead.
    pub fn is_about_project(self) -> bool {
        self == Self::ProjectClose
    }

    /// How urgent such a decision is at least; it is also as urgent as its bead.
    pub fn least_priority(self) -> Priority {
        let number = match self {
            Self::Provider | Self::HighRisk => 0,
            Self::AttemptsExhausted
            | Self::BudgetOverride
            | Self::WorkflowEscalation
            | Self::Demo => 1,
            Self::Escalation | Self::WorkflowApproval | Self::ProjectClose | Self::Question => 3,
        };
        Priority::new(number).unwrap_or(Priority::DEFAULT)
    }
}

/// Where a decision stands: open → decided or expired, and neither ever changes again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DecisionStatus {
    /// It waits for its answer.
    Open,
    /// It was answered, or withdrawn because the question had become pointless.
    Decided,
    /// Nobody answered in time.
    Expired,
}

impl DecisionStatus {
    /// Every status.
    pub const ALL: [Self; 3] = [Self::Open, Self::Decided, Self::Expired];

    /// The word in JSON and SQL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Decided => "decided",
            Self::Expired => "expired",
        }
    }

    /// The status that [`as_str`](Self::as_str) names.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }
}

/// Who is to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Assignee {
    /// A person.
    Human,
    /// An agent of the role `decision-maker`; a person may be faster.
    DecisionMaker,
}

impl Assignee {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Human, Self::DecisionMaker];

    /// The word in JSON and SQL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Human => "human",
            Self::DecisionMaker => "decision-maker",
        }
    }

    /// The assignee that [`as_str`](Self::as_str) names.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|who| who.as_str() == text)
    }
}
