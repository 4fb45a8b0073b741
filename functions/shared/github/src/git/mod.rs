//! Git's own objects, without git: refs, commits, trees, blobs.

mod blobs;
mod commits;
mod compare;
mod refs;
mod trees;

pub use blobs::LARGEST_BLOB;
pub use commits::{Commit, NewCommit, Person};
pub use compare::{ChangedFile, Comparison, ComparisonStatus, FileStatus};
pub use refs::GitRef;
pub use trees::{Mode, NewEntry, Tree, TreeEntry};

/// Whether a name is the id of an object (SHA-1 or SHA-256), which never changes, and not a branch or tag.
pub(crate) fn is_object_id(name: &str) -> bool {
    matches!(name.len(), 40 | 64) && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}
