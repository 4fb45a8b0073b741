//! GitHub's two rate limits, as its answers tell of them.
//!
//! By <https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api> and its page of best practices:
//! `retry-after` says how long; else, with `x-ratelimit-remaining: 0`, wait until `x-ratelimit-reset` (UTC seconds);
//! else wait at least a minute. Both limits answer with 403 or 429.

use http::{HeaderMap, StatusCode};
use loom_domain::time::{MINUTE, SECOND, Timestamp};

use crate::RateScope;

/// The longest wait that is believed: the primary limit's window is an hour, and clocks differ.
const LONGEST_WAIT: i64 = 65 * MINUTE;

/// When to go on and which limit it was, if the answer says that a limit was hit.
pub(crate) fn limited(
    status: StatusCode,
    headers: &HeaderMap,
    message: &str,
    now: Timestamp,
) -> Option<(Timestamp, RateScope)> {
    if status != StatusCode::FORBIDDEN && status != StatusCode::TOO_MANY_REQUESTS {
        return None;
    }
    let exhausted = text(headers, "x-ratelimit-remaining") == Some("0");
    if let Some(value) = text(headers, "retry-after") {
        let seconds = value.parse().unwrap_or(MINUTE / SECOND);
        let scope = if exhausted {
            RateScope::Primary
        } else {
            RateScope::Secondary
        };
        return Some((after(now, seconds), scope));
    }
    if exhausted {
        let reset: Option<i64> =
            text(headers, "x-ratelimit-reset").and_then(|value| value.parse().ok());
        // GitHub's clock may be ahead of this one by a little.
        let seconds = reset.map_or(MINUTE / SECOND, |reset| {
            reset
                .saturating_add(1)
                .saturating_sub(now.0.div_euclid(SECOND))
        });
        return Some((after(now, seconds), RateScope::Primary));
    }
    let message = message.to_ascii_lowercase();
    let secondary = message.contains("secondary rate limit") || message.contains("abuse detection");
    if secondary {
        return Some((after(now, MINUTE / SECOND), RateScope::Secondary));
    }
    if message.contains("rate limit exceeded") {
        return Some((after(now, MINUTE / SECOND), RateScope::Primary));
    }
    (status == StatusCode::TOO_MANY_REQUESTS)
        .then(|| (after(now, MINUTE / SECOND), RateScope::Secondary))
}

fn after(now: Timestamp, seconds: i64) -> Timestamp {
    let wait = seconds.saturating_mul(SECOND).clamp(SECOND, LONGEST_WAIT);
    Timestamp(now.0.saturating_add(wait))
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .map(str::trim)
}
