use loom_platform::{Platform, Statements, Transaction};

use super::{
    error::{Result, database},
    journal,
};
use crate::{Call, Outcome};

/// How many rows one statement deletes, so that no other writer waits long.
const AT_ONCE: i64 = 200;

/// Forgets what a run has changed and done. Its fence and its branch stay.
pub(super) async fn close<P: Platform>(platform: &P, call: &Call) -> Result<Outcome> {
    // A file is up to 1 MiB, a call far less.
    for sql in [
        "DELETE FROM github_overlay WHERE rowid IN
           (SELECT rowid FROM github_overlay WHERE run_id = ?1 LIMIT ?2)",
        "DELETE FROM github_call WHERE run_id = ?1 AND key IN
           (SELECT key FROM github_call WHERE run_id = ?1 LIMIT ?2)",
    ] {
        loop {
            let transaction = journal::owned(platform, call).await?;
            let gone = transaction
                .execute(sql, vec![(&call.run.id).into(), AT_ONCE.into()])
                .await
                .map_err(database)?;
            transaction.commit().await.map_err(database)?;
            if gone == 0 {
                break;
            }
        }
    }
    Ok(Outcome::Done)
}
