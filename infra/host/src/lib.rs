//! The embedded host: runs the components of a `spin.toml` on wasmtime where Spin isn't installed.
//!
//! It is no replacement for Spin: nothing in `functions/` may need it. It offers what the functions of Loom use, from
//! the same manifest, and refuses by name what it doesn't support. It adds what a single machine wants: requests wait
//! for an instance in place of failing, a component that computes without end is stopped, a stop waits for what runs,
//! and compiled components are kept.
//!
//! [`up::start`] is the way in; `manifest` says what is run, `function` how a component is called, `serve` how
//! requests come in, `outbound` how they go out.

// The host is where clocks and the environment are read on behalf of the functions.
#![allow(clippy::disallowed_methods)]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::indexing_slicing,
        reason = "tests stop at the first surprise"
    )
)]

mod admission;
pub mod cli;
mod clock;
mod compiled;
mod component_variables;
mod cron;
mod deadline;
mod demo;
mod engine;
mod files;
mod function;
mod headers;
mod key_value;
mod lingering;
mod logs;
pub mod manifest;
mod outbound;
pub mod routes;
mod secrets;
mod serve;
mod sqlite;
mod template;
pub mod up;
pub mod variables;
mod workspace;

pub use function::Limits;
pub use loom_workspace_service::SandboxPolicy;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks `mutex`. What it guards is whole between statements, so a panic elsewhere doesn't spoil it.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
