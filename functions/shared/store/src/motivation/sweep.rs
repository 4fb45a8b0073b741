use loom_domain::{
    event::{EventKind, NewEvent},
    motivation::{Motivation, built_in},
    time::{SECOND, Timestamp},
};
use loom_platform::{Random, Statements};

use super::{COLUMNS, from_row, insert};
use crate::{
    StoreError,
    change::{Change, NOW},
    row::to_json,
};

/// How often motivations are looked at, in milliseconds.
pub const SWEEP_EVERY: i64 = 30 * SECOND;
/// How much earlier than planned a sweep may be: so that a tick of a divisor of that period does not find each sweep
/// just not due yet.
const EARLY: i64 = 5 * SECOND;

/// Whether a sweep is due: one read of one row.
pub async fn is_due<S: Statements>(statements: &S) -> Result<bool, StoreError> {
    let sql = format!("SELECT 1 FROM motivation_sweep WHERE id = 1 AND due_at <= {NOW}");
    Ok(statements.query_one(&sql, vec![]).await?.is_some())
}

/// Takes the sweep that is due, and says when that was, by the database's clock. Of any number of callers at once one
/// gets it; if that one dies, the next sweep does the work.
pub async fn take<S: Statements>(statements: &S) -> Result<Option<Timestamp>, StoreError> {
    let sql = format!(
        "UPDATE motivation_sweep SET due_at = {NOW} + ?1, swept_at = {NOW} WHERE id = 1 AND due_at <= {NOW} \
         RETURNING swept_at"
    );
    let row = statements
        .query_one(&sql, vec![(SWEEP_EVERY - EARLY).into()])
        .await?;
    row.map_or(Ok(None), |row| Ok(Some(Timestamp(row.integer(0)?))))
}

/// The active motivations of open projects that may be looked at, whatever their condition says.
pub async fn due<S: Statements>(
    statements: &S,
    now: Timestamp,
) -> Result<Vec<Motivation>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM motivation WHERE status = 'active' AND (not_before IS NULL OR not_before <= ?1) \
         AND project_id IN (SELECT id FROM project WHERE status = 'open')"
    );
    let rows = statements.query(&sql, vec![now.0.into()]).await?;
    rows.iter().map(from_row).collect()
}

/// Notes that motivations need not be looked at before some moment, each with its own. No event tells of it, because
/// nothing changes but when the database is read.
pub async fn postpone<S: Statements>(
    statements: &S,
    until: &[(String, Timestamp)],
) -> Result<(), StoreError> {
    if until.is_empty() {
        return Ok(());
    }
    let rows: Vec<(&str, i64)> = until.iter().map(|(id, at)| (id.as_str(), at.0)).collect();
    let sql = "UPDATE motivation SET not_before = json_extract(j.value, '$[1]') FROM json_each(?1) AS j \
               WHERE motivation.id = json_extract(j.value, '$[0]')";
    statements.execute(sql, vec![to_json(&rows).into()]).await?;
    Ok(())
}

const LACKING: &str = "SELECT project.id FROM project WHERE project.status = 'open' AND (SELECT COUNT(*) FROM motivation \
    WHERE motivation.project_id = project.id AND motivation.built_in IN (SELECT value FROM json_each(?1))) \
    < json_array_length(?1)";

fn defaults() -> Vec<&'static str> {
    built_in::all()
        .filter(|built_in| built_in.is_default())
        .map(|built_in| built_in.id)
        .collect()
}

/// Whether an open project lacks one of the motivations that every project has.
pub async fn any_lacks_defaults<S: Statements>(statements: &S) -> Result<bool, StoreError> {
    let row = statements
        .query_one(
            &format!("{LACKING} LIMIT 1"),
            vec![to_json(&defaults()).into()],
        )
        .await?;
    Ok(row.is_some())
}

/// Gives every open project, or one, the default motivations that it lacks, and returns how many were made. What
/// somebody disabled stays disabled.
pub async fn adopt<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    project_id: Option<&str>,
) -> Result<usize, StoreError> {
    let projects = change
        .tx
        .query(
            &format!("{LACKING} AND (?2 IS NULL OR project.id = ?2)"),
            vec![to_json(&defaults()).into(), project_id.into()],
        )
        .await?;
    let mut made = 0;
    for project in projects {
        let project = project.text(0)?;
        let sql = "SELECT built_in FROM motivation WHERE project_id = ?1 AND built_in IS NOT NULL";
        let rows = change.tx.query(sql, vec![(&project).into()]).await?;
        let present: Vec<String> = rows
            .iter()
            .map(|row| row.text(0))
            .collect::<Result<_, _>>()?;
        let mut ids = Vec::new();
        for template in built_in::all().filter(|built_in| built_in.is_default()) {
            if present.iter().any(|id| id == template.id) {
                continue;
            }
            let motivation = template.motivation(Some(&project), change.now)?;
            insert(change.tx, &motivation).await?;
            ids.push(motivation.id);
        }
        made += ids.len();
        let event = NewEvent::new(EventKind::MotivationUpdated)
            .project(&project)
            .with("change", "adopted")
            .with("status", "active")
            .with("motivation_ids", ids);
        change.event(event).await?;
    }
    Ok(made)
}
