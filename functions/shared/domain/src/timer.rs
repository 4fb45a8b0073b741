//! Timers: what must happen at a time (invariant I12).

/// What a timer does when it is due. The tick takes due timers and applies them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimerKind {
    /// The bead `subject` may be tried again.
    BeadRetry,
    /// The answer to the decision `subject` is due.
    DecisionDeadline,
    /// The time of a stay at a node of a workflow runs out: `subject` is `<execution>:<stay>`.
    WorkflowNode,
    /// The agent `subject`, which is stuck, is tried again.
    AgentRetry,
    /// The run `subject` looks at the checks that it waits for.
    RunChecks,
    /// The beads of the project `subject` have settled, and are synced with its repository.
    BeadSync,
}

impl TimerKind {
    /// Every kind.
    pub const ALL: &[Self] = &[
        Self::BeadRetry,
        Self::DecisionDeadline,
        Self::WorkflowNode,
        Self::AgentRetry,
        Self::RunChecks,
        Self::BeadSync,
    ];

    /// The word in SQL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BeadRetry => "bead_retry",
            Self::DecisionDeadline => "decision_deadline",
            Self::WorkflowNode => "workflow_node",
            Self::AgentRetry => "agent_retry",
            Self::RunChecks => "run_checks",
            Self::BeadSync => "bead_sync",
        }
    }

    /// The kind that [`as_str`](Self::as_str) names.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == text)
    }
}
