//! Timers: what must happen at a time (invariant I12).

/// What a timer does when it is due. The tick takes due timers and applies them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimerKind {
    /// The bead `subject` may be tried again.
    BeadRetry,
}

impl TimerKind {
    /// The word in SQL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BeadRetry => "bead_retry",
        }
    }

    /// The kind that [`as_str`](Self::as_str) names.
    pub fn parse(text: &str) -> Option<Self> {
        (text == Self::BeadRetry.as_str()).then_some(Self::BeadRetry)
    }
}
