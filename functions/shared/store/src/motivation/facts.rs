use std::collections::{BTreeMap, BTreeSet};

use loom_domain::{
    event::EventKind,
    motivation::{
        ACTOR, AgentAtRest, ClosedBeads, Condition, DueBead, Facts, Motivation, Need, Occurrence,
        OpenDecision, Period, Spending, TestReport,
    },
    time::{DAY, Timestamp},
};
use loom_platform::Statements;

use crate::{
    StoreError,
    row::{json, time, to_json},
};

/// How many rows of a kind of fact are read at most; the most urgent, or the newest.
const MOST: i64 = 1_000;

/// What counts as work, for idle times: what motivations do themselves does not.
const WORK: [EventKind; 11] = [
    EventKind::ProjectCreated,
    EventKind::ProjectReopened,
    EventKind::BeadCreated,
    EventKind::BeadUpdated,
    EventKind::BeadStatusChanged,
    EventKind::BeadAssigned,
    EventKind::CommentCreated,
    EventKind::RunCreated,
    EventKind::RunEnded,
    EventKind::StepReplied,
    EventKind::DecisionDecided,
];

/// What `motivations` are evaluated on at `now`: each kind of fact is read once for all, and only if one needs it.
pub async fn facts<S: Statements>(
    statements: &S,
    motivations: &[Motivation],
    now: Timestamp,
) -> Result<Facts, StoreError> {
    let needs: BTreeSet<Need> = motivations
        .iter()
        .filter_map(|motivation| motivation.condition.need())
        .collect();
    let mut facts = Facts::default();
    for need in needs {
        match need {
            Need::Waiting => facts.waiting = waiting(statements).await?,
            Need::DueBeads => facts.due_beads = due_beads(statements, motivations, now).await?,
            Need::Decisions => facts.decisions = decisions(statements).await?,
            Need::Spending => facts.spending = spending(statements, motivations, now).await?,
            Need::Tests => facts.tests = tests(statements).await?,
            Need::Closed => facts.closed = closed(statements, now).await?,
            Need::Activity => activity(statements, motivations, &mut facts).await?,
        }
    }
    Ok(facts)
}

/// The keys of what those motivations handled before, by motivation.
pub async fn handled<S: Statements>(
    statements: &S,
    ids: &[&str],
) -> Result<BTreeMap<String, BTreeSet<String>>, StoreError> {
    let mut handled: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    if ids.is_empty() {
        return Ok(handled);
    }
    let sql = "SELECT motivation_id, key FROM motivation_occurrence WHERE handled_at IS NOT NULL \
               AND motivation_id IN (SELECT value FROM json_each(?1))";
    for row in statements.query(sql, vec![to_json(&ids).into()]).await? {
        handled
            .entry(row.text(0)?)
            .or_default()
            .insert(row.text(1)?);
    }
    Ok(handled)
}

async fn waiting<S: Statements>(
    statements: &S,
) -> Result<BTreeMap<String, Vec<Occurrence>>, StoreError> {
    let sql = "SELECT motivation_id, key, summary, bead_id, at FROM motivation_occurrence WHERE handled_at IS NULL \
               ORDER BY motivation_id, at, key";
    let mut waiting: BTreeMap<String, Vec<Occurrence>> = BTreeMap::new();
    for row in statements.query(sql, vec![]).await? {
        waiting.entry(row.text(0)?).or_default().push(Occurrence {
            key: row.text(1)?,
            summary: row.text(2)?,
            bead_id: row.optional_text(3)?,
            at: time(&row, 4)?,
        });
    }
    Ok(waiting)
}

async fn due_beads<S: Statements>(
    statements: &S,
    motivations: &[Motivation],
    now: Timestamp,
) -> Result<Vec<DueBead>, StoreError> {
    let days = motivations
        .iter()
        .filter_map(|motivation| match motivation.condition {
            Condition::DeadlineApproach { days, .. } => Some(days),
            _ => None,
        })
        .max()
        .unwrap_or(0);
    let sql = "SELECT id, project_id, title, kind, due_at, fingerprint IS NOT NULL, \
               (SELECT json_group_array(tag) FROM bead_tag WHERE bead_id = bead.id) FROM bead \
               WHERE due_at <= ?1 AND status <> 'closed' AND deleted_at IS NULL AND due_at IS NOT NULL \
               ORDER BY due_at LIMIT ?2";
    let rows = statements
        .query(sql, vec![(now.0 + days * DAY).into(), MOST.into()])
        .await?;
    rows.iter()
        .map(|row| {
            Ok(DueBead {
                id: row.text(0)?,
                project_id: row.text(1)?,
                title: row.text(2)?,
                kind: row.text(3)?,
                due_at: time(row, 4)?,
                is_system_filed: row.boolean(5)?,
                tags: json(row, 6)?,
            })
        })
        .collect()
}

async fn decisions<S: Statements>(statements: &S) -> Result<Vec<OpenDecision>, StoreError> {
    let sql = "SELECT id, project_id, question, bead_id, created_at FROM decision WHERE status = 'open' \
               ORDER BY priority, created_at, id LIMIT ?1";
    let rows = statements.query(sql, vec![MOST.into()]).await?;
    rows.iter()
        .map(|row| {
            Ok(OpenDecision {
                id: row.text(0)?,
                project_id: row.optional_text(1)?,
                question: row.text(2)?,
                bead_id: row.optional_text(3)?,
                created_at: time(row, 4)?,
            })
        })
        .collect()
}

