//! Deliveries: claimed, sent by somebody else, recorded.

use loom_domain::{
    connector::{ATTEMPTS, BREAKER, Delivery, DeliveryStatus, Outcome, wait_after},
    time::{DAY, MINUTE, Timestamp},
};
use loom_platform::{Random, Row, Statements};

use super::{
    get,
    row::{DELIVERY, delivery},
    state,
};
use crate::{
    StoreError,
    change::{Change, NOW},
    row::time,
};

/// How long whoever claimed a delivery may be silent, in milliseconds: longer than sending it may take.
const CLAIMED_FOR: i64 = MINUTE;
/// How long deliveries that ended are kept.
const KEPT: i64 = 30 * DAY;
/// How many old ones are forgotten at once.
const FORGOTTEN_AT_ONCE: i64 = 1_000;

/// A delivery that somebody is about to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    /// Its id, the same for each attempt.
    pub id: String,
    /// The sequence number of its event.
    pub sequence: i64,
    /// The event's kind.
    pub event: String,
    /// Which attempt this is, from 1. The result counts for this one alone.
    pub attempt: i64,
    /// When it was claimed, by the database's clock.
    pub at: Timestamp,
}

/// Takes the delivery of a connector that is due the longest, by the database's clock. Of any number of callers each
/// gets another one. One that nobody records within a minute is due again.
pub async fn claim<S: Statements>(
    statements: &S,
    connector_id: &str,
) -> Result<Option<Claimed>, StoreError> {
    let sql = format!(
        "UPDATE connector_delivery SET attempts = attempts + 1, attempted_at = {NOW}, next_attempt_at = {NOW} + ?2 \
         WHERE id = (SELECT id FROM connector_delivery WHERE connector_id = ?1 AND status = 'pending' \
         AND next_attempt_at <= {NOW} ORDER BY next_attempt_at, sequence LIMIT 1) \
         AND status = 'pending' AND next_attempt_at <= {NOW} \
         RETURNING id, sequence, event, attempts, attempted_at"
    );
    let row = statements
        .query_one(&sql, vec![connector_id.into(), CLAIMED_FOR.into()])
        .await?;
    row.map(|row: Row| {
        Ok(Claimed {
            id: row.text(0)?,
            sequence: row.integer(1)?,
            event: row.text(2)?,
            attempt: row.integer(3)?,
            at: time(&row, 4)?,
        })
    })
    .transpose()
}

/// What came of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// What becomes of the delivery.
    pub outcome: Outcome,
    /// The status of the answer, if there was one.
    pub response_status: Option<u16>,
    /// How long it took, in milliseconds.
    pub latency_ms: i64,
}

/// Records what came of an attempt. After [`ATTEMPTS`] attempts a delivery has failed, and after [`BREAKER`] failed ones
/// in a row its connector is paused. The result of an attempt that is not the latest changes nothing.
///
/// A wait that the other side asks for holds for all that it is to be told.
pub async fn record<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    connector_id: &str,
    claimed: &Claimed,
    recorded: &Recorded,
) -> Result<(), StoreError> {
    let [jitter] = change.random.bytes();
    let (status, code, message, next) = match &recorded.outcome {
        Outcome::Delivered => (DeliveryStatus::Delivered, None, None, None),
        Outcome::Again { code, message, .. } if claimed.attempt >= ATTEMPTS => {
            let message = format!("{message} It was tried {} times.", claimed.attempt);
            (DeliveryStatus::Failed, Some(*code), Some(message), None)
        }
        Outcome::Again {
            code,
            message,
            retry_after_ms,
        } => {
            let wait = wait_after(claimed.attempt, jitter).max(retry_after_ms.unwrap_or(0));
            (
                DeliveryStatus::Pending,
                Some(*code),
                Some(message.clone()),
                Some(change.now.0 + wait),
            )
        }
        Outcome::Never { code, message } => (
            DeliveryStatus::Failed,
            Some(*code),
            Some(message.clone()),
            None,
        ),
    };
    // One that was held meanwhile stays so, unless it has ended.
    let sql = "UPDATE connector_delivery SET \
               status = CASE WHEN ?3 = 'pending' THEN status ELSE ?3 END, \
               next_attempt_at = CASE WHEN status = 'held' THEN NULL ELSE ?4 END, response_status = ?5, latency_ms = ?6, \
               code = ?7, message = ?8, delivered_at = CASE WHEN ?3 = 'delivered' THEN ?9 END \
               WHERE id = ?1 AND attempts = ?2 AND status IN ('pending', 'held')";
    let values = vec![
        (&claimed.id).into(),
        claimed.attempt.into(),
        status.as_str().into(),
        next.into(),
        recorded.response_status.map(i64::from).into(),
        recorded.latency_ms.into(),
        code.into(),
        message.clone().into(),
        change.now.0.into(),
    ];
    if change.tx.execute(sql, values).await? == 0 {
        return Ok(());
    }
    match (&recorded.outcome, status) {
        (_, DeliveryStatus::Delivered) => {
            let sql = "UPDATE connector SET consecutive_failures = 0 WHERE id = ?1 AND consecutive_failures > 0";
            change.tx.execute(sql, vec![connector_id.into()]).await?;
        }
        (_, DeliveryStatus::Failed) => {
            let why = message.unwrap_or_default();
            count_failure(change, connector_id, &why).await?;
        }
        (
            Outcome::Again {
                retry_after_ms: Some(wait),
                ..
            },
            _,
        ) => wait_with_all(change, connector_id, change.now.0 + wait).await?,
        _ => {}
    }
    Ok(())
}

