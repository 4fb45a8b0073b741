//! Definitions: those that Loom ships, and those that projects put there.

use loom_domain::{
    Refusal,
    event::{EventKind, NewEvent},
    time::Timestamp,
    workflow::Definition,
};
use loom_platform::{Random, Row, Statements};
use serde::Serialize;

use super::seed::set_matches;
use crate::{
    StoreError,
    change::Change,
    project,
    row::{json, time, to_json},
};

/// A definition as it is stored.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Versioned {
    /// 1 for the first.
    pub version: i64,
    /// The project that it is for; `None` is every project.
    pub project_id: Option<String>,
    /// Whether Loom ships it.
    pub is_shipped: bool,
    /// Who put this version there.
    pub created_by: String,
    /// When this version was put there.
    pub created_at: Timestamp,
    /// The graph.
    #[serde(flatten)]
    pub definition: Definition,
}

const COLUMNS: &str = "version, project_id, is_shipped, created_by, created_at, definition";

/// The workflow `id`: of that version, or the current one.
pub async fn get<S: Statements>(
    statements: &S,
    id: &str,
    version: Option<i64>,
) -> Result<Versioned, StoreError> {
    find(statements, id, version).await?.ok_or_else(|| {
        Refusal::not_found(
            "workflow_not_found",
            format!("There is no workflow {id}. GET /api/v1/workflows lists them."),
        )
        .into()
    })
}

/// As [`get`], if it exists.
pub async fn find<S: Statements>(
    statements: &S,
    id: &str,
    version: Option<i64>,
) -> Result<Option<Versioned>, StoreError> {
    let (which, parameters) = match version {
        Some(version) => ("version = ?2", vec![id.into(), version.into()]),
        None => ("is_current = 1", vec![id.into()]),
    };
    let sql = format!("SELECT {COLUMNS} FROM workflow WHERE id = ?1 AND {which}");
    let row = statements.query_one(&sql, parameters).await?;
    row.as_ref().map(from_row).transpose()
}

/// Up to `limit` current workflows after the id `after`, by id: of one type, and those that a project may use, where
/// these are given.
pub async fn list<S: Statements>(
    statements: &S,
    workflow_type: Option<&str>,
    project_id: Option<&str>,
    after: &str,
    limit: i64,
) -> Result<Vec<Versioned>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM workflow WHERE is_current = 1 AND id > ?1 AND (?2 IS NULL OR workflow_type = ?2) \
         AND (?3 IS NULL OR project_id IS NULL OR project_id = ?3) ORDER BY id LIMIT ?4"
    );
    let parameters = vec![
        after.into(),
        workflow_type.into(),
        project_id.into(),
        limit.into(),
    ];
    let rows = statements.query(&sql, parameters).await?;
    rows.iter().map(from_row).collect()
}

/// The current workflow that is for beads of this type and these tags: one that names a tag before one that names the
/// type, and the project's own before one for every project.
pub async fn matching<S: Statements>(
    statements: &S,
    project_id: &str,
    kind: &str,
    tags: &[String],
) -> Result<Option<String>, StoreError> {
    let sql = "SELECT workflow_id FROM ( \
               SELECT 0 AS rank, workflow_id, project_id FROM workflow_match \
               WHERE kind = 'tag' AND word IN (SELECT value FROM json_each(?3)) \
               UNION ALL \
               SELECT 1, workflow_id, project_id FROM workflow_match WHERE kind = 'type' AND word = ?2) \
               WHERE project_id IS NULL OR project_id = ?1 \
               ORDER BY rank, project_id IS NULL, workflow_id LIMIT 1";
    let parameters = vec![project_id.into(), kind.into(), to_json(&tags).into()];
    let row = statements.query_one(sql, parameters).await?;
    row.map_or(Ok(None), |row| Ok(Some(row.text(0)?)))
}

/// Puts a project's own workflow there, or its next version. Executions that are under way keep theirs; one that is
/// as it was gets no new version.
///
/// # Errors
/// `workflow_is_shipped` and `workflow_of_other_project`: the id is taken.
pub async fn put<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    definition: Definition,
    project_id: &str,
) -> Result<Versioned, StoreError> {
    let current = find(change.tx, &definition.id, None).await?;
    if let Some(current) = &current {
        refuse_foreign(current, project_id)?;
    }
    let project = project::get(change.tx, project_id).await?;
    if let Some(current) = current
        && current.definition == definition
    {
        return Ok(current);
    }
    let id = definition.id.clone();
    let sql = "UPDATE workflow SET is_current = 0 WHERE id = ?1 AND is_current = 1";
    change.tx.execute(sql, vec![(&id).into()]).await?;
    let sql = "INSERT INTO workflow (id, version, project_id, workflow_type, is_shipped, is_current, definition, \
               created_by, created_at) SELECT ?1, COALESCE(MAX(version), 0) + 1, ?2, ?3, 0, 1, ?4, ?5, ?6 \
               FROM workflow WHERE id = ?1";
    let parameters = vec![
        (&id).into(),
        (&project.id).into(),
        (&definition.workflow_type).into(),
        to_json(&definition).into(),
        change.actor.into(),
        change.now.0.into(),
    ];
    change.tx.execute(sql, parameters).await?;
    let types = definition
        .matches
        .types
        .iter()
        .map(|word| ("type", word.as_str()));
    let tags = definition
        .matches
        .tags
        .iter()
        .map(|word| ("tag", word.as_str()));
    let matches: Vec<(&str, &str)> = types.chain(tags).collect();
    set_matches(change.tx, &id, Some(&project.id), &matches).await?;
    let stored = get(change.tx, &id, None).await?;
    let event = NewEvent::new(EventKind::WorkflowUpdated)
        .project(&project.id)
        .with("workflow_id", id)
        .with("name", definition.name)
        .with("version", stored.version);
    change.event(event).await?;
    Ok(stored)
}

/// Removes what a project put there, before the project itself goes. It has no beads, so no history needs them.
pub(crate) async fn forget_project<S: Statements>(
    tx: &S,
    project_id: &str,
) -> Result<(), StoreError> {
    for table in ["workflow_match", "workflow"] {
        let sql = format!("DELETE FROM {table} WHERE project_id = ?1");
        tx.execute(&sql, vec![project_id.into()]).await?;
    }
    Ok(())
}

fn refuse_foreign(current: &Versioned, project_id: &str) -> Result<(), Refusal> {
    let id = &current.definition.id;
    if current.is_shipped {
        return Err(Refusal::conflict(
            "workflow_is_shipped",
            format!(
                "Loom ships the workflow {id}, and it is for every project. Give yours another id, the same match and \
                 your project's id: it then goes before the shipped one."
            ),
        ));
    }
    if current
        .project_id
        .as_deref()
        .is_some_and(|owner| owner != project_id)
    {
        return Err(Refusal::conflict(
            "workflow_of_other_project",
            format!("The workflow {id} belongs to another project. Give yours another id."),
        ));
    }
    Ok(())
}

fn from_row(row: &Row) -> Result<Versioned, StoreError> {
    Ok(Versioned {
        version: row.integer(0)?,
        project_id: row.optional_text(1)?,
        is_shipped: row.boolean(2)?,
        created_by: row.text(3)?,
        created_at: time(row, 4)?,
        definition: json(row, 5)?,
    })
}
