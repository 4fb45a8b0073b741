//! Timers.

use loom_domain::{time::Timestamp, timer::TimerKind};
use loom_platform::Statements;

use crate::{StoreError, row::word};

/// Sets the timer of a kind for a subject, in place of the one that it had.
pub async fn set<S: Statements>(
    tx: &S,
    kind: TimerKind,
    subject: &str,
    due_at: Timestamp,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO timer (kind, subject, due_at) VALUES (?1, ?2, ?3) \
               ON CONFLICT (kind, subject) DO UPDATE SET due_at = excluded.due_at";
    tx.execute(
        sql,
        vec![kind.as_str().into(), subject.into(), due_at.0.into()],
    )
    .await?;
    Ok(())
}

/// Removes a timer; it need not exist.
pub async fn cancel<S: Statements>(
    tx: &S,
    kind: TimerKind,
    subject: &str,
) -> Result<(), StoreError> {
    tx.execute(
        "DELETE FROM timer WHERE kind = ?1 AND subject = ?2",
        vec![kind.as_str().into(), subject.into()],
    )
    .await?;
    Ok(())
}

/// Takes up to `limit` timers that are due: whoever takes one applies it in the same transaction.
pub async fn take_due<S: Statements>(
    tx: &S,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<(TimerKind, String)>, StoreError> {
    let sql = "DELETE FROM timer WHERE (kind, subject) IN \
               (SELECT kind, subject FROM timer WHERE due_at <= ?1 ORDER BY due_at LIMIT ?2) RETURNING kind, subject";
    let rows = tx.query(sql, vec![now.0.into(), limit.into()]).await?;
    rows.iter()
        .map(|row| Ok((word(row, 0, TimerKind::parse)?, row.text(1)?)))
        .collect()
}

/// Whether a timer is due: one indexed read, for a tick that has nothing to do.
pub async fn any_due<S: Statements>(statements: &S, now: Timestamp) -> Result<bool, StoreError> {
    Ok(statements
        .query_one(
            "SELECT 1 FROM timer WHERE due_at <= ?1 LIMIT 1",
            vec![now.0.into()],
        )
        .await?
        .is_some())
}
