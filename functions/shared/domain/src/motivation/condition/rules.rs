use super::{Condition, MotivationKind, Period};
use crate::{
    event::EventKind,
    time::{DAY, MINUTE},
};

/// Facts that are read only when a motivation needs them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Need {
    /// Occurrences that came as events.
    Waiting,
    /// Open beads with a deadline.
    DueBeads,
    /// Open questions.
    Decisions,
    /// What runs cost.
    Spending,
    /// What tests said.
    Tests,
    /// How many beads were closed.
    Closed,
    /// Who works, and when something was done last.
    Activity,
}

impl Condition {
    /// What kind of condition it is.
    pub fn kind(&self) -> MotivationKind {
        match self {
            Self::TimeReached { .. }
            | Self::DeadlineApproach { .. }
            | Self::DeadlinePassed { .. }
            | Self::QuarterBoundary {}
            | Self::MonthBoundary {} => MotivationKind::Calendar,
            Self::ScheduledInterval { .. } => MotivationKind::Interval,
            Self::CostExceeded { .. }
            | Self::CoverageDropped { .. }
            | Self::TestFailure {}
            | Self::VelocityDrop { .. } => MotivationKind::Threshold,
            Self::SystemIdle { .. } | Self::AgentIdle { .. } | Self::ProjectIdle { .. } => {
                MotivationKind::Idle
            }
            Self::BeadCreated { .. }
            | Self::BeadStatusChanged { .. }
            | Self::BeadCompleted { .. }
            | Self::DecisionPending { .. }
            | Self::DecisionResolved {}
            | Self::ReleasePublished {} => MotivationKind::Event,
            Self::GithubIssueOpened { .. }
            | Self::GithubCommentAdded {}
            | Self::GithubPrOpened {}
            | Self::WebhookReceived { .. } => MotivationKind::External,
        }
    }

    /// The kind of event that it waits for, if it waits for one.
    pub fn event_kind(&self) -> Option<EventKind> {
        match self {
            Self::BeadCreated { .. } => Some(EventKind::BeadCreated),
            Self::BeadStatusChanged { .. } => Some(EventKind::BeadStatusChanged),
            Self::BeadCompleted { .. } => Some(EventKind::BeadCompleted),
            Self::DecisionResolved {} => Some(EventKind::DecisionDecided),
            Self::ReleasePublished {} => Some(EventKind::ReleasePublished),
            Self::GithubIssueOpened { .. } => Some(EventKind::GithubIssueOpened),
            Self::GithubCommentAdded {} => Some(EventKind::GithubCommentAdded),
            Self::GithubPrOpened {} => Some(EventKind::GithubPrOpened),
            Self::WebhookReceived { .. } => Some(EventKind::WebhookReceived),
            _ => None,
        }
    }

    /// The facts that it is evaluated on; none for conditions of time, which need the clock alone.
    pub fn need(&self) -> Option<Need> {
        match self {
            Self::TimeReached { .. }
            | Self::ScheduledInterval { .. }
            | Self::QuarterBoundary {}
            | Self::MonthBoundary {} => None,
            Self::DeadlineApproach { .. } | Self::DeadlinePassed { .. } => Some(Need::DueBeads),
            Self::DecisionPending { .. } => Some(Need::Decisions),
            Self::CostExceeded { .. } => Some(Need::Spending),
            Self::CoverageDropped { .. } | Self::TestFailure {} => Some(Need::Tests),
            Self::VelocityDrop { .. } => Some(Need::Closed),
            Self::SystemIdle { .. } | Self::AgentIdle { .. } | Self::ProjectIdle { .. } => {
                Some(Need::Activity)
            }
            _ => Some(Need::Waiting),
        }
    }

    /// How long after it was found not to be due it need not be looked at again, in milliseconds: its facts change
    /// slowly, or are many.
    pub fn pause(&self) -> Option<i64> {
        match self {
            Self::VelocityDrop { .. } => Some(60 * MINUTE),
            Self::DeadlineApproach { .. } | Self::DeadlinePassed { .. } => Some(5 * MINUTE),
            Self::CostExceeded {
                period: Period::Week | Period::Month,
                ..
            } => Some(10 * MINUTE),
            _ => None,
        }
    }

    /// How late an occurrence of time may be acted on, in milliseconds; after that it was missed.
    pub(in crate::motivation) fn grace(&self) -> i64 {
        match self {
            Self::QuarterBoundary {} => 7 * DAY,
            Self::MonthBoundary {} => 3 * DAY,
            _ => DAY,
        }
    }
}
