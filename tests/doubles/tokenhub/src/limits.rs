//! Rate limits: token buckets that are refilled in whole seconds.

use std::collections::HashMap;

/// Buckets by name.
#[derive(Debug, Default)]
pub(crate) struct Limiter {
    buckets: HashMap<String, Bucket>,
}

#[derive(Debug)]
struct Bucket {
    tokens: u64,
    filled_at_ms: i64,
}

impl Limiter {
    /// Takes a token of the bucket `name`, if there is one.
    pub(crate) fn allow(&mut self, name: &str, rps: u32, burst: u32, now_ms: i64) -> bool {
        let burst = u64::from(burst);
        let bucket = self.buckets.entry(name.to_owned()).or_insert(Bucket {
            tokens: burst,
            filled_at_ms: now_ms,
        });
        let seconds = u64::try_from((now_ms - bucket.filled_at_ms) / 1_000).unwrap_or(0);
        if seconds > 0 {
            bucket.tokens = burst.min(bucket.tokens + seconds.saturating_mul(u64::from(rps)));
            bucket.filled_at_ms = now_ms;
        }
        if bucket.tokens == 0 {
            return false;
        }
        bucket.tokens -= 1;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_refills_by_the_second() {
        let mut limiter = Limiter::default();
        assert!(limiter.allow("a", 1, 2, 0));
        assert!(limiter.allow("a", 1, 2, 0));
        assert!(!limiter.allow("a", 1, 2, 999));
        assert!(limiter.allow("b", 1, 2, 999));
        assert!(limiter.allow("a", 1, 2, 1_000));
        assert!(!limiter.allow("a", 1, 2, 1_000));
    }
}
