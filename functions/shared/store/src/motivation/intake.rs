use loom_domain::{
    event::EventKind,
    motivation::{Happening, MAX_WAITING, Motivation, coverage_permille, occurrence_of},
    time::DAY,
};
use loom_platform::{Random, Row, Statements};
use serde_json::Value;

use super::{COLUMNS, from_row, history};
use crate::{
    StoreError,
    change::Change,
    event,
    row::{json, optional_json, time, to_json},
};

/// How many events are looked at in one transaction.
const BATCH: i64 = 500;
/// How long what tests said is kept.
const REPORTS_KEPT: i64 = 30 * DAY;

/// The kinds of event that conditions wait for.
const KINDS: [EventKind; 9] = [
    EventKind::BeadCreated,
    EventKind::BeadStatusChanged,
    EventKind::BeadCompleted,
    EventKind::DecisionDecided,
    EventKind::ReleasePublished,
    EventKind::GithubIssueOpened,
    EventKind::GithubCommentAdded,
    EventKind::GithubPrOpened,
    EventKind::WebhookReceived,
];

/// Whether there are events that no sweep has looked at.
pub async fn events_wait<S: Statements>(statements: &S) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM motivation_sweep WHERE id = 1 AND cursor < (SELECT MAX(sequence) FROM event)";
    Ok(statements.query_one(sql, vec![]).await?.is_some())
}

/// Looks at the next events: what a motivation waits for is noted for it, and what tests said is kept. Says whether
/// more events wait.
///
/// The cursor moves in the same transaction, so each event is looked at once, whatever happens.
pub async fn take_in<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
) -> Result<bool, StoreError> {
    let row = change
        .tx
        .query_one("SELECT cursor FROM motivation_sweep WHERE id = 1", vec![])
        .await?;
    let cursor = row.map_or(Ok(0), |row| row.integer(0))?;
    let newest = event::newest(change.tx).await?;
    let mut kinds: Vec<&str> = KINDS.iter().map(|kind| kind.as_str()).collect();
    kinds.push(EventKind::ActionPerformed.as_str());
    let sql = "SELECT event.sequence, event.kind, event.actor, event.project_id, event.bead_id, event.data, \
               event.created_at, bead.title, bead.kind, bead.fingerprint, \
               (SELECT json_group_array(tag) FROM bead_tag WHERE bead_id = bead.id), event.run_id \
               FROM event LEFT JOIN bead ON bead.id = event.bead_id \
               WHERE event.sequence > ?1 AND event.sequence <= ?2 AND event.kind IN (SELECT value FROM json_each(?3)) \
               AND (event.kind <> 'action.performed' OR json_extract(event.data, '$.action') = 'test') \
               ORDER BY event.sequence LIMIT ?4";
    let rows = change
        .tx
        .query(
            sql,
            vec![
                cursor.into(),
                newest.into(),
                to_json(&kinds).into(),
                BATCH.into(),
            ],
        )
        .await?;
    let is_full = i64::try_from(rows.len()).unwrap_or(BATCH) >= BATCH;
    let reached = match rows.last() {
        Some(last) if is_full => last.integer(0)?,
        _ => newest,
    };
    let mut happenings = Vec::new();
    for row in &rows {
        if row.text(1)? == EventKind::ActionPerformed.as_str() {
            report(change, row).await?;
        } else {
            happenings.push(happening(row)?);
        }
    }
    note(change, &happenings).await?;
    change
        .tx
        .execute(
            "UPDATE motivation_sweep SET cursor = ?1 WHERE id = 1",
            vec![reached.into()],
        )
        .await?;
    Ok(reached < newest)
}

fn happening(row: &Row) -> Result<Happening, StoreError> {
    Ok(Happening {
        sequence: row.integer(0)?,
        kind: row.text(1)?,
        actor: row.text(2)?,
        project_id: row.optional_text(3)?,
        bead_id: row.optional_text(4)?,
        data: json(row, 5)?,
        at: time(row, 6)?,
        bead_title: row.optional_text(7)?,
        bead_kind: row.optional_text(8)?,
        is_system_filed: row.optional_text(9)?.is_some(),
        bead_tags: optional_json(row, 10)?.unwrap_or_default(),
    })
}

