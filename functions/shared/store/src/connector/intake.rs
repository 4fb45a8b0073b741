//! Events become deliveries.

use loom_domain::{
    bead::Priority,
    connector::{AboutBead, AboutDecision, Connector, Occurrence, Wanted},
    decision::{Assignee, decided_by_bead},
    event::Event,
    time::Timestamp,
};
use loom_platform::{Random, Row, Statements};

use super::{COLUMNS, find, from_row};
use crate::{
    StoreError,
    change::{Change, NOW},
    event,
    row::{json, optional_json, time, to_json, word},
};

/// How many events are looked at in one transaction.
const BATCH: i64 = 200;

/// Whether a sweep has something to do: an active connector is behind the log, or a delivery is due. One read over two
/// indexes.
pub async fn is_due<S: Statements>(statements: &S) -> Result<bool, StoreError> {
    let sql = format!(
        "SELECT 1 WHERE EXISTS (SELECT 1 FROM connector_delivery WHERE status = 'pending' AND next_attempt_at <= {NOW}) \
         OR EXISTS (SELECT 1 FROM connector WHERE status = 'active' AND cursor < (SELECT MAX(sequence) FROM event))"
    );
    Ok(statements.query_one(&sql, vec![]).await?.is_some())
}

/// The connectors that send, in the order of their ids.
pub async fn active<S: Statements>(statements: &S) -> Result<Vec<Connector>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM connector WHERE status = 'active' ORDER BY id");
    let rows = statements.query(&sql, vec![]).await?;
    rows.iter().map(from_row).collect()
}

/// Looks at the next events for a connector, and makes a delivery of each that it wants. Says whether more events wait.
///
/// The cursor moves in the same transaction, so each event is looked at once, whatever happens.
pub async fn take_in<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    connector_id: &str,
) -> Result<bool, StoreError> {
    let connector = find(change.tx, connector_id).await?;
    let Some(connector) = connector.filter(|connector| connector.paused_at.is_none()) else {
        return Ok(false);
    };
    let newest = event::newest(change.tx).await?;
    if connector.cursor >= newest {
        return Ok(false);
    }
    let wanted = Wanted(&connector);
    let sql = format!(
        "{OCCURRENCE} WHERE event.sequence > ?1 AND event.sequence <= ?2 \
         AND event.kind IN (SELECT value FROM json_each(?3)) AND (?4 IS NULL OR event.project_id = ?4) \
         ORDER BY event.sequence LIMIT ?5"
    );
    let values = vec![
        connector.cursor.into(),
        newest.into(),
        to_json(&wanted.kinds()).into(),
        connector.project_id.as_ref().into(),
        BATCH.into(),
    ];
    let rows = change.tx.query(&sql, values).await?;
    let is_full = i64::try_from(rows.len()).unwrap_or(BATCH) >= BATCH;
    let reached = match rows.last() {
        Some(last) if is_full => last.integer(0)?,
        _ => newest,
    };
    for row in &rows {
        let occurrence = read(row)?;
        if wanted.wants(&occurrence) {
            deliver(change, &connector.id, &occurrence.event).await?;
        }
    }
    let sql = "UPDATE connector SET cursor = ?2 WHERE id = ?1";
    change
        .tx
        .execute(sql, vec![connector_id.into(), reached.into()])
        .await?;
    Ok(reached < newest)
}

async fn deliver<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    connector_id: &str,
    event: &Event,
) -> Result<(), StoreError> {
    let sql = "INSERT OR IGNORE INTO connector_delivery \
               (id, connector_id, sequence, event, status, next_attempt_at, created_at) \
               SELECT ?1, id, ?3, ?4, 'pending', MAX(?5, not_before), ?5 FROM connector WHERE id = ?2";
    let values = vec![
        change.new_id().into(),
        connector_id.into(),
        event.sequence.into(),
        (&event.kind).into(),
        change.now.0.into(),
    ];
    change.tx.execute(sql, values).await?;
    Ok(())
}

/// An event with what one must know to tell of it, as things are now.
const OCCURRENCE: &str = "SELECT event.sequence, event.kind, event.actor, event.project_id, event.bead_id, event.run_id, \
    event.agent_id, event.data, event.created_at, bead.title, bead.priority, bead.fingerprint, decision.question, \
    decision.options, decision.assignee, decision.deadline_at, project.name FROM event \
    LEFT JOIN bead ON bead.id = event.bead_id \
    LEFT JOIN decision ON decision.id = json_extract(event.data, '$.decision_id') \
    LEFT JOIN project ON project.id = event.project_id";

/// The event with this sequence number and what one must know to tell of it.
pub async fn occurrence<S: Statements>(
    statements: &S,
    sequence: i64,
) -> Result<Option<Occurrence>, StoreError> {
    let sql = format!("{OCCURRENCE} WHERE event.sequence = ?1");
    let row = statements.query_one(&sql, vec![sequence.into()]).await?;
    row.as_ref().map(read).transpose()
}

fn read(row: &Row) -> Result<Occurrence, StoreError> {
    let bead = match row.optional_text(9)? {
        Some(title) => Some(AboutBead {
            title,
            priority: row.optional_integer(10)?.and_then(Priority::new),
            is_decider: decided_by_bead(row.optional_text(11)?.as_deref()).is_some(),
        }),
        None => None,
    };
    let decision = match row.optional_text(12)? {
        Some(question) => Some(AboutDecision {
            question,
            options: optional_json(row, 13)?.unwrap_or_default(),
            assignee: word(row, 14, Assignee::parse)?,
            deadline_at: time(row, 15)?,
        }),
        None => None,
    };
    Ok(Occurrence {
        event: Event {
            sequence: row.integer(0)?,
            kind: row.text(1)?,
            actor: row.text(2)?,
            project_id: row.optional_text(3)?,
            bead_id: row.optional_text(4)?,
            run_id: row.optional_text(5)?,
            agent_id: row.optional_text(6)?,
            data: json(row, 7)?,
            created_at: Timestamp(row.integer(8)?),
        },
        bead,
        decision,
        project: row.optional_text(16)?,
    })
}
