//! The embedded host with real components: a probe built with spin-sdk, and Loom's own cron forwarder.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests stop at the first surprise"
)]

mod capacity;
mod cron;
mod grants;
mod manifest;
mod requests;
mod stopping;
mod support;
