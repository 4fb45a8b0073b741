//! Performing one action: in the repository, in the database, or both, and journalling its result.

mod beads;
mod conclude;
mod decide;
mod documents;
mod plan;
mod pull_request;
mod repository;

use loom_api::Settings;
use loom_domain::{
    action::{Action, ActionOutcome},
    run::Hold,
};
use loom_platform::{Database, Platform, Transaction};
use loom_store::{Change, run};

use crate::{
    context::Context,
    journal::{self, Brought},
    stop::Stop,
};

pub(crate) use repository::{close_workspace, open_workspace, operate, told};

/// Who performs, and under which proof.
pub(crate) struct Worker<'a, P> {
    pub(crate) platform: &'a P,
    pub(crate) settings: &'a Settings,
    pub(crate) hold: &'a Hold,
    pub(crate) context: Context,
    pub(crate) step: i64,
}

impl<'a, P: Platform> Worker<'a, P> {
    /// Reads what the worker of a step has to know.
    pub(crate) async fn load(
        platform: &'a P,
        settings: &'a Settings,
        hold: &'a Hold,
        step: i64,
    ) -> Result<Self, Stop> {
        Ok(Self {
            platform,
            settings,
            hold,
            context: Context::load(platform, hold).await?,
            step,
        })
    }

    /// The name under which events are recorded.
    pub(crate) fn actor(&self) -> String {
        format!("agent:{}", self.context.agent.id)
    }

    /// The key under which the effect of an action is done once (invariant I7).
    pub(crate) fn key(&self, position: usize) -> String {
        format!("{}:{}:{position}", self.hold.run_id, self.step)
    }
}

/// Performs an action and journals what it brought.
///
/// What happens in the repository is done under a key, before the journal's transaction: repeated after a crash, it is
/// not done again. What happens in the database is done in that transaction.
pub(crate) async fn perform<P: Platform>(
    worker: &Worker<'_, P>,
    position: usize,
    action: &Action,
) -> Result<Brought, Stop> {
    let misfit = worker
        .context
        .stage
        .as_ref()
        .filter(|_| action.ends_run(&worker.hold.bead_id))
        .and_then(|stage| stage.refuse(action));
    if let Some(why) = misfit {
        let brought = Brought::from(ActionOutcome::refused("outcome_not_of_node", why));
        journal_only(worker, position, Some(action), &brought).await?;
        return Ok(brought);
    }
    let judges = worker.context.stage.is_some() && action.ends_run(&worker.hold.bead_id);
    let brought = match action {
        Action::Approve { .. } if judges => {
            Brought::from(ActionOutcome::ok("The work is approved."))
        }
        Action::Reject { .. } if judges => {
            Brought::from(ActionOutcome::ok("The work is sent back."))
        }
        Action::Done { .. } => conclude::done(worker, position, action).await?,
        Action::CreateBead { .. }
        | Action::UpdateBead { .. }
        | Action::CloseBead { .. }
        | Action::Comment { .. }
        | Action::Escalate { .. }
        | Action::Ask { .. }
        | Action::Delegate { .. }
        | Action::SendMessage { .. }
        | Action::Remember { .. }
        | Action::Approve { .. }
        | Action::Reject { .. } => return beads::perform(worker, position, action).await,
        Action::CreatePullRequest { .. } => pull_request::create(worker, position, action).await?,
        Action::ReviewPullRequest { .. } => pull_request::review(worker, position, action).await?,
        _ => repository::perform(worker, position, action).await?,
    };
    journal_only(worker, position, Some(action), &brought).await?;
    Ok(brought)
}

/// Journals a result. `action` is `None` for a call that was no valid action.
pub(crate) async fn journal_only<P: Platform>(
    worker: &Worker<'_, P>,
    position: usize,
    action: Option<&Action>,
    brought: &Brought,
) -> Result<(), Stop> {
    let actor = worker.actor();
    let tx = worker.platform.database().transaction().await?;
    let change = Change::new(&tx, worker.platform.random(), &actor).await?;
    run::record_action(
        &change,
        worker.hold,
        &journal::record(worker.step, position, action, brought),
    )
    .await?;
    tx.commit().await?;
    Ok(())
}
