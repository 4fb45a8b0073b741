use serde::{Deserialize, Serialize};

/// What can be done in a workspace. Paths are relative to the repository's root, with `/` between parts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case", deny_unknown_fields)]
pub enum Operation {
    /// Makes the run's branch and working copy if they are not there yet. Every other operation does so by itself.
    Open,
    /// Lists files and directories, without those that git ignores.
    ReadTree {
        /// The directory to start from; empty or `.` is the root.
        #[serde(default)]
        path: String,
        /// How many levels to descend, 1 to 32; 0 means the default of 4.
        #[serde(default)]
        depth: u32,
        /// The largest number of entries, at most 5000; 0 means the default of 500.
        #[serde(default)]
        limit: u32,
    },
    /// Reads a text file of at most 1 MiB.
    ReadFile {
        /// The file.
        path: String,
        /// The first line to return, from 1.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        first_line: Option<u32>,
        /// The last line to return, included.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        last_line: Option<u32>,
    },
    /// Reads the project's own instructions to agents (`AGENTS.md`); an empty text when it has none.
    Instructions,
    /// Finds lines in the files that git does not ignore.
    Search {
        /// What to find: plain text, or a regular expression in Rust's `regex` syntax.
        pattern: String,
        /// The file or directory to search; the root when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        path: Option<String>,
        /// The largest number of matches, at most 1000; 0 means the default of 200.
        #[serde(default)]
        limit: u32,
        /// Whether `pattern` is a regular expression.
        #[serde(default)]
        regex: bool,
    },
    /// Replaces the one place in a file that looks like `old_text`; see [`crate::edit`].
    EditFile {
        /// The file.
        path: String,
        /// The text as it is now.
        old_text: String,
        /// The text as it should be.
        new_text: String,
    },
    /// Creates or replaces a file of at most 1 MiB, with its directories.
    WriteFile {
        /// The file.
        path: String,
        /// All of its new content.
        content: String,
    },
    /// Deletes a file.
    DeleteFile {
        /// The file.
        path: String,
    },
    /// Moves a file to a place where there is none yet.
    MoveFile {
        /// Where it is.
        from: String,
        /// Where it should be.
        to: String,
    },
    /// Starts a program in the sandbox: no shell, no network, nothing visible but the working copy and the toolchain.
    RunCommand {
        /// The program and its arguments.
        argv: Vec<String>,
        /// After how many seconds it is killed with everything it started: 300 when absent, at most 1800.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        timeout_seconds: Option<u64>,
        /// The directory to run it in; the root when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        directory: Option<String>,
    },
    /// Runs the project's build command, or the usual one for its kind.
    Build,
    /// Runs the project's test command, or the usual one for its kind.
    Test {
        /// Runs only the tests whose name contains this, where the test program can do so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        filter: Option<String>,
    },
    /// Runs the project's lint command, or the usual one for its kind.
    Lint,
    /// What has changed and is not committed yet, a line for each file as `git status --short` prints it; an empty text
    /// when there is nothing.
    Status,
    /// The difference between the base branch and the working copy, new files included.
    Diff,
    /// The latest commits of the run's branch.
    Log {
        /// How many, at most 200; 0 means the default of 20.
        #[serde(default)]
        limit: u32,
    },
    /// Commits everything the run has changed, unless it contains something that looks like a secret.
    Commit {
        /// The message; the first line is cut at 72 characters, and the rest of it moves to the body.
        message: String,
    },
    /// Publishes the run's branch, and only that.
    Push,
    /// Merges the run's branch into the base branch, after the project's tests have passed on the result.
    Merge,
    /// Opens a pull request from the run's branch into the base branch, or brings the open one up to date. Everything
    /// must have been committed. Refused with `no_pull_requests` where there are none.
    OpenPullRequest {
        /// Its title, at most 256 characters.
        title: String,
        /// What it is about, in Markdown; at most 60,000 characters.
        body: String,
        /// Labels to give it; they are added to those that it has.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        labels: Vec<String>,
        /// The logins of people who should review it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        reviewers: Vec<String>,
        /// Whether it is not to be merged yet. An existing one stays as it is.
        #[serde(default)]
        draft: bool,
    },
    /// Writes a review of a pull request. Refused with `no_pull_requests` where there are none.
    Review {
        /// Its number; the pull request of the run's branch, or of the branch that the run goes on with, when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        number: Option<u64>,
        /// What comes of it.
        verdict: Verdict,
        /// The review as a whole, in Markdown; at most 60,000 characters.
        body: String,
        /// Comments on lines, at most 50. One on a line that the pull request does not show goes into the body.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        comments: Vec<ReviewComment>,
    },
    /// How the checks of a commit stand. Refused with `no_checks` where nothing but a command checks commits.
    Checks {
        /// The commit; the head of the run's branch when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        commit: Option<String>,
    },
    /// Lists the files of any branch below a directory, as they are committed. It needs no working copy, and makes none.
    ListFiles {
        /// The branch; one that does not exist has no head and no files.
        branch: String,
        /// The directory.
        prefix: String,
        /// Lines of commit messages, such as `Loom-Sync: 4f…`: the answer says which of them stand in a message of the
        /// branch's latest 200 commits.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        trailers: Vec<String>,
    },
    /// Reads files as they are in a commit.
    ReadFiles {
        /// The commit's id.
        commit: String,
        /// The files, at most 2000, together at most 16 MiB.
        paths: Vec<String>,
    },
    /// Commits files to any branch on top of the commit that it is expected to be at, without a working copy. Refused
    /// with `head_moved` when the branch is elsewhere. A branch that does not exist begins with this commit.
    ///
    /// This is for Loom's own functions: it looks for no secrets, and minds no protection but the repository's own.
    CommitFiles {
        /// The branch.
        branch: String,
        /// The commit that it must be at; none = it must not exist.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expected_head: Option<String>,
        /// What changes; together at most 24 MiB.
        files: Vec<FileChange>,
        /// The whole message, with its trailers.
        message: String,
    },
    /// Removes the working copy and keeps the branch.
    Close,
}

