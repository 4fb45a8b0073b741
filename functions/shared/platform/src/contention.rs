//! How long a busy database is waited for, the same on every adapter.
//!
//! SQLite lets one writer in at a time. Its own busy handler blocks the calling thread, which on a host that runs
//! many requests on one thread also blocks the very request that holds the lock; so the adapters wait asynchronously,
//! with jitter so that the waiters don't come back together, and only as long as [`LONGEST_WAIT`].

use std::time::Duration;

/// How long a statement waits for other writers before it fails with
/// [`DatabaseError::Busy`](crate::DatabaseError::Busy): SQLite hosts' usual limit.
pub(crate) const LONGEST_WAIT: Duration = Duration::from_secs(5);

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
    use super::pause;

    #[test]
    fn pauses_grow_and_stay_bounded() {
        for random in [0, 1, u64::MAX / 3, u64::MAX] {
            for attempt in 0..200 {
                let micros = pause(attempt, random).as_micros();
                assert!(
                    (1_000..=50_000).contains(&micros),
                    "attempt {attempt}: {micros}"
                );
            }
        }
        assert!(pause(0, u64::MAX / 2) < pause(5, 0));
    }
}
