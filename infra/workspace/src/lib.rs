//! The workspace service: real git worktrees and sandboxed commands for projects that live on disk.
//!
//! One HTTP route, `POST /v1/perform`, takes a [`loom_workspace::Call`] and answers with an
//! [`loom_workspace::Outcome`] or a [`loom_workspace::WorkspaceError`]; `GET /healthz` says that it is up.
//!
//! How it keeps its promises:
//! - **Once per key.** Under the run's lock a call is looked up in the [journal](journal), noted as begun, performed,
//!   and noted as done before it is answered. A call that was begun and never done (the service died in between) is
//!   performed again in a way that notices what is already there: a commit and a merge carry their key as a trailer
//!   and move their branch by compare-and-swap, a file operation wrote down what the file would be. Only a program that was cut off is run again: nobody can know
//!   how far it came.
//! - **Locks outlive the service.** They are `flock`s that every git process it starts holds too, so that after a
//!   crash nothing is done twice beside an orphan that is still at it.
//! - **Inside the worktree.** Files are reached by `openat2` beneath the worktree, commands run under Landlock with
//!   no network, and git is always told which repository it is in, so nothing in the worktree can redirect it.

#![allow(
    clippy::disallowed_methods,
    reason = "a native program, outside of the simulator: it reads the clock and the environment itself"
)]

mod config;
mod error;
mod files;
mod git;
mod home;
mod http;
mod journal;
mod lock;
mod operations;
mod process;
mod sandbox;
mod service;
mod space;

pub use config::{Config, SandboxPolicy};
pub use http::serve;
