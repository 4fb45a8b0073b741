use serde::{Deserialize, Serialize};

use crate::time::{DAY, MINUTE, Timestamp};

/// After how many failures in a row a motivation's breaker opens.
pub const FAILURES_TO_OPEN: i64 = 3;
/// How long it stays open the first time, in milliseconds: one hour. Each further time is twice as long.
pub const FIRST_WAIT: i64 = 60 * MINUTE;
/// The longest that it stays open, in milliseconds: one day.
pub const LONGEST_WAIT: i64 = DAY;

/// Where a breaker stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BreakerState {
    /// All is well.
    #[default]
    Closed,
    /// It failed too often in a row, and waits.
    Open,
    /// It fired once more after the wait; how that ends decides.
    HalfOpen,
}

impl BreakerState {
    /// The word in JSON and SQL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
        }
    }

    /// The state that [`as_str`](Self::as_str) names.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Closed, Self::Open, Self::HalfOpen]
            .into_iter()
            .find(|state| state.as_str() == text)
    }
}

/// The circuit breaker of one motivation. A failure is a bead of its own that ended blocked, or a bead that was refused.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Breaker {
    /// Where it stands.
    pub state: BreakerState,
    /// Failures in a row.
    pub failures: i64,
    /// How long it stays open, in milliseconds; 0 while it is closed.
    pub wait_ms: i64,
    /// When it may try once more.
    pub retry_at: Option<Timestamp>,
}

impl Breaker {
    /// Whether the motivation may fire at `now`.
    pub fn allows(&self, now: Timestamp) -> bool {
        match self.state {
            BreakerState::Closed => true,
            BreakerState::Open => self.retry_at.is_none_or(|at| at <= now),
            BreakerState::HalfOpen => false,
        }
    }

    /// The breaker once the motivation fired: after a wait, that is its trial.
    #[must_use]
    pub fn fired(mut self) -> Self {
        if self.state == BreakerState::Open {
            self.state = BreakerState::HalfOpen;
            self.retry_at = None;
        }
        self
    }

    /// The breaker after a success.
    #[must_use]
    pub fn succeeded(self) -> Self {
        Self::default()
    }

    /// The breaker after a failure at `now`.
    #[must_use]
    pub fn failed(mut self, now: Timestamp) -> Self {
        self.failures += 1;
        match self.state {
            BreakerState::Closed if self.failures < FAILURES_TO_OPEN => return self,
            // A bead of before it opened: it waits as long as it does.
            BreakerState::Open => return self,
            BreakerState::Closed => self.wait_ms = FIRST_WAIT,
            BreakerState::HalfOpen => {
                self.wait_ms = (self.wait_ms * 2).clamp(FIRST_WAIT, LONGEST_WAIT);
            }
        }
        self.state = BreakerState::Open;
        self.retry_at = Some(Timestamp(now.0 + self.wait_ms));
        self
    }

    /// The breaker when the bead of its trial was deleted: it tells nothing, so another may be tried.
    #[must_use]
    pub fn withdrawn(mut self, now: Timestamp) -> Self {
        if self.state == BreakerState::HalfOpen {
            self.state = BreakerState::Open;
            self.retry_at = Some(now);
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn it_opens_waits_tries_once_and_waits_twice_as_long() {
        let start = Timestamp(1_000_000);
        let mut breaker = Breaker::default();
        for _ in 1..FAILURES_TO_OPEN {
            breaker = breaker.failed(start);
            assert_eq!(breaker.state, BreakerState::Closed);
            assert!(breaker.allows(start));
        }
        let (mut now, mut wait) = (start, FIRST_WAIT);
        breaker = breaker.failed(now);
        for _ in 0..8 {
            assert_eq!(breaker.state, BreakerState::Open);
            assert_eq!(breaker.wait_ms, wait);
            assert!(!breaker.allows(Timestamp(now.0 + wait - 1)));
            now = Timestamp(now.0 + wait);
            assert!(breaker.allows(now));
            breaker = breaker.fired();
            assert_eq!(breaker.state, BreakerState::HalfOpen);
            assert!(!breaker.allows(now), "one trial at a time");
            breaker = breaker.failed(now);
            wait = (wait * 2).min(LONGEST_WAIT);
        }
        assert_eq!(wait, LONGEST_WAIT);
        assert_eq!(breaker.fired().succeeded(), Breaker::default());
    }

    #[test]
    fn a_deleted_trial_makes_room_for_another() {
        let now = Timestamp(5);
        let open = (0..3).fold(Breaker::default(), |breaker, _| breaker.failed(now));
        assert_eq!(open.withdrawn(now), open, "nothing is on trial");
        let trial = open.fired().withdrawn(now);
        assert!(trial.allows(now));
        assert_eq!(trial.wait_ms, FIRST_WAIT, "it did not fail");
        assert_eq!(trial.fired().failed(now).wait_ms, 2 * FIRST_WAIT);
    }

    proptest! {
        /// Whatever happens, a breaker that is not closed says when it will be tried, or is on trial, and its wait
        /// stays within its bounds.
        #[test]
        fn it_is_never_lost(steps in prop::collection::vec((0u8..4, 1i64..10_000_000), 0..60)) {
            let mut breaker = Breaker::default();
            let mut now = Timestamp(0);
            for (step, later) in steps {
                now = Timestamp(now.0 + later);
                breaker = match step {
                    0 if breaker.allows(now) => breaker.fired(),
                    1 => breaker.failed(now),
                    2 => breaker.withdrawn(now),
                    3 => breaker.succeeded(),
                    _ => breaker,
                };
                match breaker.state {
                    BreakerState::Closed => prop_assert!(breaker.failures < FAILURES_TO_OPEN),
                    BreakerState::Open => {
                        prop_assert!(breaker.retry_at.is_some());
                        prop_assert!((FIRST_WAIT..=LONGEST_WAIT).contains(&breaker.wait_ms));
                    }
                    BreakerState::HalfOpen => prop_assert!(!breaker.allows(now)),
                }
            }
        }
    }
}
