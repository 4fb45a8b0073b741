use serde::Serialize;

use super::{
    Condition, Facts, Motivation, MotivationStatus, Period, TESTS_COUNT_FOR,
    calendar::{day_start, month_start, next_quarter, week_start},
    happening::one_line,
};
use crate::time::{DAY, MINUTE, Timestamp};

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

fn of_time(motivation: &Motivation, now: Timestamp) -> Verdict {
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

fn occurrences(motivation: &Motivation, facts: &Facts, now: Timestamp) -> Vec<Occurrence> {
    let Some(project) = motivation.project_id.as_deref() else {
        return Vec::new();
    };
    match &motivation.condition {
        Condition::DeadlineApproach { days, bead } => {
            let horizon = Timestamp(now.0 + days * DAY);
            deadlines(motivation, facts, project, |due| {
                due.due_at >= now && due.due_at <= horizon && bead.matches(&due.kind, &due.tags)
            })
        }
        Condition::DeadlinePassed { bead } => deadlines(motivation, facts, project, |due| {
            due.due_at < now && bead.matches(&due.kind, &due.tags)
        }),
        Condition::DecisionPending { minutes } => facts
            .decisions
            .iter()
            .filter(|decision| decision.project_id.as_deref() == Some(project))
            .filter(|decision| now.0 - decision.created_at.0 >= minutes * MINUTE)
            .map(|decision| Occurrence {
                key: format!("decision:{}", decision.id),
                summary: one_line(&format!(
                    "decision {} waits: {}",
                    decision.id, decision.question
                )),
                bead_id: decision.bead_id.clone(),
                at: decision.created_at,
            })
            .collect(),
        Condition::CostExceeded {
            period,
            threshold_micro_usd,
        } => cost(facts, project, *period, *threshold_micro_usd, now)
            .into_iter()
            .collect(),
        Condition::CoverageDropped { below_percent } => facts
            .tests
            .iter()
            .rev()
            .find(|report| report.project_id == project && report.coverage_permille.is_some())
            .filter(|report| {
                report
                    .coverage_permille
                    .is_some_and(|value| value < below_percent * 10)
            })
            .map(|report| {
                let value = report.coverage_permille.unwrap_or_default();
                Occurrence {
                    key: format!("coverage:{}", report.run_id),
                    summary: format!(
                        "coverage was {}.{}% in run {} ({}), less than {below_percent}%",
                        value / 10,
                        value % 10,
                        report.run_id,
                        report.bead_id
                    ),
                    bead_id: Some(report.bead_id.clone()),
                    at: report.at,
                }
            })
            .into_iter()
            .collect(),
        Condition::TestFailure {} => facts
            .tests
            .iter()
            .filter(|report| report.project_id == project && report.failed)
            .filter(|report| now.0 - report.at.0 <= TESTS_COUNT_FOR)
            .map(|report| Occurrence {
                key: format!("tests:{}", report.run_id),
                summary: format!(
                    "the last tests of run {} ({}) failed",
                    report.run_id, report.bead_id
                ),
                bead_id: Some(report.bead_id.clone()),
                at: report.at,
            })
            .collect(),
        Condition::VelocityDrop { percent, at_least } => facts
            .closed
            .iter()
            .filter(|closed| closed.project_id == project && closed.week_before >= *at_least)
            .filter(|closed| {
                closed.last_week * 100 <= closed.week_before * (100 - percent)
                    && closed.last_week < closed.week_before
            })
            .map(|closed| Occurrence {
                key: format!("velocity:{}", week_start(now).day()),
                summary: format!(
                    "{} beads were closed in the last seven days, {} in the seven before",
                    closed.last_week, closed.week_before
                ),
                bead_id: None,
                at: now,
            })
            .collect(),
        Condition::SystemIdle { .. }
        | Condition::ProjectIdle { .. }
        | Condition::AgentIdle { .. } => idle(motivation, facts, project, now),
        _ => facts
            .waiting
            .get(&motivation.id)
            .cloned()
            .unwrap_or_default(),
    }
}

fn deadlines(
    motivation: &Motivation,
    facts: &Facts,
    project: &str,
    is_meant: impl Fn(&super::DueBead) -> bool,
) -> Vec<Occurrence> {
    facts
        .due_beads
        .iter()
        .filter(|due| due.project_id == project && is_meant(due))
        .filter(|due| !(due.is_system_filed && motivation.bead_template.is_some()))
        .map(|due| Occurrence {
            // A deadline that was moved is another deadline.
            key: format!("due:{}@{}", due.id, due.due_at.0),
            summary: one_line(&format!(
                "{} ({}) is due {}",
                due.id,
                due.title,
                due.due_at.to_rfc3339()
            )),
            bead_id: Some(due.id.clone()),
            at: due.due_at,
        })
        .collect()
}

fn cost(
    facts: &Facts,
    project: &str,
    period: Period,
    threshold: i64,
    now: Timestamp,
) -> Option<Occurrence> {
    let (start, word) = match period {
        Period::Day => (day_start(now), "today"),
        Period::Week => (week_start(now), "this week"),
        Period::Month => (month_start(now, 0), "this month"),
    };
    let first = start.day();
    let spent: i64 = facts
        .spending
        .iter()
        .filter(|spending| spending.project_id == project && spending.day >= first)
        .map(|spending| spending.micro_usd)
        .sum();
    (spent > threshold).then(|| Occurrence {
        key: format!("cost:{first}"),
        summary: format!(
            "{} US dollars were spent {word}, more than {}",
            dollars(spent),
            dollars(threshold)
        ),
        bead_id: None,
        at: start,
    })
}

fn dollars(micro: i64) -> String {
    format!("{}.{:02}", micro / 1_000_000, micro / 10_000 % 100)
}

/// One occurrence an idle time: it ends with the next work, and only then another may begin.
fn idle(motivation: &Motivation, facts: &Facts, project: &str, now: Timestamp) -> Vec<Occurrence> {
    let whole = |what: &str, since: Option<Timestamp>, is_live: bool, minutes: i64| {
        since
            .filter(|since| !is_live && now.0 - since.0 >= minutes * MINUTE)
            .map(|since| Occurrence {
                key: format!("idle:{}", since.0),
                summary: format!(
                    "no work has happened in {what} since {}",
                    since.to_rfc3339()
                ),
                bead_id: None,
                at: since,
            })
            .into_iter()
            .collect()
    };
    match &motivation.condition {
        Condition::SystemIdle { minutes } => whole(
            "the whole system",
            facts.last_activity_of_all,
            !facts.live_projects.is_empty(),
            *minutes,
        ),
        Condition::ProjectIdle { minutes } => whole(
            "the project",
            facts.last_activity.get(project).copied(),
            facts.live_projects.contains(project),
            *minutes,
        ),
        Condition::AgentIdle { minutes } => facts
            .agents
            .iter()
            .filter(|agent| agent.role == motivation.role)
            .filter(|agent| agent.project_id.as_deref().is_none_or(|own| own == project))
            .filter(|agent| now.0 - agent.since.0 >= minutes * MINUTE)
            .map(|agent| Occurrence {
                key: format!("agent:{}@{}", agent.id, agent.since.0),
                summary: one_line(&format!(
                    "agent {} has been idle since {}",
                    agent.name,
                    agent.since.to_rfc3339()
                )),
                bead_id: None,
                at: agent.since,
            })
            .collect(),
        _ => Vec::new(),
    }
}
