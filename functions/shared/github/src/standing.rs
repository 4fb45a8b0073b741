//! How a pull request stands: what the rule about merging (`loom_domain::github::MergeFacts`) asks for, as GitHub says it.

use std::collections::BTreeMap;

use loom_domain::github::{ChecksStand, PullFacts, Verdict};
use loom_platform::Platform;

use crate::{
    CheckRun, CheckStatus, Conclusion, GithubError, PullRequest, Repository, Review, ReviewState,
    State, StatusState, WorkflowRun,
};

/// How a check ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckEnd {
    /// Whether a merge may go ahead.
    pub passed: bool,
    /// In a few words.
    pub how: String,
}

/// Everything that checks a commit, whoever made it: Actions, other Apps, or programs that set statuses.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CommitChecks {
    /// By name: how it ended, if it has.
    pub all: BTreeMap<String, Option<CheckEnd>>,
    /// Those of them that are checks of Actions and of Apps, which have more to say.
    pub runs: Vec<CheckRun>,
}

impl CommitChecks {
    /// How they stand together.
    pub fn stand(&self) -> ChecksStand {
        let passed = |end: &Option<CheckEnd>| end.as_ref().map(|end| end.passed);
        ChecksStand::of(
            self.all
                .iter()
                .map(|(name, end)| (name.as_str(), passed(end))),
        )
    }
}

impl PullRequest {
    /// What it says about itself, for a merge of the commit `head`.
    pub fn facts(&self, head: &str) -> PullFacts {
        PullFacts {
            is_open: self.state == State::Open,
            is_draft: self.draft,
            is_expected_head: self.head.sha == head,
            conflicts: self.mergeable == Some(false) || self.mergeable_state == "dirty",
            state: self.mergeable_state.clone(),
        }
    }
}

impl<P: Platform> Repository<P> {
    /// Everything that checks a commit. What these credentials may not see counts as nothing, but for the checks
    /// themselves.
    pub async fn commit_checks(&self, sha: &str) -> Result<CommitChecks, GithubError> {
        let runs = self.check_runs(sha).await?.items;
        let workflows = visible(self.workflow_runs(sha).await.map(|runs| runs.items))?;
        let statuses = visible(
            self.combined_status(sha)
                .await
                .map(|combined| combined.statuses),
        )?;
        let mut all = BTreeMap::new();
        for check in &runs {
            all.insert(check.name.clone(), ended(check.status, check.conclusion));
        }
        for workflow in latest(&workflows) {
            let end = ended(workflow.status, workflow.conclusion);
            // Its jobs are checks and say more, but not before they exist, and not when it could not be started.
            let has_no_jobs = matches!(
                workflow.conclusion,
                Some(Conclusion::StartupFailure | Conclusion::ActionRequired)
            );
            if end.is_none() || has_no_jobs || runs.is_empty() {
                all.insert(format!("workflow {}", workflow.name), end);
            }
        }
        for status in &statuses {
            let end = (status.state != StatusState::Pending).then(|| CheckEnd {
                passed: status.state == StatusState::Success,
                how: format!("{:?}: {}", status.state, status.description),
            });
            all.insert(status.context.clone(), end);
        }
        Ok(CommitChecks { all, runs })
    }

    /// The last verdict of each reviewer of a pull request but its author, and whether they may write to the repository.
    pub async fn verdicts(&self, pull: &PullRequest) -> Result<Vec<Verdict>, GithubError> {
        let reviews = self.list_reviews(pull.number).await?.items;
        let mut last: BTreeMap<String, Review> = BTreeMap::new();
        for review in reviews {
            let is_verdict = matches!(
                review.state,
                ReviewState::Approved | ReviewState::ChangesRequested | ReviewState::Dismissed
            );
            if is_verdict && !pull.author.is(&review.author.login) {
                last.insert(review.author.login.clone(), review);
            }
        }
        let mut verdicts = Vec::new();
        for (login, review) in last {
            if review.state == ReviewState::Dismissed {
                continue;
            }
            verdicts.push(Verdict {
                approves: review.state == ReviewState::Approved,
                is_of_head: review.commit_id.is_none_or(|on| on == pull.head.sha),
                may_write: self.permission(&login).await?.can_write(),
                login,
            });
        }
        Ok(verdicts)
    }
}

fn visible<T>(listed: Result<Vec<T>, GithubError>) -> Result<Vec<T>, GithubError> {
    match listed {
        Err(GithubError::Forbidden { .. } | GithubError::NotFound { .. }) => Ok(Vec::new()),
        other => other,
    }
}

/// The latest run of each workflow and event; they come newest first.
fn latest(runs: &[WorkflowRun]) -> Vec<&WorkflowRun> {
    let mut found: BTreeMap<(&str, &str), &WorkflowRun> = BTreeMap::new();
    for run in runs {
        found.entry((&run.path, &run.event)).or_insert(run);
    }
    found.into_values().collect()
}

fn ended(status: CheckStatus, conclusion: Option<Conclusion>) -> Option<CheckEnd> {
    let conclusion = conclusion.filter(|_| status == CheckStatus::Completed)?;
    Some(CheckEnd {
        passed: conclusion.is_passing(),
        how: word(conclusion).to_owned(),
    })
}

fn word(conclusion: Conclusion) -> &'static str {
    match conclusion {
        Conclusion::Success => "success",
        Conclusion::Failure => "failure",
        Conclusion::Neutral => "neutral",
        Conclusion::Cancelled => "cancelled",
        Conclusion::Skipped => "skipped",
        Conclusion::TimedOut => "timed out",
        Conclusion::ActionRequired => "a person has to approve it first",
        Conclusion::Stale => "stale",
        Conclusion::StartupFailure => "could not be started",
        Conclusion::Other => "unknown",
    }
}
