//! How much is read from and committed to branches that belong to no run.

use std::collections::BTreeSet;

use crate::{BranchFile, FileChange, Outcome, WorkspaceError};

/// How many of a branch's latest commits are looked through for a line of a message.
pub const RECENT: usize = 200;
const MAX_PATHS: usize = 2000;
const MAX_READ: usize = 16 * 1024 * 1024;
const MAX_WRITTEN: usize = 24 * 1024 * 1024;

/// Refuses to read what no commit's whole id names (`commit_not_found`), and too many files (`too_much`).
pub fn check_read(commit: &str, paths: &[String]) -> Result<(), WorkspaceError> {
    if !(40..=64).contains(&commit.len()) || !commit.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(WorkspaceError::refused(
            "commit_not_found",
            format!("{commit:?} is not the whole id of a commit"),
        ));
    }
    if paths.len() > MAX_PATHS {
        return Err(too_much());
    }
    Ok(())
}

/// Refuses with `too_much` to read so many bytes.
pub fn check_bytes(total: usize) -> Result<(), WorkspaceError> {
    if total > MAX_READ {
        return Err(too_much());
    }
    Ok(())
}

/// `commit_not_found`: the repository has no such commit.
pub fn no_commit(commit: &str) -> WorkspaceError {
    WorkspaceError::refused(
        "commit_not_found",
        format!("there is no commit {commit}; list the branch again"),
    )
}

/// Refuses with `commit_too_large` to commit more than is allowed at once.
pub fn check_changes(changes: &[FileChange]) -> Result<(), WorkspaceError> {
    let size: usize = changes
        .iter()
        .map(|change| change.content.as_ref().map_or(0, String::len))
        .sum();
    if size > MAX_WRITTEN {
        return Err(WorkspaceError::refused(
            "commit_too_large",
            format!("the files have {size} bytes; at most {MAX_WRITTEN} are committed at once"),
        ));
    }
    Ok(())
}

/// Which of the lines that are looked for stand in the messages of commits.
pub fn landed<'m>(messages: impl IntoIterator<Item = &'m str>, wanted: &[String]) -> Vec<String> {
    let lines: BTreeSet<&str> = messages.into_iter().flat_map(str::lines).collect();
    let is_there = |line: &&String| lines.contains(line.as_str());
    wanted.iter().filter(is_there).cloned().collect()
}

/// The answer to a commit: its id and, of all the files in it, those that it was to change.
pub fn committed(commit: String, mut files: Vec<BranchFile>, changes: &[FileChange]) -> Outcome {
    let changed: BTreeSet<&str> = changes.iter().map(|change| change.path.as_str()).collect();
    files.retain(|file| changed.contains(file.path.as_str()));
    Outcome::FilesCommitted { commit, files }
}

fn too_much() -> WorkspaceError {
    WorkspaceError::refused(
        "too_much",
        format!(
            "at most {MAX_PATHS} files of together {MAX_READ} bytes are read at once; ask for fewer"
        ),
    )
}
