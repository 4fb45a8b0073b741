use loom_domain::{
    event::{EventKind, NewEvent},
    time::{MINUTE, Timestamp},
};
use loom_platform::{Random, Statements};

use crate::{StoreError, change::Change, row::optional_time};

/// When the newest refusal was recorded: of this code, or of any.
pub async fn last_refusal<S: Statements>(
    statements: &S,
    code: Option<&str>,
) -> Result<Option<Timestamp>, StoreError> {
    let sql = "SELECT MAX(at) FROM delivery_refusal WHERE ?1 IS NULL OR code = ?1";
    let row = statements.query_one(sql, vec![code.into()]).await?;
    row.map_or(Ok(None), |row| optional_time(&row, 0))
}

/// Records that a delivery was refused, unless that was done within the last minute for the same code: whoever floods
/// the address writes a row a minute. Nothing of the body is recorded, and of the headers what fits their form.
pub async fn refused<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    code: &str,
    event: Option<&str>,
    guid: Option<&str>,
) -> Result<bool, StoreError> {
    let sql = "INSERT INTO delivery_refusal (code, at) VALUES (?1, ?2) \
               ON CONFLICT (code) DO UPDATE SET at = excluded.at WHERE at <= ?3";
    let values = vec![
        code.into(),
        change.now.0.into(),
        (change.now.0 - MINUTE).into(),
    ];
    if change.tx.execute(sql, values).await? == 0 {
        return Ok(false);
    }
    let refused = NewEvent::new(EventKind::WebhookRefused)
        .with("code", code)
        .with("event", event)
        .with("guid", guid);
    change.event(refused).await?;
    Ok(true)
}
