use std::time::Duration;

use serde_json::Value;

use super::{Fault, FileSpec, NewRepository, WebhookFault, http, ops};
use crate::ledger::RequestSeen;
use crate::routes;
use crate::running::Running;
use crate::wire::Failure;
use crate::world::{Permission, Protection, World};

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

/// The methods below stop the test, with the double's words, when it asks for something that GitHub refuses.
fn must<T>(result: Result<T, Failure>) -> T {
    match result {
        Ok(value) => value,
        Err(failure) => {
            let errors = failure.errors.map(|errors| errors.to_string());
            unreachable!(
                "the double refuses: {} {} {}",
                failure.status,
                failure.message,
                errors.unwrap_or_default()
            )
        }
    }
}

impl Running {
    fn change<T>(&self, change: impl FnOnce(&mut World) -> Result<T, Failure>) -> T {
        let result = change(&mut self.shared.lock());
        self.shared.tell();
        must(result)
    }

    /// Makes a repository; the App is installed on its owner.
    pub fn create_repository(&self, new: &NewRepository) {
        self.change(|world| ops::create_repository(world, new));
    }

    /// Gives a person (made if there is none) a permission on `owner/name`.
    pub fn allow(&self, repo: &str, login: &str, permission: Permission) {
        self.change(|world| ops::allow(world, repo, login, permission));
    }

    /// A token of a person, who is made if there is none.
    pub fn token(&self, login: &str) -> String {
        self.change(|world| Ok(ops::user_token(world, login)))
    }

    /// A token of the App's installation on an account, which does not expire.
    pub fn app_token(&self, account: &str) -> String {
        self.change(|world| Ok(routes::new_token(world, account, None, false)))
    }

    /// The id of the App's installation on an account.
    pub fn installation(&self, account: &str) -> u64 {
        self.shared.lock().installation(account)
    }

    /// Makes all tokens of installations stop to work, as if they had expired.
    pub fn expire_app_tokens(&self) {
        for token in self.shared.lock().tokens.values_mut() {
            if token.account.is_some() {
                token.expires = Some(0);
            }
        }
    }

    /// Opens an issue as somebody; returns its number.
    pub fn open_issue(
        &self,
        repo: &str,
        login: &str,
        title: &str,
        body: &str,
        labels: &[&str],
    ) -> u64 {
        let labels: Vec<String> = labels.iter().map(|label| (*label).to_owned()).collect();
        self.change(|world| {
            ops::person(world, login);
            routes::open_issue(
                world,
                repo,
                login,
                title,
                Some(body.to_owned()),
                &labels,
                &[],
            )
            .ok_or_else(Failure::not_found)
        })
    }

    /// Changes an issue or pull request as somebody; `edit` is the body of a PATCH: `title`, `body`, `state`,
    /// `state_reason`, `labels`, `assignees`.
    pub fn edit_issue(&self, repo: &str, login: &str, number: u64, edit: &Value) {
        self.change(|world| {
            ops::person(world, login);
            routes::edit_issue(world, repo, number, routes::Edit::of(edit)?, login);
            Ok(())
        });
    }

    /// Deletes an issue as somebody.
    pub fn delete_issue(&self, repo: &str, login: &str, number: u64) {
        self.change(|world| ops::delete_issue(world, repo, number, login));
    }

    /// Moves an issue to another repository as somebody; returns its number there.
    pub fn transfer_issue(&self, repo: &str, login: &str, number: u64, to: &str) -> u64 {
        self.change(|world| ops::transfer_issue(world, repo, number, to, login))
    }

    /// Comments on an issue or pull request as somebody; returns the comment's id.
    pub fn comment(&self, repo: &str, login: &str, number: u64, body: &str) -> u64 {
        self.change(|world| {
            ops::person(world, login);
            routes::add_comment(world, repo, number, login, body).ok_or_else(Failure::not_found)
        })
    }

    /// Changes a comment as somebody.
    pub fn edit_comment(&self, repo: &str, login: &str, id: u64, body: &str) {
        self.change(|world| {
            routes::change_comment(world, repo, id, login, body);
            Ok(())
        });
    }

    /// Commits files to a branch as somebody's push; a missing branch begins at the default branch.
    pub fn commit(
        &self,
        repo: &str,
        branch: &str,
        login: &str,
        message: &str,
        files: &[FileSpec],
    ) -> String {
        self.change(|world| ops::commit(world, repo, branch, login, message, files, &[]))
    }

    /// Deletes files on a branch as somebody's push.
    pub fn delete_files(
        &self,
        repo: &str,
        branch: &str,
        login: &str,
        message: &str,
        paths: &[&str],
    ) -> String {
        let paths: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
        self.change(|world| ops::commit(world, repo, branch, login, message, &[], &paths))
    }

    /// Tells the double that somebody moved a branch with `git push` to its path, from `before` (empty: it is new).
    pub fn pushed(&self, repo: &str, branch: &str, login: &str, before: &str) {
        self.change(|world| ops::pushed(world, repo, branch, login, before));
    }

    /// Deletes a branch as somebody.
    pub fn delete_branch(&self, repo: &str, login: &str, branch: &str) {
        self.change(|world| ops::delete_branch(world, repo, branch, login));
    }

