use loom_domain::{
    Refusal,
    connector::{Connector, ConnectorStatus},
    event::EventKind,
};
use loom_platform::{Random, Statements};

use super::tell;
use crate::{StoreError, change::Change, event};

/// Has a connector send nothing; what waits is held, and it remembers up to which event it has looked. One that is
/// paused stays as it is.
pub async fn pause<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    mut connector: Connector,
    reason: &str,
) -> Result<Connector, StoreError> {
    if connector.status == ConnectorStatus::Paused {
        return Ok(connector);
    }
    let sql =
        "UPDATE connector SET status = 'paused', paused_reason = ?2, paused_at = ?3 WHERE id = ?1";
    let values = vec![(&connector.id).into(), reason.into(), change.now.0.into()];
    change.tx.execute(sql, values).await?;
    let sql = "UPDATE connector_delivery SET status = 'held', next_attempt_at = NULL \
               WHERE connector_id = ?1 AND status = 'pending'";
    change.tx.execute(sql, vec![(&connector.id).into()]).await?;
    connector.status = ConnectorStatus::Paused;
    connector.paused_reason = Some(reason.to_owned());
    connector.paused_at = Some(change.now);
    tell(change, EventKind::ConnectorPaused, &connector, "paused").await?;
    Ok(connector)
}

/// Has a paused connector send again: what was held and what has happened since, or with `skip` only what happens from
/// now on. Refuses one that is active.
pub async fn resume<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    mut connector: Connector,
    skip: bool,
) -> Result<Connector, StoreError> {
    if connector.status == ConnectorStatus::Active {
        let message = format!("Connector {} is active already.", connector.id);
        return Err(Refusal::conflict("connector_active", message).into());
    }
    let (status, next, cursor) = match skip {
        true => ("skipped", None, event::newest(change.tx).await?),
        false => ("pending", Some(change.now.0), connector.cursor),
    };
    let sql = "UPDATE connector_delivery SET status = ?2, next_attempt_at = ?3 WHERE connector_id = ?1 AND status = 'held'";
    let values = vec![(&connector.id).into(), status.into(), next.into()];
    change.tx.execute(sql, values).await?;
    let sql = "UPDATE connector SET status = 'active', paused_reason = NULL, paused_at = NULL, consecutive_failures = 0, \
               not_before = 0, cursor = ?2 WHERE id = ?1";
    change
        .tx
        .execute(sql, vec![(&connector.id).into(), cursor.into()])
        .await?;
    connector.status = ConnectorStatus::Active;
    connector.paused_reason = None;
    connector.paused_at = None;
    connector.consecutive_failures = 0;
    connector.cursor = cursor;
    tell(change, EventKind::ConnectorUpdated, &connector, "resumed").await?;
    Ok(connector)
}
