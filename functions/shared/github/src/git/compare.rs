use loom_platform::Platform;
use serde::Deserialize;

use super::commits::{Commit, Id, ListWire};
use crate::{
    GithubError, Repository,
    actor::or_default,
    call::{Call, segment},
};

/// GitHub gives at most this many files of a comparison or pull request page.
const MOST_FILES: usize = 300;

/// How the head of a comparison stands to its base.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ComparisonStatus {
    /// Each has commits that the other has not.
    Diverged,
    /// The head has commits on top of the base.
    Ahead,
    /// The base has commits on top of the head.
    Behind,
    /// They are the same.
    Identical,
}

/// What happened to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileStatus {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// Its content differs.
    Modified,
    /// It has another path.
    Renamed,
    /// It is a copy of another.
    Copied,
    /// Its mode differs.
    Changed,
    /// Nothing.
    Unchanged,
    /// A kind that this client does not know.
    #[serde(other)]
    Other,
}

/// A file that differs.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ChangedFile {
    /// Its path.
    #[serde(rename = "filename")]
    pub path: String,
    /// Its path before, if that was another.
    #[serde(default, rename = "previous_filename")]
    pub previous_path: Option<String>,
    /// What happened.
    pub status: FileStatus,
    /// Its blob's id, if it has one.
    #[serde(default)]
    pub sha: Option<String>,
    /// Lines added.
    #[serde(default)]
    pub additions: u32,
    /// Lines removed.
    #[serde(default)]
    pub deletions: u32,
    /// The hunks of its unified diff; none for binary and for large files.
    #[serde(default)]
    pub patch: Option<String>,
}

/// What `head` has that `base` has not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// How they stand.
    pub status: ComparisonStatus,
    /// Commits that only the head has.
    pub ahead_by: u32,
    /// Commits that only the base has.
    pub behind_by: u32,
    /// The best common ancestor's id.
    pub merge_base: String,
    /// The commits that only the head has, oldest first; at most 250.
    pub commits: Vec<Commit>,
    /// The files that differ between the common ancestor and the head; at most 300.
    pub files: Vec<ChangedFile>,
    /// Whether commits or files are missing.
    pub truncated: bool,
}

#[derive(Deserialize)]
struct Wire {
    status: ComparisonStatus,
    #[serde(default)]
    ahead_by: u32,
    #[serde(default)]
    behind_by: u32,
    #[serde(default)]
    total_commits: usize,
    merge_base_commit: Id,
    #[serde(default)]
    commits: Vec<ListWire>,
    #[serde(default, deserialize_with = "or_default")]
    files: Vec<ChangedFile>,
}

#[derive(Deserialize)]
struct OnlyStatus {
    status: ComparisonStatus,
}

impl<P: Platform> Repository<P> {
    /// Compares two branches, tags or commits.
    pub async fn compare(&self, base: &str, head: &str) -> Result<Comparison, GithubError> {
        let wire: Wire = self.get(self.comparison(base, head)).await?;
        let truncated = wire.commits.len() < wire.total_commits || wire.files.len() >= MOST_FILES;
        Ok(Comparison {
            status: wire.status,
            ahead_by: wire.ahead_by,
            behind_by: wire.behind_by,
            merge_base: wire.merge_base_commit.sha,
            commits: wire.commits.into_iter().map(Commit::from).collect(),
            files: wire.files,
            truncated,
        })
    }

    pub(super) async fn comparison_status(
        &self,
        base: &str,
        head: &str,
    ) -> Result<ComparisonStatus, GithubError> {
        // The second page has no files, and the smallest page at most one commit.
        let call = self
            .comparison(base, head)
            .query("per_page", "1")
            .query("page", "2");
        Ok(self.get::<OnlyStatus>(call).await?.status)
    }

    fn comparison(&self, base: &str, head: &str) -> Call {
        Call::get(self.at(&format!("/compare/{}...{}", segment(base), segment(head))))
    }
}
