//! Whole behaviour over HTTP on the real components, with a double in place of the models alone.
//!
//! Each test states what a caller can rely on, and knows nothing of how it is done. They run against the embedded
//! host, or against any Loom: see `loom_test_support`.

#![cfg(test)]
#![allow(
    clippy::disallowed_methods,
    reason = "a test gives up by the machine's own clock"
)]

mod access;
mod attempts;
mod bootstrap;
mod claims;
mod conventions;
mod decisions;
mod escapes;
mod events;
mod exchange;
mod github;
mod main_path;
mod models;
mod motivations;
mod providers;
mod refusals;
mod teams;
mod waits;
mod workflows;
