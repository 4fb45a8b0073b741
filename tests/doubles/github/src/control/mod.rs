//! What a test can set and see.

mod faults;
mod http;
mod ops;
mod repository;
mod running;

use serde_json::Value;

use crate::routes;
use crate::wire::Failure;
use crate::world::World;

pub use faults::{Fault, FaultKind, WebhookFault, WebhookFaultKind};
pub(crate) use http::serve;
pub use repository::{FileSpec, NewRepository};
pub use running::{DeliverySeen, RunSeen};

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
