use serde::{Deserialize, Serialize};

/// What an operation brought about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Outcome {
    /// The working copy is there.
    Opened {
        /// The run's branch.
        branch: String,
        /// The base branch.
        base: String,
        /// The commit that the run's branch started from.
        base_commit: String,
    },
    /// A listing.
    Tree {
        /// Sorted by path.
        entries: Vec<TreeEntry>,
        /// Whether entries were left out because of the limit.
        truncated: bool,
    },
    /// A file, or some lines of it.
    File {
        /// The file.
        path: String,
        /// The lines, as they are.
        content: String,
        /// The number of the first line in `content`, from 1; 0 when there is none.
        first_line: u32,
        /// The number of the last line in `content`; 0 when there is none.
        last_line: u32,
        /// How many lines the file has.
        total_lines: u32,
        /// Whether lines after `last_line` were left out.
        truncated: bool,
    },
    /// Lines that were found.
    Matches {
        /// Sorted by path and line.
        matches: Vec<SearchMatch>,
        /// Whether matches were left out because of the limit.
        truncated: bool,
        /// How many files were not looked into, because one search fetches only so many.
        #[serde(default, skip_serializing_if = "is_zero")]
        unsearched: u32,
    },
    /// A file was edited.
    Edited {
        /// The file.
        path: String,
        /// How the place was found.
        matched_by: MatchedBy,
        /// The first line of the new text, from 1.
        first_line: u32,
        /// The last line of the new text; the line before `first_line` when lines were only removed.
        last_line: u32,
    },
    /// A file was written.
    Written {
        /// The file.
        path: String,
        /// Whether it is new.
        created: bool,
        /// Its size in bytes.
        bytes: u64,
    },
    /// A file was deleted.
    Deleted {
        /// The file.
        path: String,
    },
    /// A file was moved.
    Moved {
        /// Where it was.
        from: String,
        /// Where it is.
        to: String,
    },
    /// A program ran. That it failed is an outcome too, not an error.
    Command {
        /// What ran.
        argv: Vec<String>,
        /// Its exit code; none when it was killed.
        exit_code: Option<i32>,
        /// Whether it was killed because its time was up.
        timed_out: bool,
        /// Standard output and standard error as they came; when long, the head and the tail with a line between
        /// them that says how much was cut.
        output: String,
        /// How many bytes of output were cut.
        cut_bytes: u64,
        /// How long it ran, in milliseconds.
        duration_ms: u64,
    },
    /// Text from git, such as a status, a diff or a log.
    Text {
        /// The text.
        text: String,
        /// Whether its end was cut off.
        truncated: bool,
    },
    /// A commit was made.
    Committed {
        /// Its id.
        commit: String,
        /// The files it changed, sorted.
        files: Vec<String>,
    },
    /// The branch was published.
    Pushed {
        /// The branch.
        branch: String,
        /// Its commit.
        commit: String,
    },
    /// The branch was merged.
    Merged {
        /// The base branch's new commit.
        commit: String,
        /// The base branch.
        branch: String,
    },
    /// The pull request is there.
    PullRequest {
        /// Its number.
        number: u64,
        /// Where people read it.
        url: String,
        /// Whether this call opened it.
        created: bool,
    },
    /// The review was written.
    Reviewed {
        /// The pull request's number.
        number: u64,
        /// Where people read the review.
        url: String,
    },
    /// What was asked for depends on checks that are not over yet, so the run is to wait for those of this commit and
    /// then make the same call again, with the same key: this answer is not recorded for it.
    Awaiting {
        /// The commit whose checks are waited for.
        commit: String,
        /// What is waited for, for people.
        what: String,
    },
    /// The files of a branch.
    Listed {
        /// The commit that the branch is at; none when there is no such branch.
        head: Option<String>,
        /// Sorted by path; regular files alone.
        files: Vec<BranchFile>,
        /// Those of the trailers asked for that stand in a recent commit.
        landed: Vec<String>,
    },
    /// Files of a commit.
    Contents {
        /// In the order in which they were asked for.
        files: Vec<FileContent>,
    },
    /// Files were committed to a branch.
    FilesCommitted {
        /// The commit; the one that the branch was at when nothing differed.
        commit: String,
        /// The changed files that are there now, sorted by path.
        files: Vec<BranchFile>,
    },
    /// Nothing more to say.
    Done,
}

/// A file of a branch.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct BranchFile {
    /// Relative to the repository's root.
    pub path: String,
    /// The id of its content: it changes when the content does.
    pub blob: String,
    /// Its size.
    pub bytes: u64,
}

/// A file's content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileContent {
    /// The file.
    pub path: String,
    /// All of it; none when there is no such file, or when it is not UTF-8.
    pub content: Option<String>,
}

fn is_zero(count: &u32) -> bool {
    *count == 0
}

/// One entry of a listing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TreeEntry {
    /// Relative to the repository's root.
    pub path: String,
    /// What it is.
    pub kind: EntryKind,
    /// A file's size in bytes; 0 for the others.
    pub bytes: u64,
}

/// What an entry of a listing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link; it is listed and never followed.
    Symlink,
}

/// One line that was found.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SearchMatch {
    /// The file.
    pub path: String,
    /// The line's number, from 1.
    pub line: u64,
    /// The line without its end, cut at 400 characters.
    pub text: String,
}

/// How an edit found its place, from strict to lenient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MatchedBy {
    /// The text is there character by character.
    Exact,
    /// The lines are there when spaces at both ends of each, and the indentation as a whole, are disregarded.
    Whitespace,
    /// The first and the last line are there, and nothing else in the file begins and ends like it.
    Anchors,
}