/// A change to a file of a branch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileChange {
    /// The file.
    pub path: String,
    /// All of its new content; none removes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
}

/// What a review comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It may be merged.
    Approve,
    /// It must be changed first.
    RequestChanges,
    /// Neither.
    Comment,
}

/// A review's comment on one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReviewComment {
    /// The file.
    pub path: String,
    /// The line's number in the new version of the file, from 1.
    pub line: u32,
    /// The comment, in Markdown.
    pub body: String,
}

impl Operation {
    /// The operation's name, as in its JSON tag.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::ReadTree { .. } => "read_tree",
            Self::ReadFile { .. } => "read_file",
            Self::Instructions => "instructions",
            Self::Search { .. } => "search",
            Self::EditFile { .. } => "edit_file",
            Self::WriteFile { .. } => "write_file",
            Self::DeleteFile { .. } => "delete_file",
            Self::MoveFile { .. } => "move_file",
            Self::RunCommand { .. } => "run_command",
            Self::Build => "build",
            Self::Test { .. } => "test",
            Self::Lint => "lint",
            Self::Status => "status",
            Self::Diff => "diff",
            Self::Log { .. } => "log",
            Self::Commit { .. } => "commit",
            Self::Push => "push",
            Self::Merge => "merge",
            Self::OpenPullRequest { .. } => "open_pull_request",
            Self::Review { .. } => "review",
            Self::Checks { .. } => "checks",
            Self::ListFiles { .. } => "list_files",
            Self::ReadFiles { .. } => "read_files",
            Self::CommitFiles { .. } => "commit_files",
            Self::Close => "close",
        }
    }

    /// Whether it may change something, and is therefore done at most once per key. The others only read, and are
    /// simply done again.
    pub fn is_write(&self) -> bool {
        match self {
            Self::ReadTree { .. }
            | Self::ReadFile { .. }
            | Self::Instructions
            | Self::Search { .. }
            | Self::Status
            | Self::Diff
            | Self::Log { .. }
            | Self::Checks { .. }
            | Self::ListFiles { .. }
            | Self::ReadFiles { .. } => false,
            Self::Open
            | Self::EditFile { .. }
            | Self::WriteFile { .. }
            | Self::DeleteFile { .. }
            | Self::MoveFile { .. }
            | Self::RunCommand { .. }
            | Self::Build
            | Self::Test { .. }
            | Self::Lint
            | Self::Commit { .. }
            | Self::Push
            | Self::Merge
            | Self::OpenPullRequest { .. }
            | Self::Review { .. }
            | Self::CommitFiles { .. }
            | Self::Close => true,
        }
    }
}
