use std::collections::HashMap;

/// How long a window of the primary limit is, in seconds.
const WINDOW: i64 = 3_600;

/// What one caller used of the present window.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    used: u64,
    reset: i64,
}

/// The primary rate limit.
#[derive(Debug)]
pub(crate) struct Limits {
    limit: u64,
    buckets: HashMap<String, Bucket>,
    /// Whose request is being answered.
    current: String,
}

impl Limits {
    pub(crate) fn new(limit: u64) -> Self {
        Self {
            limit,
            buckets: HashMap::new(),
            current: String::new(),
        }
    }

    /// How many requests a caller has; who has no token has few.
    fn most(&self) -> u64 {
        if self.current.is_empty() {
            self.limit.min(60)
        } else {
            self.limit
        }
    }

    fn bucket(&mut self, now: i64) -> &mut Bucket {
        let bucket = self.buckets.entry(self.current.clone()).or_insert(Bucket {
            used: 0,
            reset: now + WINDOW,
        });
        if bucket.reset <= now {
            *bucket = Bucket {
                used: 0,
                reset: now + WINDOW,
            };
        }
        bucket
    }

    /// Notes whose request comes; false if the caller has none left.
    pub(crate) fn arrives(&mut self, caller: &str, now: i64) -> bool {
        caller.clone_into(&mut self.current);
        let most = self.most();
        self.bucket(now).used < most
    }

    /// Counts a request of the caller.
    pub(crate) fn count(&mut self, now: i64) {
        self.bucket(now).used += 1;
    }

    /// Takes back the last request of the present caller.
    pub(crate) fn give_back(&mut self, now: i64) {
        let bucket = self.bucket(now);
        bucket.used = bucket.used.saturating_sub(1);
    }

    /// Takes everything from the present caller for some seconds.
    pub(crate) fn exhaust(&mut self, now: i64, seconds: i64) {
        let most = self.most();
        *self.bucket(now) = Bucket {
            used: most,
            reset: now + seconds,
        };
    }

    /// Limit, used, remaining and the reset's instant of the present caller.
    pub(crate) fn state(&self, now: i64) -> (u64, u64, u64, i64) {
        let most = self.most();
        let (used, reset) = self
            .buckets
            .get(&self.current)
            .filter(|bucket| bucket.reset > now)
            .map_or((0, now + WINDOW), |bucket| (bucket.used, bucket.reset));
        (most, used, most.saturating_sub(used), reset)
    }

    /// The headers that tell the present caller.
    pub(crate) fn headers(&self, now: i64) -> [(&'static str, String); 5] {
        let (limit, used, remaining, reset) = self.state(now);
        [
            ("X-RateLimit-Limit", limit.to_string()),
            ("X-RateLimit-Remaining", remaining.to_string()),
            ("X-RateLimit-Used", used.to_string()),
            ("X-RateLimit-Reset", reset.to_string()),
            ("X-RateLimit-Resource", String::from("core")),
        ]
    }
}
