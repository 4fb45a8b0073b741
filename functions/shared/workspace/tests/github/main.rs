//! The workspace for repositories on GitHub, against the double of GitHub, with real git behind it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests fail by panicking, and drive real programs"
)]

mod branch_files;
mod checks;
mod commits;
mod conflicts;
mod crashes;
mod edits;
mod keys;
mod limits;
mod lost_replies;
mod merges;
mod pulls;
mod reads;
mod support;
