//! Months, quarters and weeks of UTC.

use crate::time::{DAY, Timestamp};

/// The first moment of the month `offset` months after the one of `at`.
pub(super) fn month_start(at: Timestamp, offset: i64) -> Timestamp {
    let (year, month) = year_and_month(at);
    let months = year * 12 + (month - 1) + offset;
    let text = format!(
        "{:04}-{:02}-01T00:00:00Z",
        months.div_euclid(12),
        months.rem_euclid(12) + 1
    );
    Timestamp::parse(&text).unwrap_or(at)
}

/// The first moment of the next quarter.
pub(super) fn next_quarter(at: Timestamp) -> Timestamp {
    let (_, month) = year_and_month(at);
    month_start(at, 3 - (month - 1).rem_euclid(3))
}

/// The first moment of the Monday on or before `at`.
pub(super) fn week_start(at: Timestamp) -> Timestamp {
    let days = at.0.div_euclid(DAY);
    // 1970-01-01 was a Thursday.
    Timestamp((days - (days + 3).rem_euclid(7)) * DAY)
}

/// The first moment of the day.
pub(super) fn day_start(at: Timestamp) -> Timestamp {
    Timestamp(at.0.div_euclid(DAY) * DAY)
}

fn year_and_month(at: Timestamp) -> (i64, i64) {
    let day = at.day();
    let mut parts = day.split('-').map(|part| part.parse().unwrap_or(1));
    (parts.next().unwrap_or(1970), parts.next().unwrap_or(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    #[test]
    fn months_quarters_and_weeks() {
        let november = at("2026-11-24T08:05:34Z");
        assert_eq!(month_start(november, 0), at("2026-11-01T00:00:00Z"));
        assert_eq!(month_start(november, 1), at("2026-12-01T00:00:00Z"));
        assert_eq!(month_start(november, 2), at("2027-01-01T00:00:00Z"));
        assert_eq!(next_quarter(november), at("2027-01-01T00:00:00Z"));
        assert_eq!(
            next_quarter(at("2027-01-01T00:00:00Z")),
            at("2027-04-01T00:00:00Z")
        );
        assert_eq!(week_start(november), at("2026-11-23T00:00:00Z"));
        assert_eq!(
            week_start(at("2026-11-23T00:00:00Z")),
            at("2026-11-23T00:00:00Z")
        );
        assert_eq!(day_start(november), at("2026-11-24T00:00:00Z"));
    }
}
