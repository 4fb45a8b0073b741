//! The double over a socket. Each answer of each test is held against GitHub's published description.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods
)]
#![recursion_limit = "256"]

mod access;
mod actions;
mod api;
mod deliveries;
mod faults;
mod fidelity;
mod issues;
mod merges;
mod objects;
mod openapi;
mod pulls;
mod receiver;
mod refs;
mod reviews;
mod webhooks;

use std::time::Duration;

/// How long a test waits for something that must happen.
const PATIENCE: Duration = Duration::from_secs(60);
