use serde::{Deserialize, Serialize};

/// What kind of condition a motivation has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MotivationKind {
    /// A moment, a deadline, the turn of a month or a quarter.
    Calendar,
    /// Again and again.
    Interval,
    /// A measure passed a limit.
    Threshold,
    /// Nothing happened for a while.
    Idle,
    /// Something happened in Loom.
    Event,
    /// Something happened outside.
    External,
}

impl MotivationKind {
    /// Every kind.
    pub const ALL: [Self; 6] = [
        Self::Calendar,
        Self::Interval,
        Self::Threshold,
        Self::Idle,
        Self::Event,
        Self::External,
    ];

    /// The word in JSON and SQL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Calendar => "calendar",
            Self::Interval => "interval",
            Self::Threshold => "threshold",
            Self::Idle => "idle",
            Self::Event => "event",
            Self::External => "external",
        }
    }

    /// The kind that [`as_str`](Self::as_str) names.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}
