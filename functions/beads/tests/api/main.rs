//! Every route of `beads`, over its `handle`: what it answers, whom it lets in, and what bad input changes (nothing).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a helper of tests fails the test"
)]

mod auto_file;
mod change;
mod claim;
mod escalate;
mod filing;
mod graph;
mod history;
mod import;
mod listing;
mod permissions;
mod support;
mod waits;
mod why;
