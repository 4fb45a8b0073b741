//! Motivations: those of projects, their history, and what a sweep reads and writes.
//!
//! A sweep is made of [`take`], [`take_in`], [`settle`], [`adopt`], [`due`], [`facts`] and, for each that is due, one
//! transaction with [`fire`], [`hold`] or [`fail`].

mod enable;
mod facts;
mod fire;
mod history;
mod hold;
mod idle;
mod intake;
mod outcome;
mod row;
mod sweep;
mod wake;

use loom_domain::{
    Refusal,
    event::{EventKind, NewEvent},
    motivation::{Motivation, MotivationKind, MotivationStatus, built_in},
    time::Timestamp,
};
use loom_platform::{Random, Statements, Value};

use crate::{StoreError, change::Change, project};
use row::{COLUMNS, from_row, parameters};

pub use enable::{disable, enable};
pub use facts::{facts, handled};
pub use fire::{Fired, fire};
pub use history::{HistoryFilter, history};
pub use hold::{Held, fail, hold};
pub use idle::{IdleState, idle_state};
pub use intake::{events_wait, take_in};
pub use outcome::{outcomes_wait, settle};
pub use sweep::{SWEEP_EVERY, adopt, any_lacks_defaults, due, is_due, postpone, take};

/// The motivation `id`: a project's, or a template.
pub async fn get<S: Statements>(statements: &S, id: &str) -> Result<Motivation, StoreError> {
    if let Some(motivation) = find(statements, id).await? {
        return Ok(motivation);
    }
    match built_in::find(id) {
        Some(template) => Ok(template.motivation(None, Timestamp(0))?),
        None => Err(Refusal::not_found(
            "motivation_not_found",
            format!("There is no motivation {id}. GET /api/v1/motivations lists them."),
        )
        .into()),
    }
}

/// A project's motivation `id`, if it exists; templates are none.
pub async fn find<S: Statements>(
    statements: &S,
    id: &str,
) -> Result<Option<Motivation>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM motivation WHERE id = ?1");
    statements
        .query_one(&sql, vec![id.into()])
        .await?
        .as_ref()
        .map(from_row)
        .transpose()
}

/// Which motivations are wanted; what is absent does not narrow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MotivationFilter {
    /// Only with such a condition.
    pub kind: Option<MotivationKind>,
    /// Only for this canonical role.
    pub role: Option<String>,
    /// Only of this project.
    pub project_id: Option<String>,
    /// Only active ones, or only those that are not.
    pub active: Option<bool>,
    /// Only those made of a template, or only those that are not.
    pub built_in: Option<bool>,
}

/// Up to `limit` motivations of projects after the id `after`, in the order of their ids.
pub async fn list<S: Statements>(
    statements: &S,
    filter: &MotivationFilter,
    after: &str,
    limit: i64,
) -> Result<Vec<Motivation>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM motivation WHERE id > ?1 AND (?3 IS NULL OR kind = ?3) AND (?4 IS NULL OR role = ?4) \
         AND (?5 IS NULL OR project_id = ?5) AND (?6 IS NULL OR (status = 'active') = ?6) \
         AND (?7 IS NULL OR (built_in IS NOT NULL) = ?7) ORDER BY id LIMIT ?2"
    );
    let values = vec![
        after.into(),
        limit.into(),
        filter.kind.map(MotivationKind::as_str).into(),
        filter.role.as_ref().into(),
        filter.project_id.as_ref().into(),
        filter.active.into(),
        filter.built_in.into(),
    ];
    let rows = statements.query(&sql, values).await?;
    rows.iter().map(from_row).collect()
}

/// Makes a motivation of a project, active from now on.
pub async fn create<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    mut motivation: Motivation,
) -> Result<Motivation, StoreError> {
    known_project(change.tx, motivation.project_id.as_deref()).await?;
    motivation.id = change.new_id();
    insert(change.tx, &motivation).await?;
    tell(change, &motivation, "created").await?;
    Ok(motivation)
}

/// Replaces the settings of a motivation by those of `motivation`, whose version must be the one in the database.
pub async fn update<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    motivation: Motivation,
) -> Result<Motivation, StoreError> {
    write(change, motivation, "changed").await
}

