use std::collections::BTreeSet;

use loom_domain::{
    delivery::{LEASE, MAX_REDELIVERIES, REDELIVERY_PERIOD},
    event::{EventKind, NewEvent},
};
use loom_platform::{Random, Statements};

use crate::{
    StoreError,
    change::{Change, NOW},
};

/// Takes the turn of asking GitHub which deliveries never arrived, if it is due: one of any number of sweeps gets it.
pub async fn take_redelivery_sweep<S: Statements>(statements: &S) -> Result<bool, StoreError> {
    // A read in place of a write, most of the time.
    let sql = format!("SELECT 1 FROM redelivery_sweep WHERE id = 1 AND due_at <= {NOW}");
    if statements.query_one(&sql, vec![]).await?.is_none() {
        return Ok(false);
    }
    let sql =
        format!("UPDATE redelivery_sweep SET due_at = {NOW} + ?1 WHERE id = 1 AND due_at <= {NOW}");
    let taken = statements
        .execute(&sql, vec![REDELIVERY_PERIOD.into()])
        .await?;
    Ok(taken > 0)
}

/// Which of these deliveries came, whatever GitHub thinks, and need not be sent again. One that failed here is not among
/// them: sent again, it is tried again.
pub async fn known<S: Statements>(
    statements: &S,
    guids: &[String],
) -> Result<BTreeSet<String>, StoreError> {
    let sql = "SELECT guid FROM delivery WHERE guid IN (SELECT value FROM json_each(?1)) AND status <> 'failed'";
    let list = serde_json::json!(guids).to_string();
    let rows = statements.query(sql, vec![list.into()]).await?;
    rows.iter().map(|row| Ok(row.text(0)?)).collect()
}

/// Notes that GitHub is about to be asked to send a delivery again, before it is asked. `false` when it was asked often
/// enough, or so lately that its answer may still be on the way.
pub async fn note_redelivery<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    guid: &str,
) -> Result<bool, StoreError> {
    let sql = "INSERT INTO redelivery (guid, attempts, asked_at) VALUES (?1, 1, ?2) \
               ON CONFLICT (guid) DO UPDATE SET attempts = attempts + 1, asked_at = excluded.asked_at \
               WHERE attempts < ?3 AND asked_at <= ?2 - ?4";
    let values = vec![
        guid.into(),
        change.now.0.into(),
        MAX_REDELIVERIES.into(),
        LEASE.into(),
    ];
    if change.tx.execute(sql, values).await? == 0 {
        return Ok(false);
    }
    let event = NewEvent::new(EventKind::WebhookRedelivered).with("guid", guid);
    change.event(event).await?;
    Ok(true)
}
