//! The end of a run: which action ends it how, and what is kept of it.

use loom_api::Settings;
use loom_domain::{
    action::{Action, DoneOutcome},
    lesson, prompt,
    run::{EndReason, Hold},
};
use loom_platform::{Database, Platform, Random, Statements, Transaction};
use loom_store::{
    Change, knowledge,
    run::{self, Leased},
};

use crate::{
    journal::{self, Brought, Effect},
    perform::{self, Worker},
    stop::Stop,
};

/// How an action that was performed ends the run, if it does.
pub(crate) fn reason<P: Platform>(
    worker: &Worker<'_, P>,
    action: &Action,
    brought: &Brought,
) -> Option<EndReason> {
    if !brought.outcome.is_ok() {
        return None;
    }
    if let Some(stage) = &worker.context.stage {
        return action
            .ends_run(&worker.hold.bead_id)
            .then(|| stage.reason(action, brought))
            .flatten();
    }
    match action {
        Action::Done {
            outcome: DoneOutcome::Success,
            ..
        } => Some(match &brought.effect {
            Some(Effect::Merged { commit }) => EndReason::Merged {
                commit: commit.clone(),
            },
            Some(Effect::HandedOver { commit }) => EndReason::HandedToReview {
                commit: commit.clone(),
            },
            _ => EndReason::DoneWithoutChange,
        }),
        Action::Done {
            outcome: DoneOutcome::Failure,
            summary,
        } => Some(EndReason::Failed {
            code: "gave_up".to_owned(),
            message: summary.clone(),
        }),
        Action::CloseBead { reason, .. } if action.ends_run(&worker.hold.bead_id) => {
            Some(EndReason::ClosedByAgent {
                reason: reason.clone(),
            })
        }
        Action::Escalate {
            question,
            options,
            recommendation,
            ..
        } if action.ends_run(&worker.hold.bead_id) => Some(EndReason::Escalated {
            question: question.clone(),
            options: options.clone(),
            recommendation: recommendation.clone(),
        }),
        Action::Approve { .. } | Action::Reject { .. } => match &brought.effect {
            Some(Effect::Answered { decision_id }) => Some(EndReason::ClosedByAgent {
                reason: format!("decision {decision_id} has its answer"),
            }),
            _ => None,
        },
        _ => None,
    }
}

/// Ends the run in the caller's transaction, with a summary for the next attempt (invariant I10) and the lessons that
/// it taught.
pub(crate) async fn apply<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    settings: &Settings,
    hold: &Hold,
    reason: EndReason,
) -> Result<(), Stop> {
    let log = journal::performed(&run::action_log(change.tx, &hold.run_id).await?);
    let ended = run::end(change, hold, reason, settings.retry, None).await?;
    let summary = format!("{} {}", ended.message, prompt::summary(&log, &ended.code));
    run::set_summary(change.tx, &hold.run_id, summary.trim()).await?;
    let run = run::get(change.tx, &hold.run_id).await?;
    for lesson in lesson::extract(&log, &ended.code) {
        let embedding = lesson.embedding().to_bytes();
        knowledge::remember(
            change,
            &run,
            lesson.category.as_str(),
            &lesson.title,
            &lesson.detail,
            embedding,
        )
        .await?;
    }
    Ok(())
}

/// Ends a run that stopped in the middle of a step.
pub(crate) async fn end<P: Platform>(
    platform: &P,
    settings: &Settings,
    hold: &Hold,
    reason: EndReason,
) -> Result<(), Stop> {
    let tx = platform.database().transaction().await?;
    let change = Change::new(&tx, platform.random(), "agent-step").await?;
    apply(&change, settings, hold, reason).await?;
    tx.commit().await?;
    Ok(())
}

/// Removes the run's working copy; its branch stays. A failure leaves only a folder behind.
pub(crate) async fn close_workspace<P: Platform>(platform: &P, leased: &Leased) {
    if let Err(error) = perform::close_workspace(platform, &leased.hold).await {
        loom_api::log(
            "warn",
            "a working copy could not be removed",
            [("run_id", &leased.hold.run_id), ("cause", &error)],
        );
    }
}
