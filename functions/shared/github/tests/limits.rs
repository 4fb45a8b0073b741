//! GitHub's two rate limits, as its answers tell of them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod common;

use common::{Stub, Told, message};
use loom_domain::time::{MINUTE, SECOND};
use loom_github::{GithubError, RateScope};
use loom_platform::{Clock, Platform};

/// How long to wait, and for which limit. The call happened somewhere between two readings of the clock.
async fn wait(answer: impl Fn() -> Told + Send + Sync + 'static) -> (Wait, RateScope) {
    let stub = Stub::new(move |_, _| answer());
    let repository = stub.repository().await;
    let before = stub.platform.clock().now();
    let error = repository.create_comment(1, "x").await.unwrap_err();
    assert_eq!(error.code(), "github_rate_limited");
    assert!(error.is_retryable() && !error.may_have_acted());
    // Neither slept through nor tried again.
    assert_eq!(stub.asked().len(), 1);
    let GithubError::RateLimited { until, scope } = error.clone() else {
        panic!("{error:?}");
    };
    assert_eq!(error.retry_at(), Some(until));
    let wait = Wait {
        longest: until.0 - before,
        shortest: until.0 - stub.platform.clock().now(),
    };
    (wait, scope)
}

/// A wait in milliseconds, as precisely as it is known.
#[derive(Debug)]
struct Wait {
    shortest: i64,
    longest: i64,
}

/// That the wait is as long as it should be, but for the part of a second that headers do not have.
fn about(wait: &Wait, expected: i64) -> bool {
    wait.longest >= expected - SECOND && wait.shortest <= expected + SECOND
}

#[tokio::test]
async fn a_used_up_hour_ends_when_github_says() {
    for status in [403, 429] {
        let (waits, scope) = wait(move || {
            let platform = loom_platform::native::NativePlatform::builder()
                .build()
                .unwrap();
            let reset = platform.clock().now() / SECOND + 1_800;
            message(status, "API rate limit exceeded for installation ID 7.")
                .header("x-ratelimit-remaining", "0")
                .header("x-ratelimit-reset", reset.to_string())
        })
        .await;
        assert_eq!(scope, RateScope::Primary);
        assert!(about(&waits, 1_801 * SECOND), "{waits:?}");
    }
}

#[tokio::test]
async fn the_secondary_limit_says_how_long_or_means_a_minute() {
    for status in [403, 429] {
        let (waits, scope) = wait(move || {
            message(status, "You have exceeded a secondary rate limit.")
                .header("retry-after", "120")
        })
        .await;
        assert_eq!(scope, RateScope::Secondary);
        assert!(about(&waits, 120 * SECOND), "{waits:?}");
        let (waits, scope) = wait(move || {
            message(
                status,
                "You have exceeded a secondary rate limit. Please wait a few minutes.",
            )
            .header("x-ratelimit-remaining", "4711")
        })
        .await;
        assert_eq!(scope, RateScope::Secondary);
        assert!(about(&waits, MINUTE), "{waits:?}");
    }
    let (waits, scope) = wait(|| message(429, "Too Many Requests")).await;
    assert_eq!(scope, RateScope::Secondary);
    assert!(about(&waits, MINUTE), "{waits:?}");
}

#[tokio::test]
async fn nonsense_is_bounded() {
    let (waits, _) = wait(|| message(429, "x").header("retry-after", "99999999999999")).await;
    assert!(about(&waits, 65 * MINUTE), "{waits:?}");
    let (waits, _) =
        wait(|| message(429, "x").header("retry-after", "Wed, 21 Oct 2026 07:28:00 GMT")).await;
    assert!(about(&waits, MINUTE), "{waits:?}");
    // A reset in the past: clocks differ.
    let (waits, _) = wait(|| {
        message(403, "x")
            .header("x-ratelimit-remaining", "0")
            .header("x-ratelimit-reset", "12")
    })
    .await;
    assert!(about(&waits, SECOND), "{waits:?}");
}

#[tokio::test]
async fn a_refusal_is_no_limit() {
    let stub = Stub::new(|_, _| {
        message(403, "Resource not accessible by integration")
            .header("x-ratelimit-remaining", "4711")
    });
    assert_eq!(
        common::code(stub.repository().await.get_pull(1).await),
        "github_forbidden"
    );
}
