//! Which deliveries GitHub is asked to send again: it tries each once, whatever came of it.

use std::collections::{BTreeMap, BTreeSet};

use crate::time::{DAY, MINUTE, Timestamp};

/// How often GitHub is asked to send one delivery again.
pub const MAX_REDELIVERIES: i64 = 4;
/// How far back is looked, in milliseconds: as long as GitHub can send again.
pub const REDELIVERY_SPAN: i64 = 3 * DAY;
/// How often is looked, in milliseconds.
pub const REDELIVERY_PERIOD: i64 = 5 * MINUTE;

/// One attempt of GitHub to deliver, as GitHub lists them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// The number of the attempt, by which it is sent again.
    pub id: i64,
    /// The delivery that it was for.
    pub guid: String,
    /// Whether it was answered with 2xx.
    pub is_delivered: bool,
    /// When it was made.
    pub delivered_at: Timestamp,
}

/// The latest attempt of each delivery that never arrived, oldest first: those within the span, of which no attempt
/// succeeded, and that are not `known` to have arrived all the same.
pub fn to_redeliver<'a>(
    attempts: &'a [Attempt],
    known: &BTreeSet<String>,
    now: Timestamp,
) -> Vec<&'a Attempt> {
    let mut latest: BTreeMap<&str, &Attempt> = BTreeMap::new();
    let mut arrived: BTreeSet<&str> = BTreeSet::new();
    for attempt in attempts {
        if attempt.is_delivered {
            arrived.insert(&attempt.guid);
        }
        let newest = latest.entry(&attempt.guid).or_insert(attempt);
        if (attempt.delivered_at, attempt.id) > (newest.delivered_at, newest.id) {
            *newest = attempt;
        }
    }
    let mut wanted: Vec<&Attempt> = latest
        .into_values()
        .filter(|attempt| {
            !arrived.contains(attempt.guid.as_str())
                && !known.contains(&attempt.guid)
                && attempt.delivered_at.0 >= now.0 - REDELIVERY_SPAN
        })
        .collect();
    wanted.sort_by_key(|attempt| (attempt.delivered_at, attempt.id));
    wanted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(id: i64, guid: &str, is_delivered: bool, at: i64) -> Attempt {
        Attempt {
            id,
            guid: guid.to_owned(),
            is_delivered,
            delivered_at: Timestamp(at),
        }
    }

    #[test]
    fn what_never_arrived_is_asked_for_once() {
        let now = Timestamp(10 * DAY);
        let recent = now.0 - MINUTE;
        let attempts = [
            attempt(9, "twice", false, recent + 5),
            attempt(8, "lost", false, recent),
            attempt(7, "healed", true, recent),
            attempt(6, "healed", false, recent - 9),
            attempt(5, "twice", false, recent - 20),
            attempt(4, "kept", false, recent),
            attempt(3, "old", false, now.0 - REDELIVERY_SPAN - 1),
        ];
        let known = BTreeSet::from(["kept".to_owned()]);
        let ids: Vec<i64> = to_redeliver(&attempts, &known, now)
            .iter()
            .map(|attempt| attempt.id)
            .collect();
        assert_eq!(ids, [8, 9]);
    }
}
