//! What an agent can do: one enum, one schema, one set of checks.
//!
//! A model's words become an [`Action`] only through [`from_json`], which accepts the known synonyms, checks every
//! field and says what is wrong in words that the model can act on. [`tools`] is generated from the same table
//! ([`spec`]), so what is advertised is what is accepted. Serde's own reading of an [`Action`] is for the journal,
//! whose content was checked before it was written.

mod argv;
mod check;
mod fingerprint;
mod near;
mod outcome;
mod problem;
mod spec;
mod synonyms;
mod tools;

use serde::{Deserialize, Serialize};

pub(crate) use near::nearest;

pub use argv::{ArgvError, split as split_command};
pub use check::{Checked, from_json};
pub(crate) use check::{from_call, names_an_action};
pub use outcome::{ActionOutcome, OutcomeStatus, Performed};
pub use problem::{ActionError, Problem};
pub use synonyms::canonical_name;
pub use tools::{example, is_allowed, tools, vocabulary};

/// One thing that an agent does. The JSON form is `{"action":"read_file","path":"src/lib.rs"}`.
///
/// A `bead_id` of `None` means the bead that the run works on. Paths are relative to the workspace's root and are
/// checked against escape by the workspace, not here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum Action {
    /// List files and folders.
    ReadTree {
        /// Folder to list.
        path: String,
        /// Levels below `path`; the workspace's default when `None`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        depth: Option<u32>,
    },
    /// Read a file, or some of its lines.
    ReadFile {
        /// File to read.
        path: String,
        /// First line wanted, from 1.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        first_line: Option<u32>,
        /// Last line wanted, inclusive.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        last_line: Option<u32>,
    },
    /// Find text in files.
    Search {
        /// What to find.
        query: String,
        /// Folder or file to look in; everything when `None`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        path: Option<String>,
        /// Whether `query` is a regular expression rather than plain text.
        #[serde(default, skip_serializing_if = "is_false")]
        regex: bool,
    },
    /// Replace one piece of text in a file.
    EditFile {
        /// File to change.
        path: String,
        /// Text that is there now; it must occur once.
        old_text: String,
        /// Text to put in its place; empty deletes.
        new_text: String,
    },
    /// Create a file or replace all of it.
    WriteFile {
        /// File to write.
        path: String,
        /// The whole new content.
        content: String,
    },
    /// Delete a file.
    DeleteFile {
        /// File to delete.
        path: String,
    },
    /// Move or rename a file.
    MoveFile {
        /// Where it is.
        from: String,
        /// Where it shall be.
        to: String,
    },
    /// Run a program without a shell.
    RunCommand {
        /// Program and arguments.
        argv: Vec<String>,
        /// Folder to run in; the workspace's root when `None`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        directory: Option<String>,
        /// Time limit; the workspace's default when `None`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        timeout_seconds: Option<u32>,
    },
    /// Run the project's build.
    Build {},
    /// Run the project's tests.
    Test {
        /// Only tests whose name contains this, where the test runner can filter.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pattern: Option<String>,
    },
    /// Run the project's linter.
    Lint {},
    /// What changed in the worktree.
    GitStatus {},
    /// Everything that the run changed, against the base branch.
    GitDiff {},
    /// Commit the run's changes on the run's branch.
    GitCommit {
        /// Commit message.
        message: String,
    },
    /// Push the run's branch.
    GitPush {},
    /// Recent commits.
    GitLog {
        /// How many.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        limit: Option<u32>,
    },
    /// Open a pull request from the run's branch.
    CreatePullRequest {
        /// Title.
        title: String,
        /// What it does and why, and how it was tested.
        description: String,
        /// Branch to merge into; the project's when `None`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        base: Option<String>,
    },
    /// Review a pull request.
    ReviewPullRequest {
        /// Its number; the bead's own when `None`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        number: Option<u64>,
        /// What the review concludes.
        verdict: ReviewVerdict,
        /// The review's text.
        body: String,
        /// Remarks on single lines.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        comments: Vec<LineComment>,
    },
    /// Comment on a bead.
    Comment {
        /// Which bead.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        bead_id: Option<String>,
        /// The comment.
        body: String,
    },
    /// File a bead.
    CreateBead {
        /// Title.
        title: String,
        /// What is wanted, and when it is done.
        description: String,
        /// Kind of work; `task` when `None`.
        #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
        bead_type: Option<String>,
        /// 0 (critical) to 3; the project's default when `None`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        priority: Option<u8>,
        /// Tags.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        tags: Vec<String>,
        /// Globs of the paths that the work will change.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        touches: Vec<String>,
        /// Beads that must close first.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        blocked_by: Vec<String>,
        /// The bead that this is a part of.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        parent: Option<String>,
        /// Whether the run waits until it is closed.
        #[serde(default, skip_serializing_if = "is_false")]
        wait: bool,
    },
    /// Change fields of a bead; what is `None` stays.
    UpdateBead {
        /// Which bead.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        bead_id: Option<String>,
        /// New title.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        title: Option<String>,
        /// New description.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        description: Option<String>,
        /// New priority.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        priority: Option<u8>,
        /// New tags, replacing the old.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tags: Option<Vec<String>>,
        /// New globs, replacing the old.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        touches: Option<Vec<String>>,
        /// New blockers, replacing the old.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        blocked_by: Option<Vec<String>>,
    },
    /// Close a bead.
    CloseBead {
        /// Which bead.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        bead_id: Option<String>,
        /// Why it can be closed.
        reason: String,
    },
    /// Put a question to the CEO; the bead waits for the decision.
    Escalate {
        /// Which bead.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        bead_id: Option<String>,
        /// What must be decided, and why the agent can't.
        question: String,
        /// What could be chosen.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        options: Vec<String>,
        /// What the agent would choose, and why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        recommendation: Option<String>,
    },
    /// Approve the work under review.
    Approve {
        /// Which bead.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        bead_id: Option<String>,
        /// What was checked.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        /// For a decision: the option that is chosen.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        option: Option<String>,
    },
    /// Send the work under review back.
    Reject {
        /// Which bead.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        bead_id: Option<String>,
        /// What must change.
        reason: String,
    },
    /// Ask another role or a person, and wait for the answer.
    Ask {
        /// Who should know.
        role: String,
        /// The question, understandable without this conversation.
        question: String,
    },
    /// Give a part of the work to another role, as a bead of its own, and wait until it is closed.
    Delegate {
        /// Who shall do it.
        role: String,
        /// The new bead's title.
        title: String,
        /// The new bead's description.
        description: String,
        /// The new bead's priority; this bead's when `None`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        priority: Option<u8>,
    },
    /// Tell another agent or role something; no answer is awaited.
    SendMessage {
        /// Agent or role.
        to: String,
        /// What to tell.
        message: String,
    },
    /// Keep a lesson for later work in this project.
    Remember {
        /// The lesson in one line.
        title: String,
        /// When it applies and what to do then.
        detail: String,
    },
    /// End the run.
    Done {
        /// What was done and how it was checked.
        summary: String,
        /// Whether the bead's goal is reached.
        #[serde(default)]
        outcome: DoneOutcome,
    },
}

