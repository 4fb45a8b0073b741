//! The workspace service, called over HTTP, on real git repositories.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests fail by panicking, and drive real programs"
)]

mod branch_files;
mod commands;
mod commit;
mod crash;
mod edge;
mod files;
mod idempotency;
mod merge;
mod push;
mod sandbox;
mod search;
mod support;
mod worktree;