/// Deletes a motivation with its history. What Loom ships can only be disabled.
pub async fn delete<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    motivation: &Motivation,
) -> Result<(), StoreError> {
    if motivation.is_built_in {
        return Err(Refusal::conflict(
            "built_in",
            format!(
                "Motivation {id} is shipped with Loom and would come back. Disable it instead: \
                 POST /api/v1/motivations/{id}/disable.",
                id = motivation.id
            ),
        )
        .into());
    }
    change
        .tx
        .execute(
            "DELETE FROM motivation WHERE id = ?1",
            vec![(&motivation.id).into()],
        )
        .await?;
    let event = about(EventKind::MotivationDeleted, motivation);
    change.event(event).await?;
    Ok(())
}

/// A project's motivation; a template is refused with what to do instead.
pub async fn own<S: Statements>(statements: &S, id: &str) -> Result<Motivation, StoreError> {
    let motivation = get(statements, id).await?;
    if motivation.status == MotivationStatus::Template {
        return Err(Refusal::conflict(
            "motivation_is_template",
            format!(
                "Motivation {id} is a template and does nothing by itself. Enable it for a project: \
                 POST /api/v1/motivations/{id}/enable with project_id."
            ),
        )
        .into());
    }
    Ok(motivation)
}

async fn known_project<S: Statements>(
    statements: &S,
    id: Option<&str>,
) -> Result<String, StoreError> {
    let invalid = |message: String, problem: &str| {
        StoreError::from(Refusal::invalid("invalid_fields", message).field("project_id", problem))
    };
    let Some(id) = id else {
        let message = "Say for which project: project_id is missing.".to_owned();
        return Err(invalid(message, "is required"));
    };
    match project::get(statements, id).await {
        Ok(project) => Ok(project.id),
        Err(StoreError::Refused(refusal)) => Err(invalid(refusal.message, "does not exist")),
        Err(error) => Err(error),
    }
}

async fn insert<S: Statements>(tx: &S, motivation: &Motivation) -> Result<(), StoreError> {
    let values = parameters(motivation);
    let places: Vec<String> = (1..=values.len())
        .map(|place| format!("?{place}"))
        .collect();
    let sql = format!(
        "INSERT INTO motivation ({COLUMNS}) VALUES ({})",
        places.join(", ")
    );
    tx.execute(&sql, values).await?;
    Ok(())
}

async fn write<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    mut motivation: Motivation,
    what: &str,
) -> Result<Motivation, StoreError> {
    let expected = motivation.version;
    motivation.version += 1;
    motivation.updated_at = change.now;
    let values = parameters(&motivation);
    let set: Vec<String> = COLUMNS
        .split(", ")
        .enumerate()
        .skip(1)
        .map(|(place, column)| format!("{column} = ?{}", place + 1))
        .collect();
    let mut values: Vec<Value> = values;
    values.push(expected.into());
    let sql = format!(
        "UPDATE motivation SET {} WHERE id = ?1 AND version = ?{}",
        set.join(", "),
        values.len()
    );
    if change.tx.execute(&sql, values).await? == 0 {
        return Err(Refusal::conflict(
            "version_conflict",
            format!(
                "Motivation {} was changed by somebody else in the meantime. Read it again and repeat your change.",
                motivation.id
            ),
        )
        .into());
    }
    tell(change, &motivation, what).await?;
    Ok(motivation)
}

async fn tell<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    motivation: &Motivation,
    what: &str,
) -> Result<(), StoreError> {
    let event = about(EventKind::MotivationUpdated, motivation)
        .with("status", motivation.status.as_str())
        .with("change", what);
    change.event(event).await?;
    Ok(())
}

fn about(kind: EventKind, motivation: &Motivation) -> NewEvent {
    let mut event = NewEvent::new(kind)
        .with("motivation_id", motivation.id.clone())
        .with("name", motivation.name.clone())
        .with("role", motivation.role.clone());
    event.project_id.clone_from(&motivation.project_id);
    event
}
