//! Checks that work elsewhere, such as GitHub Actions: the run waits for them, looks when it goes on, and is told.

use loom_api::Settings;
use loom_domain::{
    action::Action,
    prompt,
    run::{Hold, Wait},
};
use loom_platform::{Database, Platform, Transaction};
use loom_store::{
    Change, now,
    run::{self, PendingChecks},
};
use loom_workspace::{Operation, Outcome};

use crate::{
    next::Next,
    perform::{Worker, operate, told},
    stop::Stop,
};

/// How long a run waits for checks before it is told that they do not end, in milliseconds.
const LONGEST_MS: i64 = 6 * 60 * 60_000;

/// Looks at the checks that the run waited for, tells it of those that are over, and waits again for the others.
///
/// `None`: nothing is pending any more, and the step goes on.
pub(crate) async fn look<P: Platform>(
    platform: &P,
    settings: &Settings,
    hold: &Hold,
    step: i64,
) -> Result<Option<Next>, Stop> {
    let database = platform.database();
    let pending = run::pending_checks(database, &hold.run_id).await?;
    if pending.is_empty() {
        return Ok(None);
    }
    let worker = &Worker::load(platform, settings, hold, step).await?;
    let mut waits: Vec<Wait> = Vec::new();
    for pending in pending {
        match result(worker, &pending).await? {
            Some(text) => tell(worker.platform, worker.hold, &pending.commit, &text).await?,
            None => waits.push(Wait::checks(&worker.context.project.id, &pending.commit)),
        }
    }
    if waits.is_empty() {
        return Ok(None);
    }
    let actor = worker.actor();
    let tx = database.transaction().await?;
    let change = Change::new(&tx, worker.platform.random(), &actor).await?;
    let is_waiting = run::wait(&change, worker.hold, &waits).await?;
    tx.commit().await?;
    Ok(is_waiting.then_some(Next::Waiting))
}

/// What there is to tell of checks; `None` while they are at work.
async fn result<P: Platform>(
    worker: &Worker<'_, P>,
    pending: &PendingChecks,
) -> Result<Option<String>, Stop> {
    let commit = &pending.commit;
    let key = format!("{}:checks:{commit}:{}", worker.hold.run_id, pending.looks);
    let operation = Operation::Checks {
        commit: Some(commit.clone()),
    };
    let action = Action::Test { pattern: None };
    Ok(match operate(worker, &key, operation).await? {
        Ok(Outcome::Awaiting { what, .. }) => {
            let waited = now(worker.platform.database()).await?.0 - pending.since.0;
            (waited > LONGEST_MS).then(|| {
                format!(
                    "{what} of commit {commit} are still not over after {} hours. Loom waits no longer; find out why, \
                     or escalate.",
                    LONGEST_MS / 3_600_000
                )
            })
        }
        Ok(outcome) => {
            let brought = told(worker, &action, outcome);
            let result = prompt::format_result(&action, &brought.outcome);
            Some(format!(
                "The checks of commit {commit} that you waited for are over.\n{result}"
            ))
        }
        Err(error) => Some(format!(
            "The checks of commit {commit} that you waited for could not be read: {}",
            error.message
        )),
    })
}

async fn tell<P: Platform>(
    platform: &P,
    hold: &Hold,
    commit: &str,
    text: &str,
) -> Result<(), Stop> {
    let tx = platform.database().transaction().await?;
    let change = Change::new(&tx, platform.random(), "agent-step").await?;
    run::tell_checks(&change, hold, commit, text).await?;
    tx.commit().await?;
    Ok(())
}
