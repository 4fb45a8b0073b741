use loom_domain::{
    Refusal,
    delivery::{Delivery, DeliveryStatus, LEASE, Next, after_failure},
    event::{EventKind, NewEvent},
    time::{SECOND, Timestamp},
};
use loom_platform::{Random, Statements};

use super::{COLUMNS, accept::reopen, from_row, get};
use crate::{
    StoreError,
    change::{Change, NOW},
};

/// How long a handler counts as at work, in milliseconds.
const BRISK: i64 = 15 * SECOND;

/// A delivery that one handler has, until its lease runs out.
#[derive(Debug, Clone, PartialEq)]
pub struct Claimed {
    /// The delivery, with the fence that its handler proves itself by.
    pub delivery: Delivery,
}

/// How the handling of a delivery ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End<'a> {
    /// Processed, ignored or failed.
    pub status: DeliveryStatus,
    /// What came of it, as a code.
    pub outcome: &'a str,
    /// What was not done and why, as a sentence.
    pub why: Option<&'a str>,
    /// The bead that it was about.
    pub bead_id: Option<&'a str>,
}

/// Takes a delivery that is due, or that its handler left: one statement, by the database's clock, so that one of any
/// number of handlers gets it. `None` for the others.
pub async fn claim<S: Statements>(statements: &S, id: &str) -> Result<Option<Claimed>, StoreError> {
    let sql = format!(
        "UPDATE delivery SET status = 'processing', due_at = {NOW} + ?2, attempts = attempts + 1, fence = fence + 1 \
         WHERE id = ?1 AND due_at <= {NOW} RETURNING {COLUMNS}"
    );
    let row = statements
        .query_one(&sql, vec![id.into(), LEASE.into()])
        .await?;
    row.map(|row| {
        Ok(Claimed {
            delivery: from_row(&row)?,
        })
    })
    .transpose()
}

/// Takes the delivery that has been due for longest, as [`claim`] does. `None` when none is due.
pub async fn claim_next<S: Statements>(statements: &S) -> Result<Option<Claimed>, StoreError> {
    // A read in place of a write where there is nothing to take: writers have to wait for each other.
    let sql = format!("SELECT 1 FROM delivery WHERE due_at <= {NOW} LIMIT 1");
    if statements.query_one(&sql, vec![]).await?.is_none() {
        return Ok(None);
    }
    let sql = format!(
        "UPDATE delivery SET status = 'processing', due_at = {NOW} + ?1, attempts = attempts + 1, fence = fence + 1 \
         WHERE id = (SELECT id FROM delivery WHERE due_at <= {NOW} ORDER BY due_at, id LIMIT 1) RETURNING {COLUMNS}"
    );
    let row = statements.query_one(&sql, vec![LEASE.into()]).await?;
    row.map(|row| {
        Ok(Claimed {
            delivery: from_row(&row)?,
        })
    })
    .transpose()
}

/// How many deliveries were taken to be handled within the last 15 seconds and are not finished. Whoever has one for
/// longer waits for GitHub, or has died: neither keeps others from work.
pub async fn in_hand<S: Statements>(statements: &S) -> Result<i64, StoreError> {
    let sql = format!(
        "SELECT COUNT(*) FROM delivery WHERE status = 'processing' AND due_at > {NOW} + ?1"
    );
    let values = vec![(LEASE - BRISK).into()];
    let row = statements.query_one(&sql, values).await?;
    row.map_or(Ok(0), |row| Ok(row.integer(0)?))
}

