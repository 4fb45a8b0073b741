//! Instants as GitHub and Git write them.

use std::time::{SystemTime, UNIX_EPOCH};

/// Seconds since the epoch by the machine's clock.
pub(crate) fn machine_seconds() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| {
            i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
        })
}

/// `2011-04-14T16:00:49Z`.
pub(crate) fn rfc3339(seconds: i64) -> String {
    let days = seconds.div_euclid(86_400);
    let rest = seconds.rem_euclid(86_400);
    let (year, month, day) = civil(days);
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z",
        rest / 3_600,
        rest / 60 % 60,
        rest % 60
    )
}

/// Year, month and day of a day since the epoch (Hinnant's algorithm).
fn civil(days: i64) -> (i64, i64, i64) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let day = doy - (153 * mp + 2) / 5 + 1;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    (yoe + era * 400 + i64::from(month <= 2), month, day)
}

fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let yoe = year.rem_euclid(400);
    let mp = (month + 9) % 12;
    let doy = (153 * mp + 2) / 5 + day - 1;
    era * 146_097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719_468
}

/// Seconds and Git's zone (`+0200`) of an ISO 8601 instant; `None` if it is none.
pub(crate) fn parse(text: &str) -> Option<(i64, String)> {
    let number = |range: std::ops::Range<usize>| text.get(range)?.parse::<i64>().ok();
    if text.get(4..5)? != "-" || text.get(7..8)? != "-" || !matches!(text.get(10..11)?, "T" | " ") {
        return None;
    }
    let day = days(number(0..4)?, number(5..7)?, number(8..10)?);
    let of_day = number(11..13)? * 3_600 + number(14..16)? * 60 + number(17..19)?;
    let mut zone = text.get(19..)?;
    if let Some(fraction) = zone.strip_prefix('.') {
        zone = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
    }
    if zone == "Z" {
        return Some((day * 86_400 + of_day, String::from("+0000")));
    }
    let sign = match zone.get(0..1)? {
        "+" => 1,
        "-" => -1,
        _ => return None,
    };
    let digits: String = zone.chars().filter(char::is_ascii_digit).collect();
    let hours: i64 = digits.get(0..2)?.parse().ok()?;
    let minutes: i64 = digits.get(2..4)?.parse().ok()?;
    let offset = sign * (hours * 3_600 + minutes * 60);
    let zone = format!("{}{digits}", zone.get(0..1)?);
    Some((day * 86_400 + of_day - offset, zone))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_survive_writing_and_reading() {
        for seconds in [0, 951_782_400, 951_868_799, 1_709_164_800, 4_102_444_799] {
            assert_eq!(parse(&rfc3339(seconds)).unwrap().0, seconds);
        }
        assert_eq!(rfc3339(1_302_796_849), "2011-04-14T16:00:49Z");
    }

    #[test]
    fn a_zone_is_kept() {
        assert_eq!(
            parse("2011-04-14T18:00:49.25+02:00"),
            Some((1_302_796_849, String::from("+0200")))
        );
        assert_eq!(parse("yesterday"), None);
    }
}