async fn count_failure<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    connector_id: &str,
    why: &str,
) -> Result<(), StoreError> {
    let sql = "UPDATE connector SET consecutive_failures = consecutive_failures + 1 WHERE id = ?1";
    change.tx.execute(sql, vec![connector_id.into()]).await?;
    let connector = get(change.tx, connector_id).await?;
    if connector.consecutive_failures >= BREAKER {
        let reason = format!(
            "{} deliveries in a row failed. The last one: {why}",
            connector.consecutive_failures
        );
        state::pause(change, connector, &reason).await?;
    }
    Ok(())
}

async fn wait_with_all<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    connector_id: &str,
    until: i64,
) -> Result<(), StoreError> {
    for sql in [
        "UPDATE connector SET not_before = MAX(not_before, ?2) WHERE id = ?1",
        // Those that somebody is sending right now are put off too: should the sender die, they wait like the others.
        "UPDATE connector_delivery SET next_attempt_at = MAX(next_attempt_at, ?2) \
         WHERE connector_id = ?1 AND status = 'pending'",
    ] {
        change
            .tx
            .execute(sql, vec![connector_id.into(), until.into()])
            .await?;
    }
    Ok(())
}

/// Keeps the result of a test message. It counts for nothing else.
pub async fn keep_test<S: Statements>(
    statements: &S,
    connector_id: &str,
    id: &str,
    sent_at: Timestamp,
    recorded: &Recorded,
) -> Result<Delivery, StoreError> {
    let (status, code, message) = match &recorded.outcome {
        Outcome::Delivered => (DeliveryStatus::Delivered, None, None),
        Outcome::Again { code, message, .. } | Outcome::Never { code, message } => {
            (DeliveryStatus::Failed, Some(*code), Some(message.clone()))
        }
    };
    let delivered_at = (status == DeliveryStatus::Delivered).then_some(sent_at.0);
    let sql = format!(
        "INSERT INTO connector_delivery (id, connector_id, event, status, attempts, attempted_at, response_status, \
         latency_ms, code, message, created_at, delivered_at) \
         SELECT ?1, id, 'connector.test', ?3, 1, ?4, ?5, ?6, ?7, ?8, ?4, ?9 FROM connector WHERE id = ?2 \
         RETURNING {DELIVERY}"
    );
    let values = vec![
        id.into(),
        connector_id.into(),
        status.as_str().into(),
        sent_at.0.into(),
        recorded.response_status.map(i64::from).into(),
        recorded.latency_ms.into(),
        code.into(),
        message.into(),
        delivered_at.into(),
    ];
    match statements.query_one(&sql, values).await? {
        Some(row) => delivery(&row),
        // It was deleted meanwhile.
        None => Err(match get(statements, connector_id).await {
            Err(refused) => refused,
            Ok(_) => StoreError::Corrupt("a test was not kept".to_owned()),
        }),
    }
}

/// Up to `limit` deliveries of a connector before the place `before` (moment and id), newest first.
pub async fn log<S: Statements>(
    statements: &S,
    connector_id: &str,
    status: Option<DeliveryStatus>,
    before: Option<(i64, String)>,
    limit: i64,
) -> Result<Vec<Delivery>, StoreError> {
    let sql = format!(
        "SELECT {DELIVERY} FROM connector_delivery WHERE connector_id = ?1 AND (?3 IS NULL OR status = ?3) \
         AND (?4 IS NULL OR (created_at, id) < (?4, ?5)) ORDER BY created_at DESC, id DESC LIMIT ?2"
    );
    let (at, id) = before.unzip();
    let values = vec![
        connector_id.into(),
        limit.into(),
        status.map(DeliveryStatus::as_str).into(),
        at.into(),
        id.into(),
    ];
    let rows = statements.query(&sql, values).await?;
    rows.iter().map(delivery).collect()
}

/// Forgets deliveries that ended more than 30 days ago, a thousand at once.
pub async fn forget_old<S: Statements>(statements: &S) -> Result<u64, StoreError> {
    let sql = format!(
        "DELETE FROM connector_delivery WHERE id IN (SELECT id FROM connector_delivery \
         WHERE status IN ('delivered', 'failed', 'skipped') AND created_at < {NOW} - ?1 ORDER BY created_at LIMIT ?2)"
    );
    let values = vec![KEPT.into(), FORGOTTEN_AT_ONCE.into()];
    Ok(statements.execute(&sql, values).await?)
}
