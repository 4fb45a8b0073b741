//! Beads of two Looms in one repository.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a helper of tests fails the test"
)]

mod api;
mod files;
mod git;
mod killed;
mod model;
mod random;
mod support;
