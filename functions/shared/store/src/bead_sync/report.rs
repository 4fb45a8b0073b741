use loom_domain::{Refusal, time::Timestamp};
use serde::{Deserialize, Serialize};

/// What a round did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Counts {
    /// Beads that are new here.
    pub created: usize,
    /// Beads that changed here.
    pub updated: usize,
    /// Beads that were deleted here.
    pub deleted: usize,
    /// Files that were written or removed in the repository.
    pub committed: usize,
    /// Conflicts that were recorded.
    pub conflicts: usize,
    /// What could not be read or applied.
    pub problems: usize,
}

/// How a round ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Report {
    /// What it did before it ended.
    #[serde(flatten)]
    pub counts: Counts,
    /// The commit that the branch was at in the end.
    pub head: Option<String>,
    /// Why it failed, as a code; none when it did not.
    pub code: Option<String>,
    /// Why it failed, as a sentence.
    pub error: Option<String>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

impl Report {
    /// A round that was refused.
    pub fn refused(refusal: &Refusal) -> Self {
        Self {
            code: Some(refusal.code.to_owned()),
            error: Some(refusal.message.clone()),
            ..Self::default()
        }
    }
}
