use loom_domain::{
    delivery::{Delivery, DeliveryStatus, Repeat, on_repeat},
    event::{EventKind, NewEvent},
};
use loom_platform::{Random, Statements};

use super::{COLUMNS, Payload, from_row};
use crate::{StoreError, change::Change};

/// A delivery that has come, its signature checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDelivery {
    /// `X-GitHub-Delivery`.
    pub guid: String,
    /// The SHA-256 of the payload, in hexadecimal.
    pub sha256: String,
    /// `X-GitHub-Event`.
    pub event: String,
    /// The payload's `action`.
    pub action: Option<String>,
    /// The repository, as `owner/name`.
    pub repository: Option<String>,
    /// The project that the repository belongs to.
    pub project_id: Option<String>,
    /// The installation of the GitHub App.
    pub installation_id: Option<i64>,
    /// Set when there is nothing to do with it: it is ignored at once, and this is why, as a code.
    pub outcome: Option<&'static str>,
    /// The size of the payload in bytes.
    pub size: usize,
    /// What is kept of it as it came.
    pub payload: Payload,
}

/// What became of a delivery that came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Accepted {
    /// It is new, and kept under this id.
    New(String),
    /// It is known under this id, had failed, and is tried again.
    Retry(String),
    /// It is known under this id; nothing is done.
    Duplicate(String),
}

impl Accepted {
    /// The id under which it is kept.
    pub fn id(&self) -> &str {
        match self {
            Self::New(id) | Self::Retry(id) | Self::Duplicate(id) => id,
        }
    }
}

/// Keeps a delivery, unless one with its GUID or payload is known (invariant I8).
pub async fn accept<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    new: NewDelivery,
) -> Result<Accepted, StoreError> {
    let id = change.new_id();
    let (status, due_at, processed_at) = match new.outcome {
        None => (DeliveryStatus::Received, Some(change.now.0), None),
        Some(_) => (DeliveryStatus::Ignored, None, Some(change.now.0)),
    };
    let sql = "INSERT INTO delivery (id, guid, sha256, event, action, repository, project_id, installation_id, status, \
               outcome, size, received_at, due_at, processed_at) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14) ON CONFLICT DO NOTHING";
    let values = vec![
        (&id).into(),
        (&new.guid).into(),
        (&new.sha256).into(),
        (&new.event).into(),
        new.action.as_ref().into(),
        new.repository.as_ref().into(),
        new.project_id.as_ref().into(),
        new.installation_id.into(),
        status.as_str().into(),
        new.outcome.into(),
        i64::try_from(new.size).unwrap_or(i64::MAX).into(),
        change.now.0.into(),
        due_at.into(),
        processed_at.into(),
    ];
    if change.tx.execute(sql, values).await? == 0 {
        return known(change, new).await;
    }
    keep(change, &id, new.payload).await?;
    let mut event = NewEvent::new(EventKind::WebhookAccepted)
        .with("delivery_id", id.clone())
        .with("guid", new.guid)
        .with("event", new.event)
        .with("action", new.action)
        .with("repository", new.repository)
        .with("status", status.as_str());
    if let Some(outcome) = new.outcome {
        event = event.with("outcome", outcome);
    }
    event.project_id = new.project_id;
    change.event(event).await?;
    Ok(Accepted::New(id))
}

async fn keep<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    id: &str,
    payload: Payload,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO delivery_payload (delivery_id, headers, encoding, body, received_at) \
               VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (delivery_id) DO NOTHING";
    let values = vec![
        id.into(),
        payload.headers.into(),
        payload.encoding.into(),
        payload.body.into(),
        change.now.0.into(),
    ];
    change.tx.execute(sql, values).await?;
    Ok(())
}

async fn known<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    new: NewDelivery,
) -> Result<Accepted, StoreError> {
    // The GUID first: a redelivery has both.
    let sql = format!(
        "SELECT {COLUMNS} FROM delivery WHERE guid = ?1 OR sha256 = ?2 ORDER BY guid = ?1 DESC LIMIT 1"
    );
    let values = vec![(&new.guid).into(), (&new.sha256).into()];
    let row = change.tx.query_one(&sql, values).await?;
    let row = row.ok_or_else(|| {
        StoreError::Corrupt("a delivery that conflicts with another is nowhere".to_owned())
    })?;
    let known = from_row(&row)?;
    let sql = "UPDATE delivery SET repeats = repeats + 1 WHERE id = ?1";
    change.tx.execute(sql, vec![(&known.id).into()]).await?;
    match on_repeat(&known, &new.guid, &new.sha256) {
        Repeat::Duplicate => Ok(Accepted::Duplicate(known.id)),
        Repeat::Retry => {
            keep(change, &known.id, new.payload).await?;
            reopen(change, &known, "redelivered").await?;
            Ok(Accepted::Retry(known.id))
        }
    }
}

/// Puts a delivery back to be handled now, with all attempts before it.
pub(super) async fn reopen<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    delivery: &Delivery,
    why: &str,
) -> Result<(), StoreError> {
    let sql = "UPDATE delivery SET status = 'received', due_at = ?2, attempts = 0, error = NULL, outcome = NULL, \
               processed_at = NULL, fence = fence + 1 WHERE id = ?1";
    change
        .tx
        .execute(sql, vec![(&delivery.id).into(), change.now.0.into()])
        .await?;
    let mut event = NewEvent::new(EventKind::WebhookStatusChanged)
        .with("delivery_id", delivery.id.clone())
        .with("from", delivery.status.as_str())
        .with("to", "received")
        .with("reason", why);
    event.project_id.clone_from(&delivery.project_id);
    change.event(event).await?;
    Ok(())
}