/// Marks a claimed delivery as handled, in the transaction of what it did. Refuses with `delivery_taken` when another
/// handler took over meanwhile: then nothing may be done, and the transaction must not be committed.
pub async fn finish<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    claimed: &Claimed,
    end: End<'_>,
) -> Result<(), StoreError> {
    let delivery = &claimed.delivery;
    let sql = "UPDATE delivery SET status = ?3, due_at = NULL, outcome = ?4, bead_id = ?5, processed_at = ?6, error = ?7, \
               fence = fence + 1 WHERE id = ?1 AND status = 'processing' AND fence = ?2";
    let values = vec![
        (&delivery.id).into(),
        delivery.fence.into(),
        end.status.as_str().into(),
        end.outcome.into(),
        end.bead_id.into(),
        change.now.0.into(),
        end.why.into(),
    ];
    if change.tx.execute(sql, values).await? == 0 {
        return Err(taken(delivery).into());
    }
    let mut event = changed(delivery, end.status).with("outcome", end.outcome);
    if let Some(why) = end.why {
        event = event.with("why", why);
    }
    event.bead_id = end.bead_id.map(str::to_owned);
    change.event(event).await?;
    Ok(())
}

/// Gives a claimed delivery back after a failure: it is tried again later, or has failed for good. `wait_until`: GitHub
/// takes no calls before. Does nothing when another handler took over meanwhile.
pub async fn release<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    claimed: &Claimed,
    code: &str,
    error: &str,
    wait_until: Option<Timestamp>,
) -> Result<Option<Next>, StoreError> {
    let delivery = &claimed.delivery;
    let next = after_failure(
        delivery.attempts,
        delivery.received_at,
        wait_until,
        change.now,
    );
    let (status, due_at, processed_at) = match next {
        Next::Again(at) => (DeliveryStatus::Received, Some(at.0), None),
        Next::Failed => (DeliveryStatus::Failed, None, Some(change.now.0)),
    };
    // Waiting for GitHub is no attempt.
    let sql = "UPDATE delivery SET status = ?3, due_at = ?4, outcome = ?5, error = ?6, processed_at = ?7, \
               attempts = attempts - ?8, fence = fence + 1 WHERE id = ?1 AND status = 'processing' AND fence = ?2";
    let values = vec![
        (&delivery.id).into(),
        delivery.fence.into(),
        status.as_str().into(),
        due_at.into(),
        code.into(),
        error.into(),
        processed_at.into(),
        wait_until.is_some().into(),
    ];
    if change.tx.execute(sql, values).await? == 0 {
        return Ok(None);
    }
    let mut event = changed(delivery, status)
        .with("outcome", code)
        .with("error", error);
    if let Some(at) = due_at {
        event = event.with("due_at", Timestamp(at).to_rfc3339());
    }
    change.event(event).await?;
    Ok(Some(next))
}

/// Has a delivery handled again from what is kept of it. Refuses one that is not over, or whose payload is gone.
pub async fn replay<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    id: &str,
) -> Result<Delivery, StoreError> {
    let delivery = get(change.tx, id).await?;
    if !delivery.status.is_over() {
        let message = format!(
            "Delivery {id} is {} and will be handled anyway; there is nothing to replay yet.",
            delivery.status.as_str()
        );
        return Err(Refusal::conflict("delivery_not_over", message)
            .detail("status", delivery.status.as_str())
            .into());
    }
    if super::payload(change.tx, &delivery.id).await?.is_none() {
        let message = format!(
            "What delivery {id} held is not kept any more: that is done for 7 days. GitHub can send it again for 3 days."
        );
        return Err(Refusal::conflict("payload_gone", message).into());
    }
    reopen(change, &delivery, "replayed").await?;
    get(change.tx, &delivery.id).await
}

fn changed(delivery: &Delivery, to: DeliveryStatus) -> NewEvent {
    let mut event = NewEvent::new(EventKind::WebhookStatusChanged)
        .with("delivery_id", delivery.id.clone())
        .with("event", delivery.event.clone())
        .with("from", delivery.status.as_str())
        .with("to", to.as_str());
    event.project_id.clone_from(&delivery.project_id);
    event
}

fn taken(delivery: &Delivery) -> Refusal {
    let message = format!(
        "Delivery {} took longer than its lease, and another handler has it now.",
        delivery.id
    );
    Refusal::conflict("delivery_taken", message)
}
