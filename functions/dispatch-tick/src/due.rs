//! What is due whether anybody asks or not (invariant I12): timers, and runs whose holder died.

use loom_api::{Error, Settings};
use loom_domain::timer::TimerKind;
use loom_platform::{Database, Platform, Transaction};
use loom_store::{Change, StoreError, agent, bead, decision, run, timer, workflow};

use crate::bead_sync;

const ACTOR: &str = "dispatch-tick";
const BATCH: i64 = 100;

/// How long a timer is put off that could not be applied, in milliseconds.
const PUT_OFF_MS: i64 = 5 * 60_000;

/// Applies due timers, each in the transaction that takes it. One that is refused is put off and told in the log, so
/// that it stands in nobody else's way.
pub(crate) async fn fire_timers<P: Platform>(platform: &P) -> Result<(), Error> {
    let database = platform.database();
    while let Some((kind, subject)) = timer::next_due(database).await? {
        match fire(platform, kind, &subject).await {
            Ok(()) => {}
            Err(error @ StoreError::Database(_)) => return Err(error.into()),
            Err(error) => {
                let cause = error.to_string();
                let about = [
                    ("kind", kind.as_str()),
                    ("subject", &subject),
                    ("cause", &cause),
                ];
                loom_api::log(
                    "error",
                    "a timer could not be applied; it is put off",
                    about,
                );
                timer::put_off(database, kind, &subject, PUT_OFF_MS).await?;
            }
        }
    }
    Ok(())
}

async fn fire<P: Platform>(platform: &P, kind: TimerKind, subject: &str) -> Result<(), StoreError> {
    let tx = platform.database().transaction().await?;
    let change = Change::new(&tx, platform.random(), ACTOR).await?;
    // Another tick may have been faster.
    let is_taken = timer::take(&tx, kind, subject, change.now).await?;
    if is_taken {
        match kind {
            TimerKind::BeadRetry => bead::retry_is_due(&change, subject).await?,
            TimerKind::DecisionDeadline => decision::deadline_is_due(&change, subject).await?,
            TimerKind::WorkflowNode => workflow::timed_out(&change, subject).await?,
            TimerKind::AgentRetry => agent::retry_is_due(&change, subject).await?,
            TimerKind::RunChecks => run::look_is_due(&change, subject).await?,
            TimerKind::BeadSync => {}
        }
    }
    tx.commit().await?;
    if is_taken && kind == TimerKind::BeadSync {
        bead_sync::start(platform, subject);
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
