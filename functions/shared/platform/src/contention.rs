//! How long a busy database is waited for, the same on every adapter.
//!
//! SQLite lets one writer in at a time. Its own busy handler blocks the calling thread, which on a host that runs
//! many requests on one thread also blocks the very request that holds the lock; so the adapters give SQLite only a
//! moment and do the waiting themselves, asynchronously, with jitter so that the waiters don't come back together.

use std::time::Duration;

/// How often a statement is tried before [`DatabaseError::Busy`](crate::DatabaseError::Busy) is returned: with the
/// pauses below, about four seconds.
pub(crate) const ATTEMPTS: u32 = 100;

const FIRST_PAUSE_MICROS: u64 = 2_000;
const LONGEST_PAUSE_MICROS: u64 = 50_000;

/// The pause after the given failed attempt (counted from 0): doubling up to 50 ms, of which `random` picks a point
/// in the upper half.
pub(crate) fn pause(attempt: u32, random: u64) -> Duration {
    let whole = FIRST_PAUSE_MICROS
        .saturating_mul(1 << attempt.min(10))
        .min(LONGEST_PAUSE_MICROS);
    let half = whole / 2;
    Duration::from_micros(half + random % (half + 1))
}

#[cfg(test)]
mod tests {
    use super::{ATTEMPTS, pause};

    #[test]
    fn pauses_grow_and_stay_bounded() {
        for random in [0, 1, u64::MAX / 3, u64::MAX] {
            for attempt in 0..ATTEMPTS {
                let micros = pause(attempt, random).as_micros();
                assert!(
                    (1_000..=50_000).contains(&micros),
                    "attempt {attempt}: {micros}"
                );
            }
        }
        assert!(pause(0, u64::MAX / 2) < pause(5, 0));
    }

    #[test]
    fn all_attempts_together_wait_some_seconds() {
        let shortest: u128 = (0..ATTEMPTS)
            .map(|attempt| pause(attempt, 0).as_millis())
            .sum();
        let longest: u128 = (0..ATTEMPTS)
            .map(|attempt| pause(attempt, 24_999).as_millis())
            .sum();
        assert!((2_000..6_000).contains(&shortest), "{shortest}");
        assert!((2_000..6_000).contains(&longest), "{longest}");
    }
}