/// How a run says that it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DoneOutcome {
    /// The bead's goal is reached.
    #[default]
    Success,
    /// It is not, and this agent can't get further.
    Failure,
}

/// What a review concludes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReviewVerdict {
    /// It may be merged.
    Approve,
    /// It must change first.
    RequestChanges,
    /// Remarks without a verdict.
    Comment,
}

/// A remark on one line of a pull request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineComment {
    /// File.
    pub path: String,
    /// Line in the new version, from 1.
    pub line: u32,
    /// The remark.
    pub body: String,
}

/// Serde calls it with a reference.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_false(value: &bool) -> bool {
    !value
}

impl Action {
    /// Every action's name, in the order in which they are shown to a model.
    pub const NAMES: [&'static str; 30] = [
        "read_tree",
        "read_file",
        "search",
        "edit_file",
        "write_file",
        "delete_file",
        "move_file",
        "run_command",
        "build",
        "test",
        "lint",
        "git_status",
        "git_diff",
        "git_commit",
        "git_push",
        "git_log",
        "create_pull_request",
        "review_pull_request",
        "comment",
        "create_bead",
        "update_bead",
        "close_bead",
        "escalate",
        "approve",
        "reject",
        "ask",
        "delegate",
        "send_message",
        "remember",
        "done",
    ];

