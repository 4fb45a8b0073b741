//! Deliveries of GitHub's webhooks: each is kept when it comes, and handled once (invariant I8).

mod payload;
mod redelivery;

pub use payload::{Envelope, is_event_name, is_guid, missing_member, payload_of_form, signature};
pub use redelivery::{Attempt, MAX_REDELIVERIES, REDELIVERY_PERIOD, REDELIVERY_SPAN, to_redeliver};

use serde::{Deserialize, Serialize};

use crate::time::{DAY, MINUTE, SECOND, Timestamp};

/// The largest body that is accepted, in bytes: GitHub sends payloads of up to 25 MB and drops larger ones
/// (docs.github.com, "Webhook events and payloads").
pub const LARGEST_BODY: usize = 25 * 1024 * 1024;
/// How long a handler may be silent before another takes over, in milliseconds: longer than all its calls of GitHub.
pub const LEASE: i64 = 2 * MINUTE;
/// How often a delivery is tried before it counts as failed.
pub const MAX_ATTEMPTS: i64 = 6;
/// How long one whose handling only waits for GitHub (a rate limit) is tried, in milliseconds.
pub const LONGEST_WAIT: i64 = DAY;
/// How long headers and body are kept, in milliseconds.
pub const PAYLOAD_KEPT: i64 = 7 * DAY;
/// How long it is known that a delivery came, in milliseconds: as long, no second one is taken for new.
pub const KNOWN: i64 = 30 * DAY;

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryStatus {
    /// It is kept, and waits to be handled.
    Received,
    /// It is being handled, until its lease runs out.
    Processing,
    /// It was handled, and did something.
    Processed,
    /// It was handled, and there was nothing to do.
    Ignored,
    /// It could not be handled: `error` says why. A redelivery or a replay tries again.
    Failed,
}

impl DeliveryStatus {
    /// Every status.
    pub const ALL: &[Self] = &[
        Self::Received,
        Self::Processing,
        Self::Processed,
        Self::Ignored,
        Self::Failed,
    ];

    /// The word in JSON and SQL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Processing => "processing",
            Self::Processed => "processed",
            Self::Ignored => "ignored",
            Self::Failed => "failed",
        }
    }

    /// The status of that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|status| status.as_str() == word)
    }

    /// Whether it has been handled, for good or ill.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Processed | Self::Ignored | Self::Failed)
    }
}

/// A delivery, without its payload.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Delivery {
    /// Loom's own id: a UUIDv7.
    pub id: String,
    /// GitHub's: `X-GitHub-Delivery`. A redelivery has the same.
    pub guid: String,
    /// The SHA-256 of the payload, in hexadecimal.
    pub sha256: String,
    /// `X-GitHub-Event`.
    pub event: String,
    /// The payload's `action`, if it has one.
    pub action: Option<String>,
    /// The repository, as `owner/name`, if it is about one.
    pub repository: Option<String>,
    /// The project that the repository belonged to when it came.
    pub project_id: Option<String>,
    /// The installation of the GitHub App that it came from, if it came from one.
    pub installation_id: Option<i64>,
    /// Where it stands.
    pub status: DeliveryStatus,
    /// What came of it, as a code.
    pub outcome: Option<String>,
    /// Why the last attempt failed, or what was not done and why, as a sentence.
    pub error: Option<String>,
    /// The bead that it was about, if there was one.
    pub bead_id: Option<String>,
    /// How often it was tried.
    pub attempts: i64,
    /// How often the same came again.
    pub repeats: i64,
    /// The size of the payload in bytes.
    pub size: i64,
    /// When it came.
    pub received_at: Timestamp,
    /// When it is tried next, while it waits.
    pub due_at: Option<Timestamp>,
    /// Until when its handler may be silent, while it is being handled.
    pub lease_until: Option<Timestamp>,
    /// When it was handled.
    pub processed_at: Option<Timestamp>,
    /// Every change raises it by one; who handles it proves by it that nobody took over.
    #[serde(skip)]
    pub fence: i64,
}

/// What is done with a delivery that is known already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// It is answered, and nothing else.
    Duplicate,
    /// It is handled again, now.
    Retry,
}

/// What is done when a delivery comes that is known: one that failed, or that waits after a failed attempt, is tried
/// again if it is the same in GUID and payload. Everything else is a duplicate.
pub fn on_repeat(known: &Delivery, guid: &str, sha256: &str) -> Repeat {
    let is_same = known.guid == guid && known.sha256 == sha256;
    let has_failed = match known.status {
        DeliveryStatus::Failed => true,
        DeliveryStatus::Received => known.attempts > 0,
        _ => false,
    };
    if is_same && has_failed {
        Repeat::Retry
    } else {
        Repeat::Duplicate
    }
}

