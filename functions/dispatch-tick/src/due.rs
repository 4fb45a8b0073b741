//! What is due whether anybody asks or not (invariant I12): timers, and runs whose holder died.

use loom_api::{Error, Settings};
use loom_domain::timer::TimerKind;
use loom_platform::{Database, Platform, Transaction};
use loom_store::{Change, StoreError, agent, bead, decision, now, run, timer, workflow};

const ACTOR: &str = "dispatch-tick";
const BATCH: i64 = 100;

/// Applies due timers, each in the transaction that takes it.
pub(crate) async fn fire_timers<P: Platform>(platform: &P) -> Result<(), Error> {
    let database = platform.database();
    while timer::any_due(database, now(database).await?).await? {
        let tx = database.transaction().await?;
        let change = Change::new(&tx, platform.random(), ACTOR).await?;
        for (kind, subject) in timer::take_due(&tx, change.now, BATCH).await? {
            match kind {
                TimerKind::BeadRetry => bead::retry_is_due(&change, &subject).await?,
                TimerKind::DecisionDeadline => {
                    decision::deadline_is_due(&change, &subject).await?;
                }
                TimerKind::WorkflowNode => workflow::timed_out(&change, &subject).await?,
                TimerKind::AgentRetry => agent::retry_is_due(&change, &subject).await?,
            }
        }
        tx.commit().await?;
    }
    Ok(())
}

/// Puts runs whose lease ran out back in the queue, and returns those that this turn must start again.
pub(crate) async fn requeue_expired<P: Platform>(
    platform: &P,
    settings: &Settings,
) -> Result<Vec<String>, Error> {
    let mut requeued = Vec::new();
    for expired in run::expired(platform.database(), BATCH).await? {
        let tx = platform.database().transaction().await?;
        let change = Change::new(&tx, platform.random(), ACTOR).await?;
        match run::requeue(
            &change,
            &expired.id,
            settings.hand_over_ms(),
            settings.retry,
        )
        .await
        {
            Ok(start) => {
                tx.commit().await?;
                if start {
                    requeued.push(expired.id);
                }
            }
            Err(StoreError::Refused(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(requeued)
}
