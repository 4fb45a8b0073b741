//! Things in the words of GitHub's API. Webhooks carry the same forms.

mod action;
mod app;
mod check;
mod commit;
mod hook;
mod issue;
mod pull;
mod repository;
mod review;
mod user;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

pub(crate) use commit::{escape, file as changed_file};

/// An id of GraphQL: of the right form, and nothing more.
pub(crate) fn node(kind: &str, id: impl std::fmt::Display) -> String {
    format!(
        "{kind}_{}",
        STANDARD.encode(id.to_string()).trim_end_matches('=')
    )
}
