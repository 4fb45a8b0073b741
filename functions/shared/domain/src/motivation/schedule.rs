use super::{
    Condition, Due, Motivation, Occurrence, Verdict,
    calendar::{month_start, next_quarter},
};
use crate::time::{MINUTE, Timestamp};

/// The next occurrence of a condition of time after `now`; `none` for the others, and for a moment that has passed.
///
/// `planned` is the occurrence before, which keeps intervals in step: being late once shifts none of the later ones.
pub fn next_fire_at(
    condition: &Condition,
    planned: Option<Timestamp>,
    now: Timestamp,
) -> Option<Timestamp> {
    match condition {
        Condition::TimeReached { at } => (*at > now).then_some(*at),
        Condition::ScheduledInterval { minutes } => {
            let Some(planned) = planned else {
                return Some(now);
            };
            if planned > now {
                return Some(planned);
            }
            let period = (minutes * MINUTE).max(MINUTE);
            let passed = (now.0 - planned.0) / period + 1;
            Some(Timestamp(planned.0 + passed * period))
        }
        Condition::MonthBoundary {} => Some(month_start(now, 1)),
        Condition::QuarterBoundary {} => Some(next_quarter(now)),
        _ => None,
    }
}

/// Whether a condition of time is due.
pub(super) fn of_time(motivation: &Motivation, now: Timestamp) -> Verdict {
    let Some(planned) = motivation.next_fire_at.filter(|at| *at <= now) else {
        return Verdict::NotDue;
    };
    let condition = &motivation.condition;
    let mut missed = 0;
    if let Condition::ScheduledInterval { minutes } = condition {
        missed = (now.0 - planned.0) / (minutes * MINUTE).max(MINUTE);
    } else if now.0 - planned.0 > condition.grace() {
        // Later boundaries may have passed too, and the newest of them may still be acted on.
        let mut newest = planned;
        let mut passed = 1;
        while let Some(next) = next_fire_at(condition, Some(newest), newest)
            && next <= now
            && passed < 1_000
        {
            newest = next;
            passed += 1;
        }
        if now.0 - newest.0 > condition.grace() {
            return Verdict::Missed(passed);
        }
        missed = passed - 1;
    }
    if motivation.is_cooling(now) {
        return Verdict::Cooling;
    }
    let summary = match condition {
        Condition::TimeReached { .. } => format!("{} is reached", planned.to_rfc3339()),
        Condition::MonthBoundary {} => format!("a month began on {}", month_start(now, 0).day()),
        Condition::QuarterBoundary {} => {
            format!("a quarter began on {}", month_start(planned, 0).day())
        }
        _ => format!("it was planned for {}", planned.to_rfc3339()),
    };
    Verdict::Due(Due {
        reason: format!("{summary}."),
        occurrences: vec![Occurrence {
            key: format!("time:{}", planned.0),
            summary,
            bead_id: None,
            at: planned,
        }],
        missed,
    })
}
