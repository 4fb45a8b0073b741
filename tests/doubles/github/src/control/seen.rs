//! What a test sees.

use std::time::Duration;

use serde_json::Value;

use super::http;
use crate::ledger::RequestSeen;
use crate::running::Running;
use crate::world::{Pull, Repo, World};

/// A delivery of a webhook that was tried.
#[derive(Debug, Clone, PartialEq)]
pub struct DeliverySeen {
    /// The id of this attempt.
    pub id: u64,
    /// The id of the event, which a redelivery keeps.
    pub guid: String,
    /// As in `issues`.
    pub event: String,
    /// As in `opened`.
    pub action: Option<String>,
    /// The status of the answer; 0 if there was none.
    pub status: u16,
    /// Whether it was asked for again.
    pub redelivery: bool,
    /// What was sent.
    pub payload: Value,
}

/// A run of Actions.
#[derive(Debug, Clone, PartialEq)]
pub struct RunSeen {
    /// Its id.
    pub id: u64,
    /// The commit.
    pub sha: String,
    /// The branch.
    pub branch: String,
    /// As in `push`.
    pub event: String,
    /// `queued`, `in_progress` or `completed`.
    pub status: String,
    /// As in `success`, once it is completed.
    pub conclusion: Option<String>,
    /// The log of its first job.
    pub log: String,
}

impl Running {
    /// Waits until all webhooks are sent and all runs are concluded; false if that takes longer than `patience`.
    pub fn settle(&self, patience: Duration) -> bool {
        self.shared.wait(patience, http::settled).is_some()
    }

    /// Waits until `count` requests with a method and path pattern (`*` is any text) came; false after `patience`.
    pub fn received(&self, method: &str, path: &str, count: usize, patience: Duration) -> bool {
        let is = |seen: &RequestSeen| {
            let bare = seen.path.split('?').next().unwrap_or_default();
            let bare = bare.strip_prefix("/api/v3").unwrap_or(bare);
            seen.method == method && super::faults::matches(path, bare)
        };
        let enough =
            |world: &mut World| world.requests.iter().filter(|seen| is(seen)).count() >= count;
        self.shared.wait(patience, enough).is_some()
    }

    /// Every request, oldest first.
    pub fn requests(&self) -> Vec<RequestSeen> {
        self.shared.lock().requests.clone()
    }

    /// Forgets the requests so far.
    pub fn forget_requests(&self) {
        self.shared.lock().requests.clear();
    }

    /// Every delivery that was tried, in the order in which they came about.
    pub fn deliveries(&self) -> Vec<DeliverySeen> {
        let world = self.shared.lock();
        let tried = world.hooks.deliveries.iter();
        tried
            .filter(|delivery| delivery.done())
            .map(|delivery| DeliverySeen {
                id: delivery.id,
                guid: delivery.guid.clone(),
                event: delivery.event.clone(),
                action: delivery.action.clone(),
                status: delivery.status_code,
                redelivery: delivery.redelivery,
                payload: delivery.payload.clone(),
            })
            .collect()
    }

    /// The Actions runs of a repository, oldest first.
    pub fn runs(&self, repo: &str) -> Vec<RunSeen> {
        let world = self.shared.lock();
        let Some(repo) = world.repo(repo) else {
            return Vec::new();
        };
        let log = |id: u64| {
            let job = repo.jobs.iter().rfind(|job| job.run == id);
            job.map(|job| job.log.clone()).unwrap_or_default()
        };
        repo.runs
            .iter()
            .map(|run| RunSeen {
                id: run.id,
                sha: run.sha.clone(),
                branch: run.branch.clone(),
                event: run.event.clone(),
                status: run.status.clone(),
                conclusion: run.conclusion.clone(),
                log: log(run.id),
            })
            .collect()
    }

    /// The commit that a branch points at.
    pub fn branch(&self, repo: &str, branch: &str) -> Option<String> {
        self.shared.lock().repo(repo)?.git.branch(branch)
    }

    /// The names of all branches.
    pub fn branches(&self, repo: &str) -> Vec<String> {
        let world = self.shared.lock();
        let refs = world.repo(repo).map(|repo| repo.git.refs("refs/heads/"));
        refs.and_then(Result::ok)
            .unwrap_or_default()
            .into_iter()
            .map(|branch| branch.name.trim_start_matches("refs/heads/").to_owned())
            .collect()
    }

    /// An issue or pull request as the API shows it.
    pub fn issue(&self, repo: &str, number: u64) -> Option<Value> {
        let world = self.shared.lock();
        let repo = world.repo(repo)?;
        Some(world.issue_json(repo, repo.issues.get(&number)?))
    }

    /// Every pull request as the API shows one, oldest first.
    pub fn pulls(&self, repo: &str) -> Vec<Value> {
        let world = self.shared.lock();
        let Some(repo) = world.repo(repo) else {
            return Vec::new();
        };
        repo.issues
            .values()
            .filter_map(|issue| Some(world.whole_pull_json(repo, issue, issue.pull.as_ref()?)))
            .collect()
    }

    /// The comments of an issue or pull request as the API shows them, oldest first.
    pub fn comments(&self, repo: &str, number: u64) -> Vec<Value> {
        let world = self.shared.lock();
        let Some(repo) = world.repo(repo) else {
            return Vec::new();
        };
        repo.comments
            .iter()
            .filter(|comment| comment.issue == number)
            .map(|comment| world.comment_json(repo, comment))
            .collect()
    }

    /// The reviews of a pull request as the API shows them, oldest first.
    pub fn reviews(&self, repo: &str, number: u64) -> Vec<Value> {
        self.of_pull(repo, number, |world, repo, pull| {
            let reviews = pull.reviews.iter();
            reviews
                .map(|review| world.review_json(repo, number, review))
                .collect()
        })
    }

    /// The comments on lines of a pull request as the API shows them, oldest first.
    pub fn review_comments(&self, repo: &str, number: u64) -> Vec<Value> {
        self.of_pull(repo, number, |world, repo, pull| {
            let comments = pull.comments.iter();
            comments
                .map(|comment| world.review_comment_json(repo, number, comment))
                .collect()
        })
    }

    fn of_pull(
        &self,
        repo: &str,
        number: u64,
        list: impl FnOnce(&World, &Repo, &Pull) -> Vec<Value>,
    ) -> Vec<Value> {
        let world = self.shared.lock();
        let found = world.repo(repo);
        let pull = found.and_then(|repo| repo.issues.get(&number)?.pull.as_ref());
        match (found, pull) {
            (Some(repo), Some(pull)) => list(&world, repo, pull),
            _ => Vec::new(),
        }
    }
}
