use loom_api::Error;
use loom_domain::time::MINUTE;
use loom_platform::{Clock, Database, Platform, Transaction};
use loom_store::{Change, delivery};

use crate::ACTOR;

/// Records that a delivery was refused: a line of the log each time, an event at most once a minute. It never fails what
/// it is part of.
pub(crate) async fn record<P: Platform>(
    platform: &P,
    code: &str,
    event: Option<&str>,
    guid: Option<&str>,
) {
    let facts = [
        ("code", code),
        ("event", event.unwrap_or_default()),
        ("guid", guid.unwrap_or_default()),
    ];
    loom_api::log("warn", "a delivery was refused", facts);
    if let Err(error) = note(platform, code, event, guid).await {
        let cause = format!("{error:?}");
        let message = "a refused delivery could not be recorded";
        loom_api::log("warn", message, [("cause", &cause)]);
    }
}

async fn note<P: Platform>(
    platform: &P,
    code: &str,
    event: Option<&str>,
    guid: Option<&str>,
) -> Result<(), Error> {
    let database = platform.database();
    // A read in place of a write, as long as a flood lasts.
    let last = delivery::last_refusal(database, Some(code)).await?;
    if last.is_some_and(|at| platform.clock().now() - at.0 < MINUTE) {
        return Ok(());
    }
    let tx = database.transaction().await?;
    let change = Change::new(&tx, platform.random(), ACTOR).await?;
    delivery::refused(&change, code, event, guid).await?;
    Ok(tx.commit().await?)
}
