//! Decisions: asked, answered exactly once, escalated or expired, each with everything that follows in one transaction.

mod apply;
mod ask;
mod deadline;
mod decide;
mod decider;
mod list;
mod settle;
mod stop;

use loom_domain::{
    Refusal,
    bead::Priority,
    decision::{Assignee, Decision, DecisionKind, DecisionStatus, effects},
};
use loom_platform::{Row, Statements};

use crate::{
    StoreError,
    row::{json, optional_time, time, word},
};

pub use ask::{ask, ask_about_project};
pub use deadline::deadline_is_due;
pub use decide::decide;
pub(crate) use decider::decider_ended;
pub use decider::{AgentAnswer, answer_as_agent};
pub use list::{DecisionFilter, DecisionPosition, list};
pub(crate) use settle::forget_project;
pub use settle::{answer_all, answer_fingerprint, withdraw};
pub use stop::{refuse_open, stop_and_ask};

const COLUMNS: &str = "id, bead_id, project_id, kind, priority, fingerprint, question, options, recommendation, context, \
    requester, assignee, default_answer, returned_to, execution_id, node, decider_bead, escalations, status, decision, \
    decider, rationale, version, created_at, deadline_at, decided_at";

/// The decision `id`, or a refusal that says how to find one.
pub async fn get<S: Statements>(statements: &S, id: &str) -> Result<Decision, StoreError> {
    find(statements, id).await?.ok_or_else(|| {
        Refusal::not_found(
            "decision_not_found",
            format!("There is no decision {id}. GET /api/v1/decisions lists them."),
        )
        .into()
    })
}

/// The decision `id`, if it exists.
pub async fn find<S: Statements>(statements: &S, id: &str) -> Result<Option<Decision>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM decision WHERE id = ?1");
    let row = statements.query_one(&sql, vec![id.into()]).await?;
    row.as_ref().map(from_row).transpose()
}

/// The decisions about a bead, oldest first.
pub async fn of_bead<S: Statements>(
    statements: &S,
    bead_id: &str,
) -> Result<Vec<Decision>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM decision WHERE bead_id = ?1 ORDER BY created_at, id");
    statements
        .query(&sql, vec![bead_id.into()])
        .await?
        .iter()
        .map(from_row)
        .collect()
}

/// The open decision with this fingerprint, if there is one.
pub async fn open_with<S: Statements>(
    statements: &S,
    fingerprint: &str,
) -> Result<Option<Decision>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM decision WHERE fingerprint = ?1 AND status = 'open'");
    let row = statements.query_one(&sql, vec![fingerprint.into()]).await?;
    row.as_ref().map(from_row).transpose()
}

/// Whether the question with this fingerprint is open.
pub async fn is_open<S: Statements>(statements: &S, fingerprint: &str) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM decision WHERE fingerprint = ?1 AND status = 'open'";
    Ok(statements
        .query_one(sql, vec![fingerprint.into()])
        .await?
        .is_some())
}

fn from_row(row: &Row) -> Result<Decision, StoreError> {
    let kind = word(row, 3, DecisionKind::parse)?;
    let options: Vec<String> = json(row, 7)?;
    Ok(Decision {
        id: row.text(0)?,
        bead_id: row.optional_text(1)?,
        project_id: row.optional_text(2)?,
        kind,
        priority: Priority::new(row.integer(4)?).unwrap_or(Priority::DEFAULT),
        fingerprint: row.text(5)?,
        question: row.text(6)?,
        effects: effects(kind, &options),
        options,
        recommendation: row.optional_text(8)?,
        context: row.text(9)?,
        requester: row.text(10)?,
        assignee: word(row, 11, Assignee::parse)?,
        default_answer: row.optional_text(12)?,
        returned_to: row.optional_text(13)?,
        execution_id: row.optional_text(14)?,
        node: row.optional_text(15)?,
        decider_bead: row.optional_text(16)?,
        escalations: row.integer(17)?,
        status: word(row, 18, DecisionStatus::parse)?,
        decision: row.optional_text(19)?,
        decider: row.optional_text(20)?,
        rationale: row.optional_text(21)?,
        version: row.integer(22)?,
        created_at: time(row, 23)?,
        deadline_at: time(row, 24)?,
        decided_at: optional_time(row, 25)?,
    })
}