/// Notes each event for the active motivations that wait for such ones.
async fn note<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    happenings: &[Happening],
) -> Result<(), StoreError> {
    if happenings.is_empty() {
        return Ok(());
    }
    let projects: Vec<&str> = happenings
        .iter()
        .filter_map(|happening| happening.project_id.as_deref())
        .collect();
    let sql = format!(
        "SELECT {COLUMNS} FROM motivation WHERE status = 'active' AND kind IN ('event', 'external') \
         AND project_id IN (SELECT value FROM json_each(?1))"
    );
    let rows = change
        .tx
        .query(&sql, vec![to_json(&projects).into()])
        .await?;
    for row in &rows {
        let motivation = from_row(row)?;
        let mut noted = false;
        for occurrence in happenings
            .iter()
            .filter_map(|happening| occurrence_of(&motivation, happening))
        {
            change
                .tx
                .execute(
                    "INSERT OR IGNORE INTO motivation_occurrence (motivation_id, key, summary, bead_id, at) \
                     VALUES (?1, ?2, ?3, ?4, ?5)",
                    vec![
                        (&motivation.id).into(),
                        occurrence.key.into(),
                        occurrence.summary.into(),
                        occurrence.bead_id.into(),
                        occurrence.at.0.into(),
                    ],
                )
                .await?;
            noted = true;
        }
        if noted {
            drop_oldest(change, &motivation).await?;
        }
    }
    Ok(())
}

/// Keeps what waits for a motivation bounded: the oldest occurrences are missed.
async fn drop_oldest<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    motivation: &Motivation,
) -> Result<(), StoreError> {
    let sql = "DELETE FROM motivation_occurrence WHERE motivation_id = ?1 AND handled_at IS NULL AND key NOT IN \
               (SELECT key FROM motivation_occurrence WHERE motivation_id = ?1 AND handled_at IS NULL \
               ORDER BY at DESC, key DESC LIMIT ?2)";
    let missed = change
        .tx
        .execute(sql, vec![(&motivation.id).into(), MAX_WAITING.into()])
        .await?;
    if missed > 0 {
        let reason =
            format!("More than {MAX_WAITING} occurrences waited; the oldest were dropped.");
        let missed = i64::try_from(missed).unwrap_or(i64::MAX);
        history::missed(change, motivation, missed, &reason).await?;
    }
    Ok(())
}

/// Keeps what the tests of a run said, in place of what earlier tests of the same run did.
async fn report<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    event: &Row,
) -> Result<(), StoreError> {
    let data: Value = json(event, 5)?;
    let number = |name: &str| data.get(name).and_then(Value::as_i64);
    let (Some(run), Some(step), Some(position)) =
        (event.optional_text(11)?, number("step"), number("position"))
    else {
        return Ok(());
    };
    let failed = match data.get("status").and_then(Value::as_str) {
        Some("ok") => false,
        Some("error") if data.get("code").and_then(Value::as_str) == Some("tests_failed") => true,
        // The tests did not run.
        _ => return Ok(()),
    };
    let sql = "SELECT result FROM action_result WHERE run_id = ?1 AND step = ?2 AND position = ?3";
    let row = change
        .tx
        .query_one(sql, vec![(&run).into(), step.into(), position.into()])
        .await?;
    let result: Value = row.as_ref().map_or(Ok(Value::Null), |row| json(row, 0))?;
    let output = result.get("text").and_then(Value::as_str).unwrap_or("");
    change
        .tx
        .execute(
            "INSERT INTO test_report (run_id, project_id, bead_id, failed, coverage_permille, at) \
             SELECT ?1, project_id, bead_id, ?2, ?3, ?4 FROM run WHERE id = ?1 \
             ON CONFLICT (run_id) DO UPDATE SET failed = excluded.failed, at = excluded.at, \
             coverage_permille = COALESCE(excluded.coverage_permille, coverage_permille)",
            vec![
                run.into(),
                failed.into(),
                coverage_permille(output).into(),
                event.integer(6)?.into(),
            ],
        )
        .await?;
    change
        .tx
        .execute(
            "DELETE FROM test_report WHERE at < ?1",
            vec![(change.now.0 - REPORTS_KEPT).into()],
        )
        .await?;
    Ok(())
}
