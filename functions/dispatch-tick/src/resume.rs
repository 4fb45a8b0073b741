//! Waiting runs whose answers are there.

use loom_api::{Error, Settings};
use loom_platform::{Database, Platform, Transaction};
use loom_store::{
    Change, StoreError,
    run::{self, Resumed},
};

const ACTOR: &str = "dispatch-tick";
const BATCH: i64 = 100;

/// Puts waiting runs that have all their answers back in the queue as far as there is room, first answered first, and
/// returns those that this turn must start. They come before ready beads: work that was begun is worth more than new
/// work, and an agent that waits for its own turn would otherwise be given new beads for ever.
pub(crate) async fn resume<P: Platform>(
    platform: &P,
    settings: &Settings,
) -> Result<Vec<String>, Error> {
    let mut resumed = Vec::new();
    for waiting in run::resumable(platform.database(), BATCH).await? {
        let tx = platform.database().transaction().await?;
        let change = Change::new(&tx, platform.random(), ACTOR).await?;
        let outcome = run::resume(
            &change,
            &waiting.id,
            settings.hand_over_ms(),
            settings.max_concurrent,
        );
        match outcome.await {
            Ok(Resumed::Queued) => {
                tx.commit().await?;
                resumed.push(waiting.id);
            }
            Ok(Resumed::Cancelled) => tx.commit().await?,
            Ok(Resumed::Later("at_capacity")) => break,
            Ok(Resumed::Later(_) | Resumed::NotResumable) | Err(StoreError::Refused(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(resumed)
}
