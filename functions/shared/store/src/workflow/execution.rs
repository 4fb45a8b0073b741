use loom_domain::{
    Refusal,
    time::Timestamp,
    workflow::{Definition, Execution, Node, Record},
};
use loom_platform::{DatabaseError, Random, Row, Statements};
use serde::Serialize;

use super::definition;
use crate::{
    StoreError,
    change::Change,
    row::{json, time, to_json},
};

/// The execution `id`.
pub async fn get<S: Statements>(statements: &S, id: &str) -> Result<Execution, StoreError> {
    let sql = "SELECT state FROM workflow_execution WHERE id = ?1";
    let row = statements.query_one(sql, vec![id.into()]).await?;
    row.as_ref()
        .map(|row| json(row, 0))
        .transpose()?
        .ok_or_else(|| {
            Refusal::not_found(
                "execution_not_found",
                format!("There is no execution {id}. GET /api/v1/workflows/executions lists them."),
            )
            .into()
        })
}

/// The live execution of a bead, if it has one.
pub async fn live_of_bead<S: Statements>(
    statements: &S,
    bead_id: &str,
) -> Result<Option<Execution>, StoreError> {
    let sql = "SELECT state FROM workflow_execution WHERE bead_id = ?1 AND status IN ('active', 'escalated')";
    let row = statements.query_one(sql, vec![bead_id.into()]).await?;
    row.as_ref().map(|row| json(row, 0)).transpose()
}

/// The definition that an execution follows, and the node that it is at.
pub async fn node_of<S: Statements>(
    statements: &S,
    execution: &Execution,
) -> Result<(Definition, Option<Node>), StoreError> {
    let version = Some(execution.workflow_version);
    let definition = definition::get(statements, &execution.workflow_id, version)
        .await?
        .definition;
    let node = definition.node(&execution.node).cloned();
    Ok((definition, node))
}

/// Which executions are wanted; what is absent does not narrow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExecutionFilter {
    /// Only of this bead.
    pub bead_id: Option<String>,
    /// Only of this project.
    pub project_id: Option<String>,
    /// Only of this workflow.
    pub workflow_id: Option<String>,
    /// Only with this status.
    pub status: Option<String>,
}

/// Up to `limit` executions, newest first, after the place of the last one that was seen.
pub async fn list<S: Statements>(
    statements: &S,
    filter: &ExecutionFilter,
    after: Option<(i64, String)>,
    limit: i64,
) -> Result<Vec<Execution>, StoreError> {
    let (at, id) = after.map_or((None, None), |(at, id)| (Some(at), Some(id)));
    let sql = "SELECT state FROM workflow_execution WHERE (?1 IS NULL OR bead_id = ?1) \
               AND (?2 IS NULL OR project_id = ?2) AND (?3 IS NULL OR workflow_id = ?3) \
               AND (?4 IS NULL OR status = ?4) AND (?5 IS NULL OR (started_at, id) < (?5, ?6)) \
               ORDER BY started_at DESC, id DESC LIMIT ?7";
    let parameters = vec![
        filter.bead_id.clone().into(),
        filter.project_id.clone().into(),
        filter.workflow_id.clone().into(),
        filter.status.clone().into(),
        at.into(),
        id.into(),
        limit.into(),
    ];
    let rows = statements.query(sql, parameters).await?;
    rows.iter().map(|row| json(row, 0)).collect()
}

/// One record of a history.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HistoryRecord {
    /// Its place in the history: 1, 2, 3, … without a gap.
    pub version: i64,
    /// What happened.
    #[serde(flatten)]
    pub record: Record,
    /// Who caused it: a user's name, `agent:<id>`, or the function that did.
    pub actor: String,
    /// When.
    pub created_at: Timestamp,
}