async fn spending<S: Statements>(
    statements: &S,
    motivations: &[Motivation],
    now: Timestamp,
) -> Result<Vec<Spending>, StoreError> {
    let mut projects = BTreeSet::new();
    let mut days = 0;
    for motivation in motivations {
        if let Condition::CostExceeded { period, .. } = motivation.condition {
            projects.extend(motivation.project_id.as_deref());
            days = days.max(match period {
                Period::Day => 0,
                Period::Week => 6,
                Period::Month => 31,
            });
        }
    }
    let first = Timestamp(now.0 - days * DAY).day();
    let sql = "SELECT project_id, day, SUM(cost_micro_usd) FROM usage WHERE day >= ?1 \
               AND project_id IN (SELECT value FROM json_each(?2)) GROUP BY project_id, day";
    let rows = statements
        .query(sql, vec![first.into(), to_json(&projects).into()])
        .await?;
    rows.iter()
        .map(|row| {
            Ok(Spending {
                project_id: row.text(0)?,
                day: row.text(1)?,
                micro_usd: row.integer(2)?,
            })
        })
        .collect()
}

/// Only of runs that have ended: while one works, failing tests are what it works on.
async fn tests<S: Statements>(statements: &S) -> Result<Vec<TestReport>, StoreError> {
    let sql = "SELECT test_report.run_id, test_report.project_id, test_report.bead_id, failed, coverage_permille, at \
               FROM test_report JOIN run ON run.id = test_report.run_id \
               WHERE run.status NOT IN ('queued', 'running', 'waiting') ORDER BY at DESC LIMIT ?1";
    let rows = statements.query(sql, vec![MOST.into()]).await?;
    let mut reports = rows
        .iter()
        .map(|row| {
            Ok(TestReport {
                run_id: row.text(0)?,
                project_id: row.text(1)?,
                bead_id: row.text(2)?,
                failed: row.boolean(3)?,
                coverage_permille: row.optional_integer(4)?,
                at: time(row, 5)?,
            })
        })
        .collect::<Result<Vec<_>, StoreError>>()?;
    reports.reverse();
    Ok(reports)
}

async fn closed<S: Statements>(
    statements: &S,
    now: Timestamp,
) -> Result<Vec<ClosedBeads>, StoreError> {
    let sql = "SELECT project_id, SUM(closed_at > ?2), SUM(closed_at <= ?2) FROM bead \
               WHERE closed_at > ?1 AND closed_at <= ?3 AND deleted_at IS NULL GROUP BY project_id";
    let values = vec![
        (now.0 - 14 * DAY).into(),
        (now.0 - 7 * DAY).into(),
        now.0.into(),
    ];
    let rows = statements.query(sql, values).await?;
    rows.iter()
        .map(|row| {
            Ok(ClosedBeads {
                project_id: row.text(0)?,
                last_week: row.integer(1)?,
                week_before: row.integer(2)?,
            })
        })
        .collect()
}

async fn activity<S: Statements>(
    statements: &S,
    motivations: &[Motivation],
    facts: &mut Facts,
) -> Result<(), StoreError> {
    let sql = "SELECT id, name, role, project_id, COALESCE(last_active_at, created_at) FROM agent WHERE status = 'idle'";
    for row in statements.query(sql, vec![]).await? {
        facts.agents.push(AgentAtRest {
            id: row.text(0)?,
            name: row.text(1)?,
            role: row.text(2)?,
            project_id: row.optional_text(3)?,
            since: time(&row, 4)?,
        });
    }
    facts.live_projects = live_projects(statements).await?;
    facts.last_activity_of_all = last_work(statements, None).await?;
    let projects: BTreeSet<&str> = motivations
        .iter()
        .filter(|motivation| matches!(motivation.condition, Condition::ProjectIdle { .. }))
        .filter_map(|motivation| motivation.project_id.as_deref())
        .collect();
    for project in projects {
        if let Some(at) = last_work(statements, Some(project)).await? {
            facts.last_activity.insert(project.to_owned(), at);
        }
    }
    Ok(())
}

/// The projects in which somebody works. A run that waits for a person or for the outside is no work.
pub(super) async fn live_projects<S: Statements>(
    statements: &S,
) -> Result<BTreeSet<String>, StoreError> {
    let sql = "SELECT DISTINCT project_id FROM run WHERE status IN ('queued', 'running')";
    let rows = statements.query(sql, vec![]).await?;
    rows.iter().map(|row| Ok(row.text(0)?)).collect()
}

/// When work happened last, in a project or anywhere: from the end of the event log backwards.
pub(super) async fn last_work<S: Statements>(
    statements: &S,
    project_id: Option<&str>,
) -> Result<Option<Timestamp>, StoreError> {
    let kinds: Vec<&str> = WORK.iter().map(|kind| kind.as_str()).collect();
    let narrow = match project_id {
        Some(_) => "project_id = ?3",
        None => "?3 IS NULL",
    };
    let sql = format!(
        "SELECT created_at FROM event WHERE {narrow} AND kind IN (SELECT value FROM json_each(?1)) AND actor <> ?2 \
         ORDER BY sequence DESC LIMIT 1"
    );
    let values = vec![to_json(&kinds).into(), ACTOR.into(), project_id.into()];
    let row = statements.query_one(&sql, values).await?;
    row.as_ref().map(|row| time(row, 0)).transpose()
}
