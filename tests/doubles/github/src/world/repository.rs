use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    CheckRun, Comment, CommitStatus, Hook, Issue, Job, Label, Permission, Run, Suite, Workflow,
};
use crate::git::Git;

/// What a protected branch asks of changes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Protection {
    /// Names of checks (check runs or status contexts) that must be green.
    pub required_checks: Vec<String>,
    /// How many approvals a pull request needs.
    pub required_approvals: usize,
    /// Whether the head must contain the newest base.
    pub up_to_date: bool,
    /// Whether approvals end when commits are pushed.
    pub dismiss_stale_reviews: bool,
}

/// A repository.
#[derive(Debug)]
pub(crate) struct Repo {
    pub(crate) id: u64,
    pub(crate) owner: String,
    pub(crate) name: String,
    pub(crate) private: bool,
    pub(crate) description: Option<String>,
    pub(crate) default_branch: String,
    pub(crate) archived: bool,
    pub(crate) git: Git,
    pub(crate) created_at: String,
    pub(crate) updated_at: String,
    pub(crate) pushed_at: String,
    /// By lower-case login.
    pub(crate) collaborators: BTreeMap<String, Permission>,
    pub(crate) labels: Vec<Label>,
    /// Issues and pull requests by number.
    pub(crate) issues: BTreeMap<u64, Issue>,
    pub(crate) comments: Vec<Comment>,
    pub(crate) protections: BTreeMap<String, Protection>,
    pub(crate) statuses: Vec<CommitStatus>,
    pub(crate) suites: Vec<Suite>,
    pub(crate) checks: Vec<CheckRun>,
    pub(crate) workflows: Vec<Workflow>,
    pub(crate) runs: Vec<Run>,
    pub(crate) jobs: Vec<Job>,
    pub(crate) hooks: Vec<Hook>,
    /// Commits that GitHub signed.
    pub(crate) signed: HashSet<String>,
    /// What an Actions run executes; otherwise the workflow's own `run:` lines.
    pub(crate) test_command: Option<Vec<String>>,
    pub(crate) test_limit: Duration,
    /// How many entries a recursive tree has at most.
    pub(crate) tree_limit: usize,
    /// Whether the first look at a pull request finds out only then whether it can be merged.
    pub(crate) mergeable_later: bool,
    /// The head and base that were looked at, by pull request.
    pub(crate) looked_at: BTreeMap<u64, (String, String)>,
    /// Merge methods that are switched off.
    pub(crate) forbidden_merges: Vec<String>,
    pub(crate) delete_branch_on_merge: bool,
}

impl Repo {
    /// `owner/name`.
    pub(crate) fn full_name(&self) -> String {
        format!("{}/{}", self.owner, self.name)
    }

    /// The number of the next issue or pull request.
    pub(crate) fn next_number(&self) -> u64 {
        self.issues.keys().next_back().map_or(1, |last| last + 1)
    }

    /// What somebody may do here.
    pub(crate) fn permission(&self, login: &str) -> Permission {
        let login = login.to_lowercase();
        if login == self.owner.to_lowercase() {
            return Permission::Admin;
        }
        let least = if self.private {
            Permission::None
        } else {
            Permission::Read
        };
        self.collaborators
            .get(&login)
            .copied()
            .unwrap_or(least)
            .max(least)
    }

    /// How somebody belongs to it, in GitHub's words.
    pub(crate) fn association(&self, login: &str) -> &'static str {
        if login.eq_ignore_ascii_case(&self.owner) {
            "OWNER"
        } else if self.permission(login) > Permission::Read {
            "COLLABORATOR"
        } else {
            "NONE"
        }
    }

    /// Open pull requests and issues.
    pub(crate) fn open_issues(&self) -> usize {
        self.issues.values().filter(|issue| issue.open()).count()
    }
}