/// Up to `limit` records of an execution after the version `after`, oldest first.
pub async fn history<S: Statements>(
    statements: &S,
    execution_id: &str,
    after: i64,
    limit: i64,
) -> Result<Vec<HistoryRecord>, StoreError> {
    let sql = "SELECT version, record, actor, created_at FROM workflow_history \
               WHERE execution_id = ?1 AND version > ?2 ORDER BY version LIMIT ?3";
    let parameters = vec![execution_id.into(), after.into(), limit.into()];
    let rows = statements.query(sql, parameters).await?;
    rows.iter().map(from_row).collect()
}

fn from_row(row: &Row) -> Result<HistoryRecord, StoreError> {
    Ok(HistoryRecord {
        version: row.integer(0)?,
        record: json(row, 1)?,
        actor: row.text(2)?,
        created_at: time(row, 3)?,
    })
}

/// The execution that its whole history adds up to; equal to the stored state, or the database is damaged.
pub async fn replay<S: Statements>(statements: &S, id: &str) -> Result<Execution, StoreError> {
    let stored = get(statements, id).await?;
    let workflow = (stored.workflow_id.as_str(), stored.workflow_version);
    let mut execution = Execution::new(id, workflow, &stored.bead_id, &stored.project_id);
    for record in history(statements, id, 0, i64::MAX).await? {
        execution.apply(&record.record, record.created_at);
    }
    Ok(execution)
}

/// Writes a new execution.
pub(super) async fn insert<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    execution: &Execution,
    workflow_type: &str,
    record: &Record,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO workflow_execution (id, workflow_id, workflow_version, workflow_type, bead_id, project_id, \
               version, status, node, cycle_count, state, started_at, updated_at) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?12)";
    let parameters = vec![
        (&execution.id).into(),
        (&execution.workflow_id).into(),
        execution.workflow_version.into(),
        workflow_type.into(),
        (&execution.bead_id).into(),
        (&execution.project_id).into(),
        execution.version.into(),
        execution.status.as_str().into(),
        (&execution.node).into(),
        execution.cycle_count.into(),
        to_json(execution).into(),
        change.now.0.into(),
    ];
    change
        .tx
        .execute(sql, parameters)
        .await
        .map_err(|error| match error {
            DatabaseError::Constraint(_) => StoreError::from(Refusal::conflict(
                "execution_live",
                format!(
                    "Bead {} follows a workflow already. Cancel that execution first.",
                    execution.bead_id
                ),
            )),
            other => other.into(),
        })?;
    append(change, &execution.id, execution.version, record).await
}

/// Writes what records made of an execution that was at `before`; of two writers at the same version one wins.
pub(super) async fn save<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    before: i64,
    execution: &Execution,
    records: &[Record],
) -> Result<(), StoreError> {
    let sql = "UPDATE workflow_execution SET version = ?3, status = ?4, node = ?5, cycle_count = ?6, state = ?7, \
               updated_at = ?8, ended_at = ?9 WHERE id = ?1 AND version = ?2";
    let parameters = vec![
        (&execution.id).into(),
        before.into(),
        execution.version.into(),
        execution.status.as_str().into(),
        (&execution.node).into(),
        execution.cycle_count.into(),
        to_json(execution).into(),
        change.now.0.into(),
        execution.ended_at.map(|at| at.0).into(),
    ];
    if change.tx.execute(sql, parameters).await? == 0 {
        return Err(stale(&execution.id, before).into());
    }
    for (version, record) in (before + 1..).zip(records) {
        append(change, &execution.id, version, record).await?;
    }
    Ok(())
}

/// The refusal for a writer who read an older version.
pub(super) fn stale(id: &str, expected: i64) -> Refusal {
    Refusal::conflict(
        "execution_changed",
        format!(
            "Execution {id} has changed since version {expected} was read. Read it again and decide anew."
        ),
    )
}

async fn append<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    execution_id: &str,
    version: i64,
    record: &Record,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO workflow_history (execution_id, version, record, actor, created_at) \
               VALUES (?1, ?2, ?3, ?4, ?5)";
    let parameters = vec![
        execution_id.into(),
        version.into(),
        to_json(record).into(),
        change.actor.into(),
        change.now.0.into(),
    ];
    change.tx.execute(sql, parameters).await?;
    Ok(())
}
