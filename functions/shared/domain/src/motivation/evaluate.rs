use serde::Serialize;

use super::{Facts, Motivation, MotivationStatus, occurrences::occurrences, schedule::of_time};
use crate::time::Timestamp;

/// How many occurrences a reason names.
const NAMED: usize = 10;

/// One thing that makes a motivation due.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Occurrence {
    /// What it is, so that it is handled once by its motivation.
    pub key: String,
    /// What it is, for people.
    pub summary: String,
    /// The bead that it is about.
    pub bead_id: Option<String>,
    /// When it began.
    pub at: Timestamp,
}

/// A motivation that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// Why, in a sentence.
    pub reason: String,
    /// What it is due for: all that is new since it fired last, so one firing answers for all of it.
    pub occurrences: Vec<Occurrence>,
    /// Earlier occurrences of an interval that passed while nobody looked. They are recorded and not made up for.
    pub missed: i64,
}

/// Whether a motivation is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is not.
    NotDue,
    /// It is.
    Due(Due),
    /// An occurrence of time falls into its cool-down: it is recorded and passes.
    Cooling,
    /// So many occurrences of time passed longer ago than they may be late. They are recorded and not made up for.
    Missed(i64),
}

/// Whether `motivation` is due at `now`.
///
/// Conditions of time are due when [`Motivation::next_fire_at`] has come. All others are due for occurrences that it
/// has not handled yet, and only when it doesn't cool down.
pub fn evaluate(motivation: &Motivation, facts: &Facts, now: Timestamp) -> Verdict {
    if motivation.status != MotivationStatus::Active {
        return Verdict::NotDue;
    }
    if motivation.condition.need().is_none() {
        return of_time(motivation, now);
    }
    if motivation.is_cooling(now) {
        return Verdict::NotDue;
    }
    let mut occurrences = occurrences(motivation, facts, now);
    if let Some(handled) = facts.handled.get(&motivation.id) {
        occurrences.retain(|occurrence| !handled.contains(&occurrence.key));
    }
    if occurrences.is_empty() {
        return Verdict::NotDue;
    }
    let named: Vec<&str> = occurrences
        .iter()
        .take(NAMED)
        .map(|occurrence| occurrence.summary.as_str())
        .collect();
    let mut reason = named.join("; ");
    if occurrences.len() > NAMED {
        reason.push_str(&format!("; and {} more", occurrences.len() - NAMED));
    }
    reason.push('.');
    Verdict::Due(Due {
        reason,
        occurrences,
        missed: 0,
    })
}
