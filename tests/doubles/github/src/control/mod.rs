//! What a test can set and see.

mod create;
mod faults;
mod http;
mod ops;
mod people;
mod repository;
mod seen;
mod settings;

use serde_json::Value;

use crate::routes;
use crate::running::Running;
use crate::wire::Failure;
use crate::world::World;

pub use faults::{Fault, FaultKind, WebhookFault, WebhookFaultKind};
pub(crate) use http::serve;
pub use repository::{FileSpec, NewRepository};
pub use seen::{DeliverySeen, RunSeen};

/// A review by somebody, with comments in the form that the API takes.
pub(crate) fn review(
    world: &mut World,
    repo: &str,
    login: &str,
    number: u64,
    event: &str,
    text: &str,
    comments: &Value,
) -> Result<u64, Failure> {
    ops::person(world, login);
    let found = world.repo(repo).ok_or_else(Failure::not_found)?;
    let drafts = comments
        .as_array()
        .into_iter()
        .flatten()
        .map(|comment| routes::draft(found, number, comment))
        .collect::<Result<Vec<_>, _>>()?;
    routes::submit_review(world, repo, number, login, event, text, None, drafts)
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
    /// Changes the world and tells whoever waits for it; stops the test if the double refuses.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut World) -> Result<T, Failure>) -> T {
        let result = change(&mut self.shared.lock());
        self.shared.tell();
        must(result)
    }
}
