//! Moments and durations in the form that JSON and SQL use.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// A moment: milliseconds since the Unix epoch, UTC. RFC 3339 with milliseconds in JSON, an integer in SQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

/// One second in milliseconds.
pub const SECOND: i64 = 1_000;
/// One minute in milliseconds.
pub const MINUTE: i64 = 60 * SECOND;
/// One day in milliseconds.
pub const DAY: i64 = 24 * 60 * MINUTE;

impl Timestamp {
    /// The moment as RFC 3339 in UTC, with milliseconds: `2026-11-24T08:05:34.120Z`.
    pub fn to_rfc3339(self) -> String {
        let (days, in_day) = (self.0.div_euclid(DAY), self.0.rem_euclid(DAY));
        let (year, month, day) = civil_from_days(days);
        let (seconds, milliseconds) = (in_day / SECOND, in_day % SECOND);
        format!(
            "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{milliseconds:03}Z",
            seconds / 3600,
            seconds / 60 % 60,
            seconds % 60
        )
    }

    /// The UTC day, as `2026-11-24`: the subject of the daily budget.
    pub fn day(self) -> String {
        let (year, month, day) = civil_from_days(self.0.div_euclid(DAY));
        format!("{year:04}-{month:02}-{day:02}")
    }

    /// Reads RFC 3339 with any offset; a missing fraction is zero, and more than milliseconds are cut off.
    pub fn parse(text: &str) -> Option<Self> {
        let number = |range: std::ops::Range<usize>| -> Option<i64> {
            let part = text.get(range)?;
            part.bytes()
                .all(|byte| byte.is_ascii_digit())
                .then(|| part.parse().ok())?
        };
        let literal = |index: usize, allowed: &[u8]| {
            text.as_bytes()
                .get(index)
                .is_some_and(|byte| allowed.contains(byte))
                .then_some(())
        };
        let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
        let (hour, minute, second) = (number(11..13)?, number(14..16)?, number(17..19)?);
        literal(4, b"-")?;
        literal(7, b"-")?;
        literal(10, b"Tt ")?;
        literal(13, b":")?;
        literal(16, b":")?;
        if hour > 23 || minute > 59 || second > 60 {
            return None;
        }
        let mut rest = text.get(19..)?;
        let mut milliseconds = 0;
        if let Some(fraction) = rest.strip_prefix('.') {
            let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
            if digits == 0 {
                return None;
            }
            let shown: String = fraction.chars().take(digits.min(3)).collect();
            milliseconds = format!("{shown:0<3}").parse().ok()?;
            rest = fraction.get(digits..)?;
        }
        let offset = match rest {
            "Z" | "z" => 0,
            _ => {
                let sign = match rest.as_bytes().first()? {
                    b'+' => 1,
                    b'-' => -1,
                    _ => return None,
                };
                let (hours, minutes) = rest.get(1..)?.split_once(':')?;
                if hours.len() != 2 || minutes.len() != 2 {
                    return None;
                }
                sign * (hours.parse::<i64>().ok()? * 60 + minutes.parse::<i64>().ok()?) * MINUTE
            }
        };
        let days = days_from_civil(year, month, day)?;
        Some(Self(
            days * DAY + (hour * 3600 + minute * 60 + second) * SECOND + milliseconds - offset,
        ))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_rfc3339())
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| {
            D::Error::custom("a time must be RFC 3339, such as 2026-11-24T08:05:34Z")
        })
    }
}

/// The proleptic Gregorian date of a day number (0 = 1970-01-01), by counting eras of 400 years from March.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// The inverse of [`civil_from_days`]; `None` for a date that does not exist.
fn days_from_civil(year: i64, month: i64, day: i64) -> Option<i64> {
    let shifted_year = if month <= 2 { year - 1 } else { year };
    let shifted_month = if month > 2 { month - 3 } else { month + 9 };
    let era = shifted_year.div_euclid(400);
    let year_of_era = shifted_year.rem_euclid(400);
    let day_of_year = (153 * shifted_month + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    let days = era * 146_097 + day_of_era - 719_468;
    (civil_from_days(days) == (year, month, day)).then_some(days)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_moments() {
        for (text, milliseconds) in [
            ("1970-01-01T00:00:00.000Z", 0),
            ("2000-02-29T12:00:00.500Z", 951_825_600_500),
            ("2026-11-24T08:05:34.120Z", 1_795_507_534_120),
        ] {
            assert_eq!(
                Timestamp::parse(text),
                Some(Timestamp(milliseconds)),
                "{text}"
            );
            assert_eq!(Timestamp(milliseconds).to_rfc3339(), text);
        }
        assert_eq!(
            Timestamp::parse("1970-01-01T01:00:00+01:00"),
            Some(Timestamp(0))
        );
    }

    #[test]
    fn what_is_no_moment() {
        for text in [
            "",
            "2026-02-30T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-01-01",
            "2026-01-01T00:00:00",
            "yesterday",
        ] {
            assert_eq!(Timestamp::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn reads_what_it_writes(milliseconds in 0i64..4_102_444_800_000) {
            prop_assert_eq!(Timestamp::parse(&Timestamp(milliseconds).to_rfc3339()), Some(Timestamp(milliseconds)));
        }

        #[test]
        fn never_panics(text in ".{0,40}") {
            let _ = Timestamp::parse(&text);
        }
    }
}
