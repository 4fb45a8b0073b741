//! Benchmarks: what Loom costs, as tables that say their goal and whether it is met.
//!
//! ```text
//! cargo run --release -p loom-bench                    everything, some minutes
//! cargo run --release -p loom-bench -- --quick         the same with small samples, under half a minute
//! cargo run --release -p loom-bench -- --only tick     one of start, requests, tick, step, workflows,
//!                                                      webhooks, bead-sync, footprint
//! ```
//!
//! Programs that are compared run as processes of their own with the same allocator, the same number of threads and
//! copies of the same database, in turns of a few seconds, so that noise of the machine falls on both.

// A program that measures: it reads the machine's clock, and a broken assumption should stop it at once.
#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a native program that measures time and stops at the first surprise"
)]

pub mod bead_sync;
mod bench;
mod facts;
pub mod footprint;
mod load;
mod native;
mod poll;
mod process;
pub mod requests;
mod scale;
mod seed;
mod serve;
mod sides;
pub mod start;
mod stats;
pub mod step;
mod table;
pub mod tick;
pub mod webhooks;
pub mod workflows;

pub use bench::{Bench, Programs, Result};
pub use facts::machine;
pub use native::serve as serve_native;
pub use scale::Scale;
pub use stats::Samples;
