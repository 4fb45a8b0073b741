//! Texts that replace those of shipped personas.

use loom_domain::{
    event::{EventKind, NewEvent},
    time::Timestamp,
};
use loom_platform::{Random, Row, Statements};
use serde::Serialize;

use crate::{StoreError, agent, change::Change, row::time};

/// A text in force instead of the shipped one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PersonaOverride {
    /// The persona, such as `default/qa-engineer`.
    pub name: String,
    /// The whole file: front matter and body.
    pub content: String,
    /// Grows by one with each change; the ETag.
    pub version: i64,
    /// Who wrote it.
    pub updated_by: String,
    /// When it was written.
    pub updated_at: Timestamp,
}

const COLUMNS: &str = "name, content, version, updated_by, updated_at";

/// All overrides; there are few.
pub async fn list<S: Statements>(statements: &S) -> Result<Vec<PersonaOverride>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM persona_override ORDER BY name");
    statements
        .query(&sql, vec![])
        .await?
        .iter()
        .map(from_row)
        .collect()
}

/// The override of a persona, if it has one.
pub async fn find<S: Statements>(
    statements: &S,
    name: &str,
) -> Result<Option<PersonaOverride>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM persona_override WHERE name = ?1");
    statements
        .query_one(&sql, vec![name.into()])
        .await?
        .as_ref()
        .map(from_row)
        .transpose()
}

/// Puts a text in force. The caller has parsed it.
pub async fn put<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    name: &str,
    content: &str,
) -> Result<(), StoreError> {
    change
        .tx
        .execute(
            "INSERT INTO persona_override (name, content, updated_by, updated_at) VALUES (?1, ?2, ?3, ?4) \
             ON CONFLICT (name) DO UPDATE SET content = excluded.content, version = version + 1, \
             updated_by = excluded.updated_by, updated_at = excluded.updated_at",
            vec![name.into(), content.into(), change.actor.into(), change.now.0.into()],
        )
        .await?;
    change
        .event(NewEvent::new(EventKind::PersonaUpdated).with("persona", name))
        .await?;
    agent::persona_changed(change, name).await
}

/// Puts the shipped text in force again. Returns whether there was an override.
pub async fn reset<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    name: &str,
) -> Result<bool, StoreError> {
    let removed = change
        .tx
        .execute(
            "DELETE FROM persona_override WHERE name = ?1",
            vec![name.into()],
        )
        .await?;
    if removed > 0 {
        change
            .event(NewEvent::new(EventKind::PersonaReset).with("persona", name))
            .await?;
        agent::persona_changed(change, name).await?;
    }
    Ok(removed > 0)
}

fn from_row(row: &Row) -> Result<PersonaOverride, StoreError> {
    Ok(PersonaOverride {
        name: row.text(0)?,
        content: row.text(1)?,
        version: row.integer(2)?,
        updated_by: row.text(3)?,
        updated_at: time(row, 4)?,
    })
}
