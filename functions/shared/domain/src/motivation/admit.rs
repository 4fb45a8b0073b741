use std::cmp::Reverse;

use super::{BreakerState, Motivation, TriggerResult};
use crate::time::{DAY, MINUTE, Timestamp};

/// How many motivations fire in one sweep. The others that are due fire in the next ones, the most urgent first.
pub const MAX_FIRED_PER_SWEEP: usize = 10;

/// What motivations may do within a UTC day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caps {
    /// Beads filed in one project.
    pub filed_in_project: i64,
    /// Beads filed in all.
    pub filed: i64,
    /// Firings in one project, those that only wake a role included.
    pub fired_in_project: i64,
    /// Firings in all.
    pub fired: i64,
}

impl Caps {
    /// The caps in force.
    pub const IN_FORCE: Self = Self {
        filed_in_project: 24,
        filed: 100,
        fired_in_project: 100,
        fired: 500,
    };
}

/// What motivations did on a UTC day.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DayCounts {
    /// Beads filed in the motivation's project.
    pub filed_in_project: i64,
    /// Beads filed in all.
    pub filed: i64,
    /// Firings in the motivation's project.
    pub fired_in_project: i64,
    /// Firings in all.
    pub fired: i64,
}

/// Whether a motivation that is due may fire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Admission {
    /// It may.
    Fire,
    /// It may not.
    Hold {
        /// What holds it.
        result: TriggerResult,
        /// That in a sentence.
        reason: String,
        /// It need not be looked at before.
        until: Timestamp,
    },
}

/// Whether a motivation that is due may fire: its breaker first, then the caps of the day.
///
/// `is_manual` says that a person fires it, who may try it although its breaker is open; the caps hold for everybody.
pub fn admit(
    motivation: &Motivation,
    counts: DayCounts,
    caps: Caps,
    is_manual: bool,
    now: Timestamp,
) -> Admission {
    if !is_manual && !motivation.breaker.allows(now) {
        let (reason, until) = match motivation.breaker.state {
            BreakerState::HalfOpen => (
                "Its circuit breaker is half open: it fires again when the bead of its trial is closed.".to_owned(),
                Timestamp(now.0 + 5 * MINUTE),
            ),
            _ => {
                let until = motivation.breaker.retry_at.unwrap_or(now);
                let reason = format!(
                    "Its circuit breaker is open after {} failures in a row; it is tried again at {}.",
                    motivation.breaker.failures,
                    until.to_rfc3339()
                );
                (reason, until)
            }
        };
        return Admission::Hold {
            result: TriggerResult::BreakerOpen,
            reason,
            until,
        };
    }
    let files = motivation.bead_template.is_some();
    let reached = [
        (
            files && counts.filed_in_project >= caps.filed_in_project,
            "beads were filed in this project",
            caps.filed_in_project,
        ),
        (
            files && counts.filed >= caps.filed,
            "beads were filed in all",
            caps.filed,
        ),
        (
            counts.fired_in_project >= caps.fired_in_project,
            "motivations fired in this project",
            caps.fired_in_project,
        ),
        (
            counts.fired >= caps.fired,
            "motivations fired in all",
            caps.fired,
        ),
    ];
    match reached.into_iter().find(|(is_reached, ..)| *is_reached) {
        None => Admission::Fire,
        Some((_, what, cap)) => Admission::Hold {
            result: TriggerResult::Capped,
            reason: format!(
                "{cap} {what} today (UTC) by motivations, the most that is allowed on a day."
            ),
            until: Timestamp((now.0.div_euclid(DAY) + 1) * DAY),
        },
    }
}

/// The order in which motivations that are due fire: the highest priority first, among equals the one that fired
/// longest ago.
pub fn by_urgency(motivation: &Motivation) -> (Reverse<i64>, i64, String) {
    (
        Reverse(motivation.priority),
        motivation.last_triggered_at.map_or(i64::MIN, |at| at.0),
        motivation.id.clone(),
    )
}
