//! The HTTP edge, seen by a client of a small function.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected fails"
)]

mod access;
mod bodies;
mod conditional;
mod errors;
mod function;
mod idempotency;
mod nudge;
mod pages;
mod routing;
