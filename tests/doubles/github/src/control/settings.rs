//! What a test sets.

use std::time::Duration;

use super::{Fault, NewRepository, WebhookFault, create, ops};
use crate::routes;
use crate::running::Running;
use crate::wire::Failure;
use crate::world::{Permission, Protection};

impl Running {
    /// Makes a repository; the App is installed on its owner.
    pub fn create_repository(&self, new: &NewRepository) {
        self.change(|world| create::create_repository(world, new));
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
}
