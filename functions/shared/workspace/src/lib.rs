//! What an agent does to a repository: the port, its wire protocol, its adapters and the rules they share.
//!
//! A [`Workspace`] performs one [`Operation`] at a time for a run. Every operation that changes something carries an
//! idempotency key ([`Call::key`]) and the run's fence ([`Run::fence`]): a repeated key answers with what was
//! recorded and does nothing, and a stale fence is refused, so a step that is run again never acts twice.
//!
//! - [`LocalWorkspace`] asks the workspace service, which keeps a git worktree per run.
//! - [`github::GithubWorkspace`] works in a repository on GitHub by its REST API; [`AnyWorkspace`] is either, by the
//!   project's repository.
//! - [`memory`] is a repository in memory for tests and the simulator.
//! - The other modules are the rules that every adapter follows: how an edit finds its place ([`edit`]), which paths
//!   stay inside ([`path`]), what a branch and a commit message look like ([`branch`], [`message`]), what of files,
//!   trees and texts is shown ([`file`], [`search`], [`excerpt`]), what must not be committed ([`secret`],
//!   [`conflict`]), and how much of branches that belong to no run is read and committed ([`branch_files`]).

mod any;
pub mod branch;
pub mod branch_files;
mod call;
pub mod conflict;
pub mod edit;
mod error;
pub mod excerpt;
pub mod file;
pub mod github;
mod local;
#[cfg(not(target_arch = "wasm32"))]
pub mod memory;
pub mod message;
mod operation;
mod outcome;
pub mod path;
mod port;
pub mod search;
pub mod secret;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;

pub use any::AnyWorkspace;
pub use call::{Call, Project, Run};
pub use error::{ErrorKind, WorkspaceError};
pub use local::LocalWorkspace;
pub use operation::{FileChange, Operation, ReviewComment, Verdict};
pub use outcome::{BranchFile, EntryKind, FileContent, MatchedBy, Outcome, SearchMatch, TreeEntry};
pub use port::Workspace;
