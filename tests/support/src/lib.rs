//! What the tests share: building, starting and talking to a Loom.
//!
//! Tests run the real components on the real host, which [`Loom`] builds once per test program and starts with a
//! state folder of its own and a double of TokenHub in the test's process. With `LOOM_URL` they use a Loom that runs
//! already, Spin's included:
//!
//! | Variable | What it is |
//! |---|---|
//! | `LOOM_URL` | Its address. Run the tests with `--test-threads=1` then: some assert that nothing else changes. |
//! | `LOOM_ADMIN_PASSWORD` | The password of its account `admin` |
//! | `LOOM_SERVICE_TOKEN` | Its `loom_service_token` |
//! | `LOOM_TOKEN_SECRET` | Its `loom_token_secret`, with which a test makes a token that has expired |
//! | `LOOM_TOKENHUB_LISTEN` | Where the tests' double of TokenHub is to listen: its `tokenhub_url`, such as `127.0.0.1:8090` |
//!
//! It needs `tokenhub_api_key` as `Key::new("double").secret` of the double, `retry_delay_seconds` 0, a workspace
//! service on the tests' machine, and no cron trigger. Tests that control the process itself say that they did nothing.
//!
//! `LOOM_NO_BUILD=1` runs what is built already.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test stops at the first surprise, and runs on the machine's own clock"
)]

mod balancer;
mod built;
mod client;
mod events;
mod examples;
mod github;
mod loom;
mod model;
mod npm;
mod process;
mod product;
mod random;
mod repository;
mod token;
mod widget;

pub use client::{Client, Reply, Request};
pub use events::{Event, EventStream};
pub use examples::{Example, ExpectedBead, expected_beads, github_examples, sign_webhook};
pub use github::{Access, GitHub};
pub use loom::{Filed, Host, Loom, Options, Project};
pub use loom_github_double as github_double;
pub use loom_tokenhub_double as tokenhub;
pub use model::Model;
pub use npm::npm_package;
pub use product::{PRD, Product};
pub use random::Random;
pub use repository::{Repository, git};
pub use token::{base64, decode_base64url, sign_jwt, unsigned_jwt};
pub use widget::Widget;

use std::time::Duration;

/// How long a test waits for something that must happen. Never asserted on: a slow machine is no failure.
pub const PATIENCE: Duration = Duration::from_secs(60);