    /// Opens a pull request as somebody; returns its number.
    pub fn open_pull(
        &self,
        repo: &str,
        login: &str,
        title: &str,
        head: &str,
        base: &str,
        body: &str,
    ) -> u64 {
        let new = routes::NewPull {
            title: title.to_owned(),
            head: head.to_owned(),
            base: base.to_owned(),
            body: Some(body.to_owned()),
            draft: false,
            maintainer_can_modify: false,
        };
        self.change(|world| {
            ops::person(world, login);
            routes::open_pull(world, repo, login, new)
        })
    }

    /// Reviews a pull request as somebody: `event` is `APPROVE`, `REQUEST_CHANGES` or `COMMENT`, and `comments` are
    /// in the form that the API takes (`path`, `line`, `side`, `body`), or `null`.
    pub fn review(
        &self,
        repo: &str,
        login: &str,
        number: u64,
        event: &str,
        body: &str,
        comments: &Value,
    ) -> u64 {
        self.change(|world| super::review(world, repo, login, number, event, body, comments))
    }

    /// Asks somebody for a review, as `by`.
    pub fn request_review(&self, repo: &str, by: &str, number: u64, login: &str) {
        self.change(|world| {
            ops::person(world, login);
            ops::person(world, by);
            routes::request_review(world, repo, number, login, by);
            Ok(())
        });
    }

    /// Merges a pull request as somebody; returns the commit.
    pub fn merge(&self, repo: &str, login: &str, number: u64, method: &str) -> String {
        let wish = routes::Wish {
            method: method.to_owned(),
            ..Default::default()
        };
        self.change(|world| {
            ops::person(world, login);
            routes::merge_pull(world, repo, number, login, wish)
        })
    }

    /// Reports a status for a commit as somebody.
    pub fn status(&self, repo: &str, login: &str, sha: &str, context: &str, state: &str) {
        let body = serde_json::json!({"state": state, "context": context});
        self.change(|world| {
            ops::person(world, login);
            routes::add_status(world, repo, sha, login, &body).map(drop)
        });
    }

    /// Protects a branch.
    pub fn protect(&self, repo: &str, branch: &str, protection: Protection) {
        self.change(|world| {
            let repo = world.repo_mut(repo).ok_or_else(Failure::not_found)?;
            repo.protections.insert(branch.to_owned(), protection);
            Ok(())
        });
    }

    /// Switches merge methods of a repository off.
    pub fn forbid_merges(&self, repo: &str, methods: &[&str]) {
        self.change(|world| {
            let repo = world.repo_mut(repo).ok_or_else(Failure::not_found)?;
            repo.forbidden_merges = methods.iter().map(|name| (*name).to_owned()).collect();
            Ok(())
        });
    }

    /// What Actions runs of a repository execute from now on.
    pub fn set_test_command(&self, repo: &str, command: &[&str]) {
        self.change(|world| {
            let repo = world.repo_mut(repo).ok_or_else(Failure::not_found)?;
            repo.test_command = Some(command.iter().map(|part| (*part).to_owned()).collect());
            Ok(())
        });
    }

    /// Where the App's webhooks go, and the secret that they are signed with. All events of all repositories are sent.
    pub fn set_webhook(&self, url: &str, secret: &str) {
        let mut world = self.shared.lock();
        world.app.webhook_url = Some(url.to_owned());
        world.app.webhook_secret = secret.to_owned();
    }

    /// Adds a webhook to a repository; `events` are names, or `*`. It is pinged. Returns its id.
    pub fn add_hook(&self, repo: &str, url: &str, secret: &str, events: &[&str]) -> u64 {
        let events: Vec<String> = events.iter().map(|event| (*event).to_owned()).collect();
        self.change(|world| ops::add_hook(world, repo, url, secret, &events))
    }

    /// Sends any event of a repository: `fields` are what its payload has beside `action`, `repository` and `sender`.
    pub fn send_event(
        &self,
        repo: &str,
        sender: &str,
        event: &str,
        action: Option<&str>,
        fields: Value,
    ) {
        self.change(|world| {
            ops::send_event(world, repo, sender, event, action, fields);
            Ok(())
        });
    }

    /// Queues a fault of requests.
    pub fn fault(&self, fault: Fault) {
        self.shared.lock().faults.push(fault);
    }

    /// Forgets faults that did not happen yet, of requests and of webhooks.
    pub fn clear_faults(&self) {
        let mut world = self.shared.lock();
        world.faults.clear();
        world.hooks.faults.clear();
    }

    /// Queues a fault of webhooks.
    pub fn webhook_fault(&self, fault: WebhookFault) {
        self.shared.lock().hooks.faults.push(fault);
    }

    /// How many deliveries are held.
    pub fn held(&self) -> usize {
        self.shared.lock().hooks.held.len()
    }

    /// Sends what is held in this order: positions among what is held. What is not named comes last.
    pub fn release(&self, order: &[usize]) {
        self.change(|world| {
            ops::release(world, order);
            Ok(())
        });
    }

    /// Whether queued Actions runs are executed; they wait while it is off.
    pub fn set_runner(&self, on: bool) {
        self.shared.lock().runner_on = on;
        self.shared.tell();
    }

    /// Advances the double's clock: tokens expire, limits are reset, deliveries age.
    pub fn advance(&self, duration: Duration) {
        self.shared.lock().advanced += i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
    }

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
}
