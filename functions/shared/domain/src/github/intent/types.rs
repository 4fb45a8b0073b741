use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::super::{
    Meaning, Repository,
    commands::{Command, NoCommand},
    sender::Sender,
};
use crate::{event::EventKind, time::Timestamp};

/// What is to be done about a delivery.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// Nothing but keeping it.
    Ignore(Ignored),
    /// These, in their order and in one transaction; none at all is possible too.
    Act(Vec<Intent>),
}

/// Why a delivery does nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ignored {
    /// Stable: `own_action`, `bot_action`, `marked_comment`, `unreadable_payload`, `unknown_repository`, …
    pub code: &'static str,
    /// A sentence for people.
    pub why: String,
}

impl Ignored {
    /// The delivery is about a repository that no project has.
    pub fn unknown_repository(full_name: &str) -> Self {
        Self {
            code: "unknown_repository",
            why: format!(
                "No project has the repository {full_name}. Register one with it as git_repo to have its events handled."
            ),
        }
    }
}

/// One thing to be done.
#[derive(Debug, Clone, PartialEq)]
pub enum Intent {
    /// Record an event that motivations may wait for.
    Announce(Announcement),
    /// What is known of an issue, and what follows for its bead.
    Issue(Issue),
    /// A comment, with its commands.
    Comment(Comment),
    /// What is known of a pull request, and what follows for the bead that owns its branch or reviews it.
    PullRequest(PullRequest),
    /// A person's review of a pull request.
    Review(Review),
    /// Checks of a commit are over.
    ChecksEnded(ChecksEnded),
    /// The base branch's own build passed or failed.
    Build(Build),
    /// The base branch moved.
    Push(Push),
    /// The repository has another name, or is out of use.
    Repository(RepositoryChange),
}

impl Intent {
    /// What somebody must be allowed on GitHub for all of this to happen. It is looked up before the transaction in
    /// which the intent is applied; for whoever is not allowed it counts as words only.
    pub fn needs_permission(&self) -> Option<Need> {
        let login = match self {
            Self::Comment(comment) if !comment.commands.is_empty() => &comment.author,
            Self::Review(review)
                if matches!(
                    review.state,
                    ReviewState::Approved | ReviewState::ChangesRequested
                ) =>
            {
                &review.author
            }
            _ => return None,
        };
        Some(Need {
            login: login.clone(),
            permission: Permission::Write,
        })
    }
}

/// What somebody may do to a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Permission {
    /// Push to it; GitHub's roles write, maintain and admin.
    Write,
}

/// A permission that must be looked up before an intent is applied.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Need {
    /// Whose.
    pub login: String,
    /// Which.
    pub permission: Permission,
}

/// An event for motivations.
#[derive(Debug, Clone, PartialEq)]
pub struct Announcement {
    /// Its kind.
    pub kind: EventKind,
    /// Its facts.
    pub data: Map<String, Value>,
    /// What it tells of is told once, whatever the number of deliveries: the key of that. `None`: once a delivery.
    pub once: Option<String>,
}

/// An issue as a delivery shows it. The newest of all that came says what its bead is, so their order does not matter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IssueState {
    /// Its number in the repository.
    pub number: i64,
    /// One line of at most 300 characters.
    pub title: String,
    /// At most 192 KiB.
    pub body: String,
    /// The login of who opened it.
    pub author: String,
    /// Its page.
    pub url: String,
    /// Its labels.
    pub labels: Vec<String>,
    /// What the labels mean for the bead.
    pub meaning: Meaning,
    /// Whether it is open.
    pub is_open: bool,
    /// When it is not: why, as a sentence.
    pub close_reason: Option<String>,
    /// When GitHub last changed it, to the second.
    pub updated_at: Timestamp,
    /// Which of two states of the same second is taken for the newer one: that of the higher rank.
    pub rank: i64,
}

impl IssueState {
    /// What says which of two states is the newer one. Total, so that any order of deliveries ends in the same state.
    pub fn order(&self) -> (i64, i64, String) {
        (self.updated_at.0, self.rank, to_text(self))
    }
}

/// What is known of an issue, and what follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    /// How it is.
    pub state: IssueState,
    /// A bead is filed if there is none.
    pub wants_bead: bool,
    /// It was opened again: so is its bead, even where Loom has closed both.
    pub opens: bool,
    /// Who caused it.
    pub sender: Sender,
    /// The login of who caused it.
    pub by: String,
}

