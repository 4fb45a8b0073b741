//! The event log: appended in the transaction of the change that it tells of, never changed (invariant I6).

use loom_domain::{
    event::{Event, NewEvent},
    time::Timestamp,
};
use loom_platform::{DatabaseError, Row, Statements, Value};

use crate::{StoreError, row::json};

const COLUMNS: &str =
    "sequence, kind, actor, project_id, bead_id, run_id, agent_id, data, created_at";

/// Records an event and returns its place in the order.
pub(crate) async fn append<S: Statements>(
    tx: &S,
    actor: &str,
    now: Timestamp,
    event: NewEvent,
) -> Result<i64, DatabaseError> {
    let row = tx
        .query_one(
            "INSERT INTO event (kind, actor, project_id, bead_id, run_id, agent_id, data, created_at) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) RETURNING sequence",
            vec![
                event.kind.as_str().into(),
                actor.into(),
                event.project_id.into(),
                event.bead_id.into(),
                event.run_id.into(),
                event.agent_id.into(),
                serde_json::Value::Object(event.data).to_string().into(),
                now.0.into(),
            ],
        )
        .await?;
    row.map_or(Ok(0), |row| row.integer(0))
}

/// Records many events at once, in their order.
pub(crate) async fn append_many<S: Statements>(
    tx: &S,
    actor: &str,
    now: Timestamp,
    events: &[NewEvent],
) -> Result<(), DatabaseError> {
    let rows: Vec<serde_json::Value> = events
        .iter()
        .map(|event| {
            let data = serde_json::Value::Object(event.data.clone()).to_string();
            serde_json::json!([
                event.kind.as_str(),
                event.project_id,
                event.bead_id,
                event.run_id,
                event.agent_id,
                data
            ])
        })
        .collect();
    let sql = "INSERT INTO event (kind, project_id, bead_id, run_id, agent_id, data, actor, created_at) \
               SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]'), \
               json_extract(value, '$[3]'), json_extract(value, '$[4]'), json_extract(value, '$[5]'), ?2, ?3 \
               FROM json_each(?1) ORDER BY key";
    let rows = serde_json::Value::Array(rows).to_string();
    tx.execute(sql, vec![rows.into(), actor.into(), now.0.into()])
        .await?;
    Ok(())
}

/// Which events are wanted; what is absent does not narrow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// Only of this project.
    pub project_id: Option<String>,
    /// Only about this bead.
    pub bead_id: Option<String>,
    /// Only of these kinds; empty = all.
    pub kinds: Vec<String>,
}

impl EventFilter {
    fn sql(&self, parameters: &mut Vec<Value>) -> String {
        let mut sql = String::new();
        for (column, value) in [("project_id", &self.project_id), ("bead_id", &self.bead_id)] {
            if let Some(value) = value {
                parameters.push(value.into());
                sql.push_str(&format!(" AND {column} = ?{}", parameters.len()));
            }
        }
        if !self.kinds.is_empty() {
            parameters.push(serde_json::json!(self.kinds).to_string().into());
            sql.push_str(&format!(
                " AND kind IN (SELECT value FROM json_each(?{}))",
                parameters.len()
            ));
        }
        sql
    }
}

/// Up to `limit` events after the sequence number `after`, oldest first.
pub async fn list_after<S: Statements>(
    statements: &S,
    after: i64,
    filter: &EventFilter,
    limit: i64,
) -> Result<Vec<Event>, StoreError> {
    let mut parameters = vec![after.into(), limit.into()];
    let narrow = filter.sql(&mut parameters);
    let sql = format!(
        "SELECT {COLUMNS} FROM event WHERE sequence > ?1{narrow} ORDER BY sequence LIMIT ?2"
    );
    statements
        .query(&sql, parameters)
        .await?
        .iter()
        .map(from_row)
        .collect()
}

/// Up to `limit` events before the sequence number `before`, newest first.
pub async fn list_before<S: Statements>(
    statements: &S,
    before: i64,
    filter: &EventFilter,
    limit: i64,
) -> Result<Vec<Event>, StoreError> {
    let mut parameters = vec![before.into(), limit.into()];
    let narrow = filter.sql(&mut parameters);
    let sql = format!(
        "SELECT {COLUMNS} FROM event WHERE sequence < ?1{narrow} ORDER BY sequence DESC LIMIT ?2"
    );
    statements
        .query(&sql, parameters)
        .await?
        .iter()
        .map(from_row)
        .collect()
}

/// The sequence number of the newest event; 0 when there is none.
pub async fn newest<S: Statements>(statements: &S) -> Result<i64, StoreError> {
    let row = statements
        .query_one("SELECT COALESCE(MAX(sequence), 0) FROM event", vec![])
        .await?;
    row.map_or(Ok(0), |row| Ok(row.integer(0)?))
}

fn from_row(row: &Row) -> Result<Event, StoreError> {
    Ok(Event {
        sequence: row.integer(0)?,
        kind: row.text(1)?,
        actor: row.text(2)?,
        project_id: row.optional_text(3)?,
        bead_id: row.optional_text(4)?,
        run_id: row.optional_text(5)?,
        agent_id: row.optional_text(6)?,
        data: json(row, 7)?,
        created_at: Timestamp(row.integer(8)?),
    })
}
