//! Pull requests of agents that a person has approved are merged, by the project's method, as soon as their checks and
//! GitHub's rules allow it.

use std::collections::BTreeMap;

use loom_api::Error;
use loom_domain::{
    github::{self as rules, ChecksStand, GithubSettings, MergeFacts, MergeStep, merge_step},
    project::Project,
    time::{MINUTE, Timestamp},
};
use loom_github::{
    CheckStatus, GitHub, GithubError, Merge, MergeMethod, PullRequest, Repository, Review,
    ReviewState, State, StatusState,
};
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
        Ok(Came::Step(MergeStep::Rework(why))) => {
            let tx = platform.database().transaction().await?;
            let change = Change::new(&tx, platform.random(), ACTOR).await?;
            github::rework(&change, &project, due, &why).await?;
            tx.commit().await?;
            loom_api::nudge(platform);
            Ok(false)
        }
        Ok(Came::Step(MergeStep::Drop(why))) => {
            github::forget_merge(platform.database(), &project.id, due.number).await?;
            told(due, &why);
            Ok(false)
        }
        Ok(Came::Step(MergeStep::Later(why))) => {
            told(due, &why);
            Ok(false)
        }
        Ok(Came::Step(MergeStep::Merge)) => Ok(false),
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

enum Came {
    Merged(String),
    Step(MergeStep),
}

async fn step<P: Platform>(
    platform: &P,
    project: &Project,
    due: &DueMerge,
) -> Result<Came, GithubError> {
    let settings = project.github.clone().unwrap_or_default();
    let Some(name) = rules::Repository::parse(&project.git_repo) else {
        let why = "The project's repository is not on GitHub any more.".to_owned();
        return Ok(Came::Step(MergeStep::Drop(why)));
    };
    let github = GitHub::load(platform).await?;
    let repository = github.repository(&name.owner, &name.name, settings.installation_id);
    let pull = repository.get_pull(due.number).await?;
    if pull.merged_at.is_some() {
        return Ok(Came::Merged(pull.merge_commit_sha.unwrap_or_default()));
    }
    let facts = facts(&repository, &pull, due, &settings).await?;
    match merge_step(&facts) {
        MergeStep::Merge => {}
        other => return Ok(Came::Step(other)),
    }
    let merge = Merge {
        sha: &due.head_sha,
        method: match settings.merge_method {
            rules::MergeMethod::Merge => MergeMethod::Merge,
            rules::MergeMethod::Squash => MergeMethod::Squash,
            rules::MergeMethod::Rebase => MergeMethod::Rebase,
        },
        title: &format!("{} (#{})", pull.title, due.number),
        message: &format!("Bead: {}\nApproved-by: {}", due.bead_id, due.approved_by),
    };
    match repository.merge_pull(due.number, &merge).await {
        Ok(merged) => Ok(Came::Merged(merged.sha)),
        // What is missing shows at the next look.
        Err(GithubError::Conflict { .. }) => {
            let why = "GitHub does not merge it as it is.".to_owned();
            Ok(Came::Step(MergeStep::Later(why)))
        }
        Err(error) => Err(error),
    }
}

async fn facts<P: Platform>(
    repository: &Repository<P>,
    pull: &PullRequest,
    due: &DueMerge,
    settings: &GithubSettings,
) -> Result<MergeFacts, GithubError> {
    let reviews = repository.list_reviews(due.number).await?.items;
    let verdicts = verdicts(&reviews, &pull.author.login);
    let approved = verdicts
        .values()
        .filter(|review| {
            review.state == ReviewState::Approved
                && review
                    .commit_id
                    .as_deref()
                    .is_none_or(|on| on == due.head_sha)
        })
        .count();
    let asks = verdicts
        .iter()
        .find(|(_, review)| review.state == ReviewState::ChangesRequested);
    Ok(MergeFacts {
        is_open: pull.state == State::Open,
        is_draft: pull.draft,
        is_approved_head: pull.head.sha == due.head_sha,
        state: pull.mergeable_state.clone(),
        checks: checks(repository, &due.head_sha).await?,
        approvals: approved,
        required_approvals: usize::from(settings.required_approvals.max(1)),
        changes_requested_by: asks.map(|(login, _)| (*login).to_owned()),
    })
}

/// The last verdict of each reviewer but the author.
fn verdicts<'a>(reviews: &'a [Review], author: &str) -> BTreeMap<&'a str, &'a Review> {
    let mut last = BTreeMap::new();
    for review in reviews {
        let is_verdict = matches!(
            review.state,
            ReviewState::Approved | ReviewState::ChangesRequested | ReviewState::Dismissed
        );
        if is_verdict && review.author.login != author {
            last.insert(review.author.login.as_str(), review);
        }
    }
    last
}

async fn checks<P: Platform>(
    repository: &Repository<P>,
    sha: &str,
) -> Result<ChecksStand, GithubError> {
    let runs = repository.check_runs(sha).await?.items;
    let statuses = match repository.combined_status(sha).await {
        Ok(combined) => combined.statuses,
        // What these credentials may not see counts as nothing.
        Err(GithubError::Forbidden { .. } | GithubError::NotFound { .. }) => Vec::new(),
        Err(error) => return Err(error),
    };
    if runs.is_empty() && statuses.is_empty() {
        return Ok(ChecksStand::None);
    }
    let mut failed: Vec<String> = Vec::new();
    let mut is_pending = false;
    for run in runs {
        match run
            .conclusion
            .filter(|_| run.status == CheckStatus::Completed)
        {
            None => is_pending = true,
            Some(conclusion) if !conclusion.is_passing() => failed.push(run.name),
            Some(_) => {}
        }
    }
    for status in statuses {
        match status.state {
            StatusState::Pending => is_pending = true,
            StatusState::Success => {}
            _ => failed.push(status.context),
        }
    }
    Ok(match (failed.is_empty(), is_pending) {
        (false, _) => ChecksStand::Failed(failed),
        (true, true) => ChecksStand::Pending,
        (true, false) => ChecksStand::Passed,
    })
}