/// What follows an attempt that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// It is tried again at this time.
    Again(Timestamp),
    /// It has failed: people see it.
    Failed,
}

/// What follows when the attempt number `attempts` failed at `now`. Until `wait_until`, if that is given, GitHub takes no
/// calls: such a wait is nobody's fault, and ends the delivery only when it has lasted a day.
pub fn after_failure(
    attempts: i64,
    received_at: Timestamp,
    wait_until: Option<Timestamp>,
    now: Timestamp,
) -> Next {
    match wait_until {
        Some(_) if now.0 - received_at.0 >= LONGEST_WAIT => Next::Failed,
        Some(until) => Next::Again(Timestamp(until.0.max(now.0 + SECOND))),
        None if attempts >= MAX_ATTEMPTS => Next::Failed,
        None => Next::Again(Timestamp(now.0 + back_off(attempts))),
    }
}

/// How long is waited after that many failed attempts, in milliseconds: 10 s, 40 s, 160 s, … up to half an hour.
fn back_off(attempts: i64) -> i64 {
    let doublings = u32::try_from(attempts.clamp(1, 8) - 1).unwrap_or(0) * 2;
    ((10 * SECOND) << doublings).min(30 * MINUTE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(status: DeliveryStatus, attempts: i64) -> Delivery {
        Delivery {
            id: "1".into(),
            guid: "g".into(),
            sha256: "d".into(),
            event: "issues".into(),
            action: None,
            repository: None,
            project_id: None,
            installation_id: None,
            status,
            outcome: None,
            error: None,
            bead_id: None,
            attempts,
            repeats: 0,
            size: 2,
            received_at: Timestamp(0),
            due_at: None,
            lease_until: None,
            processed_at: None,
            fence: 0,
        }
    }

    #[test]
    fn i8_only_the_same_delivery_that_failed_is_tried_again() {
        use DeliveryStatus::{Failed, Ignored, Processed, Processing, Received};
        for (status, attempts, expected) in [
            (Received, 0, Repeat::Duplicate),
            (Received, 1, Repeat::Retry),
            (Processing, 1, Repeat::Duplicate),
            (Processed, 1, Repeat::Duplicate),
            (Ignored, 1, Repeat::Duplicate),
            (Failed, 6, Repeat::Retry),
        ] {
            let known = known(status, attempts);
            assert_eq!(on_repeat(&known, "g", "d"), expected, "{status:?}");
            assert_eq!(on_repeat(&known, "other", "d"), Repeat::Duplicate);
            assert_eq!(on_repeat(&known, "g", "other"), Repeat::Duplicate);
        }
    }

    #[test]
    fn attempts_are_bounded_and_lie_ever_further_apart() {
        let start = Timestamp(1_000_000);
        let mut last = 0;
        for attempts in 1..MAX_ATTEMPTS {
            let Next::Again(at) = after_failure(attempts, start, None, start) else {
                panic!("attempt {attempts} was the last");
            };
            assert!(at.0 - start.0 > last, "attempt {attempts}");
            last = at.0 - start.0;
        }
        assert!(last <= 30 * MINUTE);
        assert_eq!(
            after_failure(MAX_ATTEMPTS, start, None, start),
            Next::Failed
        );
        assert!(matches!(
            after_failure(99, start, None, start),
            Next::Failed
        ));
    }

    #[test]
    fn a_rate_limit_is_waited_for_a_day() {
        let start = Timestamp(1_000_000);
        let until = Timestamp(start.0 + 60 * MINUTE);
        assert_eq!(
            after_failure(MAX_ATTEMPTS + 5, start, Some(until), start),
            Next::Again(until)
        );
        let late = Timestamp(start.0 + LONGEST_WAIT);
        assert_eq!(after_failure(1, start, Some(until), late), Next::Failed);
        let past = Timestamp(start.0 - 5);
        assert_eq!(
            after_failure(1, start, Some(past), start),
            Next::Again(Timestamp(start.0 + SECOND))
        );
    }

    #[test]
    fn words() {
        for status in DeliveryStatus::ALL {
            assert_eq!(DeliveryStatus::parse(status.as_str()), Some(*status));
            assert_eq!(
                serde_json::to_value(status).unwrap(),
                serde_json::json!(status.as_str())
            );
        }
    }
}
