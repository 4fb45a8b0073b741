//! Timers.

use loom_domain::{time::Timestamp, timer::TimerKind};
use loom_platform::Statements;

use crate::{StoreError, change::NOW, row::word};

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

/// The timer that is due the longest by the database's clock, if one is: one indexed read, for a tick that has nothing
/// to do.
pub async fn next_due<S: Statements>(
    statements: &S,
) -> Result<Option<(TimerKind, String)>, StoreError> {
    let sql = format!(
        "SELECT kind, subject FROM timer WHERE due_at <= {NOW} ORDER BY due_at, kind, subject LIMIT 1"
    );
    let row = statements.query_one(&sql, vec![]).await?;
    row.map(|row| Ok((word(&row, 0, TimerKind::parse)?, row.text(1)?)))
        .transpose()
}

/// Takes a timer that is due, and says whether it was there: whoever takes it applies it in the same transaction.
pub async fn take<S: Statements>(
    tx: &S,
    kind: TimerKind,
    subject: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "DELETE FROM timer WHERE kind = ?1 AND subject = ?2 AND due_at <= ?3";
    let parameters = vec![kind.as_str().into(), subject.into(), now.0.into()];
    Ok(tx.execute(sql, parameters).await? > 0)
}

/// Puts off a timer that is due.
pub async fn put_off<S: Statements>(
    statements: &S,
    kind: TimerKind,
    subject: &str,
    by_ms: i64,
) -> Result<(), StoreError> {
    let sql = format!(
        "UPDATE timer SET due_at = {NOW} + ?3 WHERE kind = ?1 AND subject = ?2 AND due_at <= {NOW}"
    );
    let parameters = vec![kind.as_str().into(), subject.into(), by_ms.into()];
    statements.execute(&sql, parameters).await?;
    Ok(())
}
