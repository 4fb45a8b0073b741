//! What follows from how the other side answered.

use crate::time::{MINUTE, SECOND, Timestamp};

/// How often a delivery is sent at most. With [`wait_after`] that takes about 50 minutes.
pub const ATTEMPTS: i64 = 8;

/// How many deliveries in a row must fail for good until their connector is paused.
pub const BREAKER: i64 = 5;

/// The longest wait that the other side may ask for with `Retry-After`, in milliseconds: one hour.
pub const LONGEST_WAIT: i64 = 60 * MINUTE;

const FIRST_WAIT: i64 = 30 * SECOND;
const LARGEST_STEP: i64 = 20 * MINUTE;

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reached {
    /// There was an answer.
    Answer {
        /// Its HTTP status.
        status: u16,
        /// How long it asks us to wait, in milliseconds.
        retry_after_ms: Option<i64>,
    },
    /// There was none within the time.
    Silence,
    /// No connection, or it broke off.
    Broken,
    /// Nothing was sent: the connector's secret or host is not configured any more.
    NotConfigured(&'static str),
}

/// What becomes of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The other side has it.
    Delivered,
    /// It is sent again.
    Again {
        /// Stable, `snake_case`.
        code: &'static str,
        /// For people.
        message: String,
        /// The other side asks us to wait so long, in milliseconds.
        retry_after_ms: Option<i64>,
    },
    /// It will never be accepted.
    Never {
        /// Stable, `snake_case`.
        code: &'static str,
        /// For people.
        message: String,
    },
}

/// What becomes of a delivery after an attempt. Redirects are not followed: they could lead anywhere.
pub fn judge(reached: Reached) -> Outcome {
    let again = |code, message: &str| Outcome::Again {
        code,
        message: message.to_owned(),
        retry_after_ms: None,
    };
    match reached {
        Reached::Silence => again("timeout", "There was no answer within 10 seconds."),
        Reached::Broken => again("unreachable", "The other side could not be reached."),
        Reached::NotConfigured(code) => again(
            code,
            "Nothing was sent: the connector's secret or host is not in Loom's variables.",
        ),
        Reached::Answer { status, .. } if (200..300).contains(&status) => Outcome::Delivered,
        Reached::Answer { status, .. } if (300..400).contains(&status) => Outcome::Never {
            code: "redirected",
            message: format!(
                "The other side answered {status} and points elsewhere; redirects are not followed. Change the URL."
            ),
        },
        Reached::Answer {
            status: 429,
            retry_after_ms,
        } => Outcome::Again {
            code: "rate_limited",
            message: "The other side has had too many messages and asks to wait.".to_owned(),
            retry_after_ms,
        },
        Reached::Answer {
            status,
            retry_after_ms,
        } if matches!(status, 408 | 425) || status >= 500 => Outcome::Again {
            code: "server_error",
            message: format!("The other side answered {status}."),
            retry_after_ms,
        },
        Reached::Answer { status, .. } => Outcome::Never {
            code: "refused",
            message: format!(
                "The other side answered {status}: it does not take this message, or not from this URL."
            ),
        },
    }
}

/// How long to wait after the failed attempt number `attempt` (from 1), in milliseconds: 30 s, doubled each time up to
/// 20 min, and by `jitter` a fifth less to a fifth more, so that what failed together does not come back together.
pub fn wait_after(attempt: i64, jitter: u8) -> i64 {
    let doublings = u32::try_from(attempt.clamp(1, 20) - 1).unwrap_or(0);
    let wait = FIRST_WAIT.saturating_mul(1 << doublings).min(LARGEST_STEP);
    wait * 4 / 5 + wait * 2 / 5 * i64::from(jitter) / 255
}

/// Reads `Retry-After` (RFC 9110, 10.2.3): seconds, also with a fraction as Discord writes them, or a date. In
/// milliseconds, at most [`LONGEST_WAIT`].
pub fn retry_after_ms(value: &str, now: Timestamp) -> Option<i64> {
    let value = value.trim();
    let wait = match value.parse::<f64>() {
        Ok(seconds) if seconds.is_finite() && seconds >= 0.0 => {
            (seconds.min(86_400.0) * 1000.0).ceil() as i64
        }
        Ok(_) => return None,
        Err(_) => http_date(value)?.0 - now.0,
    };
    Some(wait.clamp(0, LONGEST_WAIT))
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`.
fn http_date(text: &str) -> Option<Timestamp> {
    const MONTHS: &str = "JanFebMarAprMayJunJulAugSepOctNovDec";
    let (_, rest) = text.split_once(", ")?;
    let mut words = rest.split(' ');
    let (day, month, year, time) = (words.next()?, words.next()?, words.next()?, words.next()?);
    if words.next()? != "GMT" || month.len() != 3 {
        return None;
    }
    let month = MONTHS.find(month).filter(|place| place % 3 == 0)? / 3 + 1;
    Timestamp::parse(&format!("{year:0>4}-{month:02}-{day:0>2}T{time}Z"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_answer_has_its_consequence() {
        let answer = |status| {
            judge(Reached::Answer {
                status,
                retry_after_ms: Some(7),
            })
        };
        for status in [200, 202, 204] {
            assert_eq!(answer(status), Outcome::Delivered);
        }
        for (status, code) in [
            (301, "redirected"),
            (307, "redirected"),
            (400, "refused"),
            (404, "refused"),
            (410, "refused"),
        ] {
            assert!(
                matches!(answer(status), Outcome::Never { code: found, .. } if found == code),
                "{status}"
            );
        }
        for (status, code) in [
            (429, "rate_limited"),
            (408, "server_error"),
            (500, "server_error"),
            (503, "server_error"),
        ] {
            assert!(
                matches!(answer(status), Outcome::Again { code: found, retry_after_ms: Some(7), .. } if found == code),
                "{status}"
            );
        }
        assert!(matches!(
            judge(Reached::Silence),
            Outcome::Again {
                code: "timeout",
                ..
            }
        ));
        assert!(matches!(
            judge(Reached::Broken),
            Outcome::Again {
                code: "unreachable",
                ..
            }
        ));
    }

    #[test]
    fn waits_are_bounded() {
        let total: i64 = (1..ATTEMPTS).map(|attempt| wait_after(attempt, 255)).sum();
        assert!((45 * MINUTE..75 * MINUTE).contains(&total), "{total}");
        assert_eq!(wait_after(1, 0), 24 * SECOND);
        assert_eq!(wait_after(1, 255), 36 * SECOND);
        assert_eq!(wait_after(99, 255), 24 * MINUTE);
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = Timestamp::parse("1994-11-06T08:49:07Z").unwrap();
        for (value, expected) in [
            ("2", Some(2_000)),
            (" 0.65 ", Some(650)),
            ("0", Some(0)),
            ("999999999", Some(LONGEST_WAIT)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(30_000)),
            ("Sun, 06 Nov 1994 08:49:00 GMT", Some(0)),
            ("-1", None),
            ("NaN", None),
            ("soon", None),
            ("Sun, 06 anF 1994 08:49:37 GMT", None),
            ("", None),
        ] {
            assert_eq!(retry_after_ms(value, now), expected, "{value}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(value in ".{0,40}", attempt: i64, jitter: u8) {
            let _ = retry_after_ms(&value, Timestamp(0));
            let wait = wait_after(attempt, jitter);
            prop_assert!((24 * SECOND..=24 * MINUTE).contains(&wait));
        }
    }
}
