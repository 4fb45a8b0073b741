//! `done`: the work is handed over, by the project's git strategy.

use loom_domain::{
    action::{Action, ActionOutcome, DoneOutcome},
    project::GitStrategy,
};
use loom_platform::Platform;
use loom_store::run;
use loom_workspace::{Operation, Outcome, WorkspaceError};

use super::{Worker, operate, plan, pull_request, told};
use crate::{
    journal::{self, Brought, Effect},
    stop::Stop,
};

/// Carries out `done`.
///
/// Work that is not committed is not handed over silently: the model is told. A merge that fails, because of a conflict
/// or of tests that fail on the merged tree, is told to the model too, and the run goes on.
pub(crate) async fn done<P: Platform>(
    worker: &Worker<'_, P>,
    position: usize,
    action: &Action,
) -> Result<Brought, Stop> {
    if matches!(
        action,
        Action::Done {
            outcome: DoneOutcome::Failure,
            ..
        }
    ) {
        return Ok(ActionOutcome::ok("The run ends without success.").into());
    }
    if let Some(problems) = plan::problems(worker).await? {
        return Ok(ActionOutcome::refused("plan_unsound", problems).into());
    }
    let key = worker.key(position);
    let status = operate(worker, &format!("{key}:status"), Operation::Status).await?;
    if let Ok(Outcome::Text { text, .. }) = &status
        && let Some(changes) = uncommitted(text)
    {
        return Ok(ActionOutcome::refused(
            "uncommitted_changes",
            format!("There are changes that are not committed:\n{changes}\nUse git_commit first, or put them back."),
        )
        .into());
    }
    if let Some(stage) = &worker.context.stage {
        if !stage.hands_over() {
            return Ok(ActionOutcome::ok("This stage ends with success.").into());
        }
    } else {
        let records = run::action_log(worker.platform.database(), &worker.hold.run_id).await?;
        if journal::last_commit(&records).is_none() {
            return Ok(ActionOutcome::ok("The run ends; the repository was not changed.").into());
        }
    }
    Ok(match hand_over(worker, &key, action).await? {
        Ok(brought) => brought,
        // A workflow whose stages changed nothing has nothing to hand over, and goes on.
        Err(WorkspaceError { code, .. })
            if worker.context.stage.is_some()
                && (code == "nothing_to_merge" || code == "nothing_to_push") =>
        {
            ActionOutcome::ok("There is nothing to hand over; this stage ends with success.").into()
        }
        Err(WorkspaceError { code, message, .. }) => ActionOutcome::refused(code, message).into(),
    })
}

/// Hands the branch over by the project's git strategy: merged, or published for a review.
async fn hand_over<P: Platform>(
    worker: &Worker<'_, P>,
    key: &str,
    action: &Action,
) -> Result<Result<Brought, WorkspaceError>, Stop> {
    let project = &worker.context.project;
    let operation = match project.git_strategy {
        GitStrategy::Direct => Operation::Merge,
        GitStrategy::BranchPr if project.repository().is_some() => {
            let summary = match action {
                Action::Done { summary, .. } => summary,
                _ => "",
            };
            return pull_request::hand_over(worker, key, summary).await;
        }
        GitStrategy::BranchPr => Operation::Push,
    };
    let outcome = operate(worker, key, operation).await?;
    Ok(outcome.map(|outcome| match outcome {
        Outcome::Merged { commit, branch } => Brought {
            outcome: ActionOutcome::ok(format!("Merged into {branch} as {commit}.")),
            effect: Some(Effect::Merged { commit }),
        },
        Outcome::Pushed { commit, branch } => Brought {
            outcome: ActionOutcome::ok(format!("Branch {branch} waits for a review at {commit}.")),
            effect: Some(Effect::HandedOver { commit }),
        },
        outcome => told(worker, action, outcome),
    }))
}

/// The lines of a `git status` that are changes; the one that starts with `##` names the branch.
fn uncommitted(status: &str) -> Option<String> {
    let changes: Vec<&str> = status
        .lines()
        .filter(|line| !line.trim().is_empty() && !line.starts_with("## "))
        .collect();
    (!changes.is_empty()).then(|| changes.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::uncommitted;

    #[test]
    fn a_clean_status_is_only_the_branch() {
        assert_eq!(uncommitted("## agent/bd-1/fix\n"), None);
        assert_eq!(
            uncommitted("## agent/bd-1/fix\n M a.rs\n?? b.rs\n").as_deref(),
            Some(" M a.rs\n?? b.rs")
        );
    }
}
