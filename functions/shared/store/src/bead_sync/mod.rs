//! Beads of a project that are kept in its repository: what was last seen there, and how both sides are brought
//! together.
//!
//! A round goes like this; a syncer may be killed anywhere in it, and the next one goes on:
//!
//! 1. [`take`] the lease. Every transaction that follows begins with [`hold`].
//! 2. The caller lists the branch. [`begin`] takes note of what became of a commit whose end nobody saw.
//! 3. [`settle`] merges beads, a few hundred in a transaction: what the repository has is in the database afterwards,
//!    together with the knowledge that it is. What the database has beyond it is noted as pending.
//! 4. The caller commits what is pending, and [`committed`] makes it the base of the next merge.
//! 5. [`finish`] keeps the report and lets go of the lease.

mod apply;
mod conflict;
mod file;
mod lease;
mod place;
mod plan;
mod problem;
mod references;
mod report;
mod settle;

use loom_domain::bead_file::BeadFile;

pub use conflict::{RecordedConflict, conflicts};
pub use file::{FileRow, changed, committed, existing, expired, files, landed, remove, unfinished};
pub use lease::{Lease, State, begin, finish, hold, state, synced, take};
pub use problem::{Problem, problems, replace_problems};
pub use report::{Counts, Report};
pub use settle::{FileWrite, Settled, settle};

/// Who makes the changes of a sync, in events and comments.
pub const ACTOR: &str = "bead-sync";

/// What the repository has of a bead.
#[derive(Debug, Clone, PartialEq)]
pub struct Incoming {
    /// The bead.
    pub bead_id: String,
    /// What there is.
    pub found: Found,
}

/// What the repository has of a bead, compared with what it had.
#[derive(Debug, Clone, PartialEq)]
pub enum Found {
    /// What it had, which may be nothing.
    Unchanged,
    /// This.
    File {
        /// Its file; none when it has only a line of `issues.jsonl`.
        path: Option<String>,
        /// The id of the file's content.
        blob: Option<String>,
        /// The bead.
        bead: Box<BeadFile>,
    },
    /// Its file is gone.
    Gone,
}
