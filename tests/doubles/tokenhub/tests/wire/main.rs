//! The double's exact bytes, over a plain socket.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods
)]

mod access;
mod completions;
mod errors;
mod exchange;
mod payments;
mod program;
mod script;
mod streams;
