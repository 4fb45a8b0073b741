use super::{
    Condition, Facts, Motivation, Occurrence, Period, TESTS_COUNT_FOR,
    calendar::{day_start, month_start, week_start},
    happening::one_line,
};
use crate::money::to_cents;
use crate::time::{DAY, MINUTE, Timestamp};

/// What a condition finds in the facts, whether it was handled before or not.
pub(super) fn occurrences(
    motivation: &Motivation,
    facts: &Facts,
    now: Timestamp,
) -> Vec<Occurrence> {
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
            to_cents(spent),
            to_cents(threshold)
        ),
        bead_id: None,
        at: start,
    })
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
