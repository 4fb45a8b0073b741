//! Decisions.

use loom_domain::{
    Refusal,
    bead::Bead,
    decision::{DEADLINE, Decision},
    event::{EventKind, NewEvent},
    run::NewDecision,
};
use loom_platform::{Random, Row, Statements};

use crate::{
    StoreError,
    change::Change,
    row::{json, optional_time, time, to_json},
};

const COLUMNS: &str = "id, bead_id, project_id, kind, question, options, recommendation, context, requester, status, \
    decision, decider, rationale, created_at, deadline_at, decided_at";

/// Puts a question about a bead to a person, and holds the bead. Does nothing while a question with the same
/// fingerprint is open (invariant I10), and returns `None` then.
pub async fn ask<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    bead: &Bead,
    new: &NewDecision,
    context: &str,
) -> Result<Option<String>, StoreError> {
    let id = change.new_id();
    let inserted = change
        .tx
        .execute(
            "INSERT OR IGNORE INTO decision (id, bead_id, project_id, kind, fingerprint, question, options, \
             recommendation, context, requester, status, created_at, deadline_at) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 'open', ?11, ?12)",
            vec![
                (&id).into(),
                (&bead.id).into(),
                (&bead.project_id).into(),
                new.kind.as_str().into(),
                (&new.fingerprint).into(),
                (&new.question).into(),
                to_json(&new.options).into(),
                new.recommendation.as_ref().into(),
                context.into(),
                change.actor.into(),
                change.now.0.into(),
                (change.now.0 + DEADLINE).into(),
            ],
        )
        .await?;
    if inserted == 0 {
        return Ok(None);
    }
    change.tx.execute("UPDATE bead SET open_decisions = open_decisions + 1, version = version + 1 WHERE id = ?1", vec![(&bead.id).into()]).await?;
    let event = NewEvent::new(EventKind::DecisionCreated)
        .project(&bead.project_id)
        .bead(&bead.id)
        .with("decision_id", id.clone())
        .with("kind", new.kind.as_str())
        .with("question", new.question.clone());
    change.event(event).await?;
    Ok(Some(id))
}

/// The decision `id`.
pub async fn get<S: Statements>(statements: &S, id: &str) -> Result<Decision, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM decision WHERE id = ?1");
    let row = statements.query_one(&sql, vec![id.into()]).await?;
    row.as_ref().map(from_row).transpose()?.ok_or_else(|| {
        Refusal::not_found("decision_not_found", format!("There is no decision {id}.")).into()
    })
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

/// Whether the question with this fingerprint is open.
pub async fn is_open<S: Statements>(statements: &S, fingerprint: &str) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM decision WHERE fingerprint = ?1 AND status = 'open'";
    Ok(statements
        .query_one(sql, vec![fingerprint.into()])
        .await?
        .is_some())
}

/// Answers every open decision about a bead with the same words, and frees the bead.
pub async fn answer_all<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    bead_id: &str,
    answer: &str,
    rationale: &str,
) -> Result<(), StoreError> {
    answer_where(change, "bead_id", bead_id, answer, rationale).await
}

/// Answers the open decision with this fingerprint, if there is one, and frees its bead.
pub async fn answer_fingerprint<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    fingerprint: &str,
    answer: &str,
    rationale: &str,
) -> Result<(), StoreError> {
    answer_where(change, "fingerprint", fingerprint, answer, rationale).await
}

async fn answer_where<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    column: &str,
    value: &str,
    answer: &str,
    rationale: &str,
) -> Result<(), StoreError> {
    let sql = format!(
        "UPDATE decision SET status = 'decided', decision = ?2, decider = ?3, rationale = ?4, decided_at = ?5 \
         WHERE {column} = ?1 AND status = 'open' RETURNING id, project_id, bead_id"
    );
    let parameters = vec![
        value.into(),
        answer.into(),
        change.actor.into(),
        rationale.into(),
        change.now.0.into(),
    ];
    for row in change.tx.query(&sql, parameters).await? {
        let bead_id = row.text(2)?;
        let event = NewEvent::new(EventKind::DecisionDecided)
            .project(&row.text(1)?)
            .bead(&bead_id)
            .with("decision_id", row.text(0)?)
            .with("decision", answer)
            .with("decider", change.actor)
            .with("rationale", rationale);
        change.event(event).await?;
        let sql = "UPDATE bead SET open_decisions = open_decisions - 1, version = version + 1 WHERE id = ?1";
        change.tx.execute(sql, vec![bead_id.into()]).await?;
    }
    Ok(())
}

/// Ends every open decision about a bead whose question no longer matters.
pub async fn withdraw<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    bead_id: &str,
    why: &str,
) -> Result<(), StoreError> {
    answer_all(change, bead_id, "withdrawn", why).await
}

fn from_row(row: &Row) -> Result<Decision, StoreError> {
    Ok(Decision {
        id: row.text(0)?,
        bead_id: row.text(1)?,
        project_id: row.text(2)?,
        kind: row.text(3)?,
        question: row.text(4)?,
        options: json(row, 5)?,
        recommendation: row.optional_text(6)?,
        context: row.text(7)?,
        requester: row.text(8)?,
        status: row.text(9)?,
        decision: row.optional_text(10)?,
        decider: row.optional_text(11)?,
        rationale: row.optional_text(12)?,
        created_at: time(row, 13)?,
        deadline_at: time(row, 14)?,
        decided_at: optional_time(row, 15)?,
    })
}