/// Which kind of comment it is: their ids are counted separately.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CommentSource {
    /// On an issue or in the conversation of a pull request.
    Issue,
    /// On a line of a pull request.
    Line,
    /// The text of a review.
    Review,
}

impl CommentSource {
    /// The word in SQL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Issue => "issue",
            Self::Line => "line",
            Self::Review => "review",
        }
    }
}

/// A comment of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    /// The issue or pull request that it is on.
    pub number: i64,
    /// Whether that is a pull request.
    pub on_pull_request: bool,
    /// Which kind of comment.
    pub source: CommentSource,
    /// GitHub's id of it.
    pub id: i64,
    /// The login of who wrote it.
    pub author: String,
    /// What it says, with its file and line; empty when it is nothing but commands.
    pub text: String,
    /// Its page.
    pub url: String,
    /// The commands in it, and the lines that look like ones.
    pub commands: Vec<Result<Command, NoCommand>>,
}

/// A pull request as a delivery shows it; see [`IssueState`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PullRequestState {
    /// Its number in the repository.
    pub number: i64,
    /// One line of at most 300 characters.
    pub title: String,
    /// At most 192 KiB.
    pub body: String,
    /// The login of who opened it.
    pub author: String,
    /// Its page.
    pub url: String,
    /// The branch that is to be merged.
    pub head_branch: String,
    /// Its newest commit.
    pub head_sha: String,
    /// The branch that it is to be merged into.
    pub base_branch: String,
    /// The bead that the name of the branch speaks of: `agent/<bead>/…`, in the repository itself and not in a fork.
    pub owner: Option<String>,
    /// Whether it is open.
    pub is_open: bool,
    /// Whether it is a draft.
    pub is_draft: bool,
    /// The commit that it was merged as.
    pub merged_sha: Option<String>,
    /// When GitHub last changed it, to the second.
    pub updated_at: Timestamp,
    /// See [`IssueState::rank`].
    pub rank: i64,
}

impl PullRequestState {
    /// See [`IssueState::order`].
    pub fn order(&self) -> (i64, i64, String) {
        (self.updated_at.0, self.rank, to_text(self))
    }
}

/// What is known of a pull request, and what follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullRequest {
    /// How it is.
    pub state: PullRequestState,
    /// It is to be reviewed, where no bead owns its branch.
    pub wants_review: bool,
    /// It is to be reviewed again even though its commit was.
    pub wants_another: bool,
    /// It was opened again.
    pub opens: bool,
    /// Who caused it.
    pub sender: Sender,
    /// The login of who caused it.
    pub by: String,
}

/// What a review says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReviewState {
    /// Merge it.
    Approved,
    /// Work on it.
    ChangesRequested,
    /// Neither.
    Commented,
}

/// A person's review.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Review {
    /// The pull request.
    pub number: i64,
    /// GitHub's id of the review.
    pub id: i64,
    /// The login of who wrote it.
    pub author: String,
    /// What it says.
    pub state: ReviewState,
    /// In words; may be empty.
    pub text: String,
    /// Its page.
    pub url: String,
    /// The commit that was looked at.
    pub commit: Option<String>,
}

/// Checks of a commit are over, or some of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChecksEnded {
    /// The commit.
    pub sha: String,
    /// Whose checks: the name of the workflow, the check or the context.
    pub name: String,
    /// GitHub's word: `success`, `failure`, `cancelled`, `timed_out`, …
    pub conclusion: String,
}

/// The base branch's own build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Build {
    /// The name of the workflow, the check or the context.
    pub name: String,
    /// The base branch.
    pub branch: String,
    /// The commit.
    pub sha: String,
    /// Whether it passed.
    pub passed: bool,
    /// GitHub's word.
    pub conclusion: String,
    /// Its page.
    pub url: String,
    /// When it ended, to the second.
    pub at: Timestamp,
}

/// The base branch moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Push {
    /// The branch.
    pub branch: String,
    /// Its newest commit.
    pub sha: String,
    /// The one before.
    pub before: Option<String>,
    /// The login of who pushed.
    pub by: String,
}

/// What became of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RepositoryChange {
    /// It has another name or owner.
    Moved(Repository),
    /// Nothing can be pushed to it.
    Archived,
    /// It can be pushed to again.
    Unarchived,
    /// It is gone.
    Deleted,
}

fn to_text<T: Serialize>(state: &T) -> String {
    serde_json::to_string(state).unwrap_or_default()
}
