//! Pull requests of agents that a person has approved are merged, by the project's method, as soon as their checks and
//! GitHub's rules allow it.

use loom_api::Error;
use loom_domain::{
    github::{self as rules, MergeFacts, MergeStep, merge_step},
    project::Project,
    time::{MINUTE, Timestamp},
};
use loom_github::{GitHub, GithubError, Merge};
use loom_platform::{Database, Platform, Transaction};
use loom_store::{
    Change, StoreError,
    github::{self, DueMerge},
    project,
};

use crate::ACTOR;

/// How many one sweep looks at.
const MOST: i64 = 10;
/// How long the look at one may take, and when it is looked at again if it could not be merged, in milliseconds.
const AGAIN: i64 = 2 * MINUTE;

/// Merges what is due. Returns how many are merged now.
pub(crate) async fn due<P: Platform>(platform: &P) -> Result<usize, Error> {
    let mut merged = 0;
    for due in github::due_merges(platform.database(), MOST).await? {
        if take(platform, &due).await? {
            merged += usize::from(one(platform, &due).await?);
        }
    }
    if merged > 0 {
        loom_api::nudge(platform);
    }
    Ok(merged)
}

async fn take<P: Platform>(platform: &P, due: &DueMerge) -> Result<bool, Error> {
    let tx = platform.database().transaction().await?;
    let change = Change::new(&tx, platform.random(), ACTOR).await?;
    let until = Timestamp(change.now.0 + AGAIN);
    let taken = github::take_merge(&change, due, until).await?;
    tx.commit().await?;
    Ok(taken)
}

/// Whether it is merged now. What GitHub does not allow yet, or does not answer to, is tried again later.
async fn one<P: Platform>(platform: &P, due: &DueMerge) -> Result<bool, Error> {
    let project = match project::get(platform.database(), &due.project_id).await {
        Err(StoreError::Refused(_)) => return Ok(false),
        other => other?,
    };
    match step(platform, &project, due).await {
        Ok(Came::Merged(sha)) => {
            let tx = platform.database().transaction().await?;
            let change = Change::new(&tx, platform.random(), ACTOR).await?;
            github::merged(&change, &project, due, &sha).await?;
            tx.commit().await?;
            Ok(true)
        }
        Ok(Came::Rework(why)) => {
            let tx = platform.database().transaction().await?;
            let change = Change::new(&tx, platform.random(), ACTOR).await?;
            github::rework(&change, &project, due, &why).await?;
            tx.commit().await?;
            loom_api::nudge(platform);
            Ok(false)
        }
        Ok(Came::Drop(why)) => {
            github::forget_merge(platform.database(), &project.id, due.number).await?;
            told(due, &why);
            Ok(false)
        }
        Ok(Came::Later(why)) => {
            told(due, &why);
            Ok(false)
        }
        Err(error) => {
            told(due, &error.to_string());
            Ok(false)
        }
    }
}

fn told(due: &DueMerge, why: &str) {
    let number = due.number.to_string();
    let about = [
        ("project_id", due.project_id.as_str()),
        ("number", &number),
        ("cause", why),
    ];
    loom_api::log("info", "an approved pull request is not merged yet", about);
}

/// What came of the look at one, with the reason.
enum Came {
    /// It is merged, as this commit.
    Merged(String),
    Later(String),
    Rework(String),
    Drop(String),
}

async fn step<P: Platform>(
    platform: &P,
    project: &Project,
    due: &DueMerge,
) -> Result<Came, GithubError> {
    let settings = project.github.clone().unwrap_or_default();
    let Some(name) = rules::Repository::parse(&project.git_repo) else {
        let why = "The project's repository is not on GitHub any more.";
        return Ok(Came::Drop(why.to_owned()));
    };
    let github = GitHub::load(platform).await?;
    let repository = github.repository(&name.owner, &name.name, settings.installation_id);
    let pull = repository.get_pull(due.number).await?;
    if pull.is_merged() {
        return Ok(Came::Merged(pull.merge_commit_sha.unwrap_or_default()));
    }
    let facts = MergeFacts {
        pull: pull.facts(&due.head_sha),
        checks: repository.commit_checks(&due.head_sha).await?.stand(),
        verdicts: repository.verdicts(&pull).await?,
        // It is here because somebody has approved it: that must still be so.
        required_approvals: usize::from(settings.required_approvals.max(1)),
    };
    match merge_step(&facts) {
        MergeStep::Merge => {}
        MergeStep::Later(obstacle) => return Ok(Came::Later(obstacle.to_string())),
        MergeStep::Rework(obstacle) => return Ok(Came::Rework(obstacle.to_string())),
        MergeStep::Drop(obstacle) => return Ok(Came::Drop(obstacle.to_string())),
    }
    let merge = Merge {
        sha: &due.head_sha,
        method: settings.merge_method,
        title: &format!("{} (#{})", pull.title, due.number),
        message: &format!("Bead: {}\nApproved-by: {}", due.bead_id, due.approved_by),
    };
    match repository.merge_pull(due.number, &merge).await {
        Ok(merged) => Ok(Came::Merged(merged.sha)),
        // What is missing shows at the next look.
        Err(GithubError::Conflict { .. }) => {
            Ok(Came::Later("GitHub does not merge it as it is.".to_owned()))
        }
        Err(error) => Err(error),
    }
}
