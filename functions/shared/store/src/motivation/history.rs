use loom_domain::{
    event::EventKind,
    motivation::{HISTORY_KEPT, Motivation, Trigger, TriggerResult},
    time::Timestamp,
};
use loom_platform::{Random, Row, Statements};

use super::about;
use crate::{
    StoreError,
    change::Change,
    row::{time, word},
};

const TRIGGER: &str = "id, motivation_id, project_id, result, reason, is_manual, occurrences, bead_id, woken, outcome, created_at";

/// Whose history is wanted; what is absent does not narrow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HistoryFilter {
    /// Only of this motivation.
    pub motivation_id: Option<String>,
    /// Only of this project's motivations.
    pub project_id: Option<String>,
    /// Only with this result.
    pub result: Option<TriggerResult>,
}

/// Up to `limit` rows before the place `before` (time in milliseconds, id), newest first.
pub async fn history<S: Statements>(
    statements: &S,
    filter: &HistoryFilter,
    before: Option<(i64, String)>,
    limit: i64,
) -> Result<Vec<Trigger>, StoreError> {
    let (at, id) = before.unwrap_or((i64::MAX, String::new()));
    let narrow = match filter.motivation_id {
        Some(_) => "motivation_id = ?4",
        None => "?4 IS NULL",
    };
    let sql = format!(
        "SELECT {TRIGGER} FROM motivation_trigger WHERE (created_at, id) < (?1, ?2) AND {narrow} \
         AND (?5 IS NULL OR project_id = ?5) AND (?6 IS NULL OR result = ?6) \
         ORDER BY created_at DESC, id DESC LIMIT ?3"
    );
    let values = vec![
        at.into(),
        id.into(),
        limit.into(),
        filter.motivation_id.as_ref().into(),
        filter.project_id.as_ref().into(),
        filter.result.map(TriggerResult::as_str).into(),
    ];
    let rows = statements.query(&sql, values).await?;
    rows.iter().map(from_row).collect()
}

/// What is recorded of one firing, or of what kept it from happening.
#[derive(Debug, Clone, Default)]
pub(super) struct Record<'a> {
    pub(super) reason: &'a str,
    pub(super) is_manual: bool,
    pub(super) occurrences: i64,
    pub(super) bead_id: Option<&'a str>,
    pub(super) woken: i64,
}

/// Writes a row of history with its event, and drops what is older than the newest thousand.
pub(super) async fn record<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    motivation: &Motivation,
    result: TriggerResult,
    record: &Record<'_>,
) -> Result<Trigger, StoreError> {
    let trigger = Trigger {
        id: change.new_id(),
        motivation_id: motivation.id.clone(),
        project_id: motivation.project_id.clone().unwrap_or_default(),
        result,
        reason: record.reason.to_owned(),
        is_manual: record.is_manual,
        occurrences: record.occurrences,
        bead_id: record.bead_id.map(str::to_owned),
        woken: record.woken,
        outcome: None,
        created_at: change.now,
    };
    change
        .tx
        .execute(
            &format!(
                "INSERT INTO motivation_trigger ({TRIGGER}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, NULL, ?10)"
            ),
            vec![
                (&trigger.id).into(),
                (&trigger.motivation_id).into(),
                (&trigger.project_id).into(),
                result.as_str().into(),
                (&trigger.reason).into(),
                trigger.is_manual.into(),
                trigger.occurrences.into(),
                trigger.bead_id.as_ref().into(),
                trigger.woken.into(),
                change.now.0.into(),
            ],
        )
        .await?;
    let oldest = "SELECT created_at, id FROM motivation_trigger WHERE motivation_id = ?1 \
                  ORDER BY created_at DESC, id DESC LIMIT 1 OFFSET ?2";
    change
        .tx
        .execute(
            &format!(
                "DELETE FROM motivation_trigger WHERE motivation_id = ?1 AND (created_at, id) <= ({oldest})"
            ),
            vec![(&motivation.id).into(), HISTORY_KEPT.into()],
        )
        .await?;
    let kind = match result {
        TriggerResult::Fired => EventKind::MotivationFired,
        _ => EventKind::MotivationSkipped,
    };
    let mut event = about(kind, motivation)
        .with("trigger_id", trigger.id.clone())
        .with("result", result.as_str())
        .with("reason", trigger.reason.clone())
        .with("occurrences", trigger.occurrences)
        .with("woken", trigger.woken)
        .with("is_manual", trigger.is_manual);
    event.bead_id.clone_from(&trigger.bead_id);
    change.event(event).await?;
    Ok(trigger)
}

/// Records occurrences that passed and are not made up for.
pub(super) async fn missed<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    motivation: &Motivation,
    occurrences: i64,
    reason: &str,
) -> Result<(), StoreError> {
    let row = Record {
        reason,
        occurrences,
        ..Record::default()
    };
    record(change, motivation, TriggerResult::Missed, &row).await?;
    Ok(())
}

fn from_row(row: &Row) -> Result<Trigger, StoreError> {
    let created_at: Timestamp = time(row, 10)?;
    Ok(Trigger {
        id: row.text(0)?,
        motivation_id: row.text(1)?,
        project_id: row.text(2)?,
        result: word(row, 3, TriggerResult::parse)?,
        reason: row.text(4)?,
        is_manual: row.boolean(5)?,
        occurrences: row.integer(6)?,
        bead_id: row.optional_text(7)?,
        woken: row.integer(8)?,
        outcome: row.optional_text(9)?,
        created_at,
    })
}
