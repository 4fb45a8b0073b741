/// A label of a repository.
#[derive(Debug, Clone)]
pub(crate) struct Label {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) color: String,
    pub(crate) description: Option<String>,
}

/// An issue, or the half of a pull request that is one.
#[derive(Debug, Clone)]
pub(crate) struct Issue {
    pub(crate) id: u64,
    pub(crate) number: u64,
    pub(crate) title: String,
    pub(crate) body: Option<String>,
    pub(crate) author: String,
    pub(crate) closed: bool,
    pub(crate) state_reason: Option<String>,
    pub(crate) labels: Vec<String>,
    pub(crate) assignees: Vec<String>,
    pub(crate) locked: bool,
    pub(crate) created_at: String,
    pub(crate) updated_at: String,
    pub(crate) closed_at: Option<String>,
    pub(crate) closed_by: Option<String>,
    pub(crate) pull: Option<Pull>,
}

impl Issue {
    pub(crate) fn open(&self) -> bool {
        !self.closed
    }

    /// `open` or `closed`.
    pub(crate) fn state(&self) -> &'static str {
        if self.closed { "closed" } else { "open" }
    }
}

/// The other half of a pull request.
#[derive(Debug, Clone)]
pub(crate) struct Pull {
    pub(crate) id: u64,
    pub(crate) head: String,
    pub(crate) head_sha: String,
    pub(crate) base: String,
    pub(crate) base_sha: String,
    pub(crate) draft: bool,
    pub(crate) merged_at: Option<String>,
    pub(crate) merged_by: Option<String>,
    pub(crate) merge_commit: Option<String>,
    pub(crate) requested: Vec<String>,
    pub(crate) reviews: Vec<Review>,
    pub(crate) comments: Vec<ReviewComment>,
    pub(crate) maintainer_can_modify: bool,
}

/// A comment on an issue or a pull request.
#[derive(Debug, Clone)]
pub(crate) struct Comment {
    pub(crate) id: u64,
    pub(crate) issue: u64,
    pub(crate) author: String,
    pub(crate) body: String,
    pub(crate) created_at: String,
    pub(crate) updated_at: String,
}

/// A review.
#[derive(Debug, Clone)]
pub(crate) struct Review {
    pub(crate) id: u64,
    pub(crate) author: String,
    pub(crate) body: String,
    /// `APPROVED`, `CHANGES_REQUESTED`, `COMMENTED`, `PENDING` or `DISMISSED`.
    pub(crate) state: &'static str,
    pub(crate) commit: String,
    pub(crate) submitted_at: Option<String>,
}

/// A comment on lines of a pull request.
#[derive(Debug, Clone)]
pub(crate) struct ReviewComment {
    pub(crate) id: u64,
    pub(crate) review: u64,
    pub(crate) author: String,
    pub(crate) body: String,
    pub(crate) path: String,
    pub(crate) commit: String,
    pub(crate) line: Option<u64>,
    pub(crate) start_line: Option<u64>,
    pub(crate) side: String,
    pub(crate) hunk: String,
    pub(crate) reply_to: Option<u64>,
    pub(crate) created_at: String,
    pub(crate) updated_at: String,
}