    /// The name in JSON, in events and in the tool list.
    pub fn name(&self) -> &'static str {
        match self {
            Self::ReadTree { .. } => "read_tree",
            Self::ReadFile { .. } => "read_file",
            Self::Search { .. } => "search",
            Self::EditFile { .. } => "edit_file",
            Self::WriteFile { .. } => "write_file",
            Self::DeleteFile { .. } => "delete_file",
            Self::MoveFile { .. } => "move_file",
            Self::RunCommand { .. } => "run_command",
            Self::Build {} => "build",
            Self::Test { .. } => "test",
            Self::Lint {} => "lint",
            Self::GitStatus {} => "git_status",
            Self::GitDiff {} => "git_diff",
            Self::GitCommit { .. } => "git_commit",
            Self::GitPush {} => "git_push",
            Self::GitLog { .. } => "git_log",
            Self::CreatePullRequest { .. } => "create_pull_request",
            Self::ReviewPullRequest { .. } => "review_pull_request",
            Self::Comment { .. } => "comment",
            Self::CreateBead { .. } => "create_bead",
            Self::UpdateBead { .. } => "update_bead",
            Self::CloseBead { .. } => "close_bead",
            Self::Escalate { .. } => "escalate",
            Self::Approve { .. } => "approve",
            Self::Reject { .. } => "reject",
            Self::Ask { .. } => "ask",
            Self::Delegate { .. } => "delegate",
            Self::SendMessage { .. } => "send_message",
            Self::Remember { .. } => "remember",
            Self::Done { .. } => "done",
        }
    }

    /// Whether it can change anything: files, the repository, beads, people's inboxes. A command, a build or a test
    /// can, because what it runs is the project's own code. What returns `false` may be repeated without a key.
    pub fn is_write(&self) -> bool {
        !matches!(
            self,
            Self::ReadTree { .. }
                | Self::ReadFile { .. }
                | Self::Search { .. }
                | Self::GitStatus {}
                | Self::GitDiff {}
                | Self::GitLog { .. }
        )
    }

    /// Whether the run is over after this action succeeded: `done`, and a verdict, a closing or an escalation that is
    /// about `bead_id`, the run's own bead.
    pub fn ends_run(&self, bead_id: &str) -> bool {
        match self {
            Self::Done { .. } => true,
            Self::CloseBead { bead_id: about, .. }
            | Self::Escalate { bead_id: about, .. }
            | Self::Approve { bead_id: about, .. }
            | Self::Reject { bead_id: about, .. } => {
                about.as_deref().is_none_or(|about| about == bead_id)
            }
            _ => false,
        }
    }

    /// The file that the action reads or changes, where there is exactly one; for a move, where it goes.
    pub fn file(&self) -> Option<&str> {
        match self {
            Self::ReadFile { path, .. }
            | Self::EditFile { path, .. }
            | Self::WriteFile { path, .. }
            | Self::DeleteFile { path }
            | Self::MoveFile { to: path, .. } => Some(path),
            _ => None,
        }
    }

    /// Whether it changes a file of the worktree by itself (not through a command).
    pub fn changes_file(&self) -> bool {
        matches!(
            self,
            Self::EditFile { .. }
                | Self::WriteFile { .. }
                | Self::DeleteFile { .. }
                | Self::MoveFile { .. }
        )
    }

    /// Whether it concludes work that earlier actions did: it must not follow a failure in the same reply, because the
    /// model chose it without knowing of the failure.
    pub fn concludes(&self) -> bool {
        matches!(
            self,
            Self::GitCommit { .. }
                | Self::GitPush {}
                | Self::CreatePullRequest { .. }
                | Self::ReviewPullRequest { .. }
                | Self::Approve { .. }
                | Self::Reject { .. }
                | Self::CloseBead { .. }
                | Self::Done { .. }
        )
    }

    /// The code with which its outcome says that what it ran did run and failed: only these are failures of the work,
    /// and not of its surroundings.
    pub fn failure_code(&self) -> Option<&'static str> {
        match self {
            Self::Build {} => Some("build_failed"),
            Self::Test { .. } => Some("tests_failed"),
            Self::Lint {} => Some("lint_failed"),
            Self::RunCommand { .. } => Some("command_failed"),
            _ => None,
        }
    }

    /// One line for people and for the model: the name and what it is about, at most 120 characters.
    pub fn label(&self) -> String {
        let subject = match self {
            Self::ReadTree { path, .. } => path.clone(),
            Self::ReadFile {
                path,
                first_line,
                last_line,
            } => match (first_line, last_line) {
                (None, None) => path.clone(),
                (first, Some(last)) => format!("{path}:{}-{last}", first.unwrap_or(1)),
                (Some(first), None) => format!("{path}:{first}-"),
            },
            Self::Search { query, path, .. } => match path {
                Some(path) => format!("\"{query}\" in {path}"),
                None => format!("\"{query}\""),
            },
            Self::MoveFile { from, to } => format!("{from} to {to}"),
            Self::RunCommand { argv, .. } => argv.join(" "),
            Self::Test { pattern } => pattern.clone().unwrap_or_default(),
            Self::GitCommit { message, .. } => message.clone(),
            Self::CreatePullRequest { title, .. }
            | Self::CreateBead { title, .. }
            | Self::Delegate { title, .. }
            | Self::Remember { title, .. } => title.clone(),
            Self::Comment { bead_id, .. }
            | Self::UpdateBead { bead_id, .. }
            | Self::CloseBead { bead_id, .. }
            | Self::Escalate { bead_id, .. }
            | Self::Approve { bead_id, .. }
            | Self::Reject { bead_id, .. } => bead_id.clone().unwrap_or_default(),
            Self::Ask { role, .. } => role.clone(),
            Self::SendMessage { to, .. } => to.clone(),
            _ => self.file().unwrap_or_default().to_owned(),
        };
        let subject = subject.lines().next().unwrap_or_default();
        let line = if subject.is_empty() {
            self.name().to_owned()
        } else {
            format!("{} {subject}", self.name())
        };
        crate::prompt::cut::one_line(&line, 120)
    }
}

#[cfg(test)]
mod tests;
