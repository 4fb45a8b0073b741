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
//!   stay inside ([`path`]), what a branch and a commit message look like ([`branch`], [`message`]), and what counts
//!   as a secret ([`secret`]).

mod any;
pub mod branch;
mod call;
pub mod edit;
mod error;
pub mod github;
mod local;
#[cfg(not(target_arch = "wasm32"))]
pub mod memory;
pub mod message;
mod operation;
mod outcome;
pub mod path;
mod port;
pub mod secret;

pub use any::AnyWorkspace;
pub use call::{Call, Project, Run};
pub use error::{ErrorKind, WorkspaceError};
pub use local::LocalWorkspace;
pub use operation::{FileChange, Operation, ReviewComment, Verdict};
pub use outcome::{BranchFile, EntryKind, FileContent, MatchedBy, Outcome, SearchMatch, TreeEntry};
pub use port::Workspace;
