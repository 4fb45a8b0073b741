//! Commits to branches that belong to no run, made without a working copy.

use std::fs::File;
use std::io::{Seek, Write};
use std::sync::Arc;

use loom_workspace::{
    Call, FileChange, Operation, Outcome, WorkspaceError, branch_files as limits, path,
};

use super::branch_files::{files, named, recent};
use crate::error::{Context, Result};
use crate::git::{Git, Repository, failed};
use crate::journal::Answer;
use crate::lock::Lock;

/// What `update-ref` takes for a branch that must not exist.
const NOWHERE: &str = "0000000000000000000000000000000000000000";

/// Commits on top of `expected_head`; `is_repeated` says that an earlier attempt may have done it.
pub(crate) fn commit(repository: &Repository, call: &Call, is_repeated: bool) -> Answer {
    let Operation::CommitFiles {
        branch,
        expected_head,
        files: changes,
        message,
    } = &call.operation
    else {
        return Ok(Outcome::Done);
    };
    named(branch)?;
    limits::check_changes(changes)?;
    // One move of a branch at a time, also among services with different roots.
    let lock = Arc::new(Lock::take(&repository.lock_path("merge"))?);
    let git = Git {
        lock: Some(lock),
        ..repository.git()
    };
    let head = git.branch(branch)?;
    if is_repeated
        && let Some(head) = &head
        && let Some(commit) = made_before(&git, head, message)?
    {
        return answer(&git, commit, changes);
    }
    if head != *expected_head {
        return Err(WorkspaceError::head_moved(branch, head.as_deref()));
    }
    let place = format!("refs/loom/files/{}", call.run.id);
    let commit = import(&git, &place, call)?;
    let tree = |commit: &str| git.line(&["rev-parse", &format!("{commit}^{{tree}}")]);
    if let Some(head) = &head
        && tree(head)? == tree(&commit)?
    {
        git.ok(&["update-ref", "-d", &place])?;
        return answer(&git, head.clone(), changes);
    }
    advance(repository, &git, branch, &commit, head.as_deref())?;
    git.ok(&["update-ref", "-d", &place])?;
    answer(&git, commit, changes)
}

fn answer(git: &Git, commit: String, changes: &[FileChange]) -> Answer {
    let files = files(git, &commit, "")?;
    Ok(limits::committed(commit, files, changes))
}

/// The recent commit with this very message.
fn made_before(git: &Git, head: &str, message: &str) -> Result<Option<String>> {
    let log = git.ok(&["log", &recent(), "--format=%H%x00%B%x01", head])?;
    Ok(log.split('\u{1}').find_map(|entry| {
        let (commit, text) = entry.trim_start().split_once('\0')?;
        (text.trim() == message.trim()).then(|| commit.to_owned())
    }))
}

/// Makes the commit without moving the branch: all its objects in one go, under a reference of its own.
fn import(git: &Git, place: &str, call: &Call) -> Result<String> {
    let Operation::CommitFiles {
        expected_head,
        files,
        message,
        ..
    } = &call.operation
    else {
        return Ok(String::new());
    };
    let mut stream = tempfile::tempfile().doing("make a temporary file")?;
    describe(&mut stream, place, expected_head.as_deref(), files, message)?;
    stream.rewind().doing("read a temporary file")?;
    let arguments = [
        "fast-import",
        "--quiet",
        "--force",
        "--done",
        "--date-format=now",
    ];
    let done = git.feed(&arguments, stream)?;
    if done.code != Some(0) {
        return Err(failed(&arguments, &done));
    }
    git.line(&["rev-parse", "--verify", place])
}

fn describe(
    stream: &mut File,
    place: &str,
    parent: Option<&str>,
    files: &[FileChange],
    message: &str,
) -> Result<()> {
    let mut text = format!(
        "commit {place}\ncommitter Loom <agent@loom.invalid> now\ndata {}\n{message}\n",
        message.len()
    );
    if let Some(parent) = parent {
        text.push_str(&format!("from {parent}\n"));
    } else {
        // Whatever an attempt that died has left under this name is no parent.
        text.insert_str(0, &format!("reset {place}\n\n"));
    }
    for FileChange { path, content } in files {
        let path = path::normalize_file(path)?;
        let path = path.replace('\\', "\\\\").replace('"', "\\\"");
        match content {
            Some(content) => text.push_str(&format!(
                "M 100644 inline \"{path}\"\ndata {}\n{content}\n",
                content.len()
            )),
            None => text.push_str(&format!("D \"{path}\"\n")),
        }
    }
    text.push_str("done\n");
    stream
        .write_all(text.as_bytes())
        .doing("write a temporary file")
}

/// Moves the branch from `head` to `commit`.
fn advance(
    repository: &Repository,
    git: &Git,
    branch: &str,
    commit: &str,
    head: Option<&str>,
) -> Result<()> {
    let done = match repository.checkout(branch)?.filter(|_| head.is_some()) {
        None => {
            let reference = format!("refs/heads/{branch}");
            let old = head.unwrap_or(NOWHERE);
            git.run(&["update-ref", "-m", "files of Loom", &reference, commit, old])?
        }
        // As a merge does it: branch, index and files move together, and changes that are not committed stay.
        Some((checkout, git_dir)) => Git {
            git_dir,
            work_tree: Some(checkout),
            ..git.clone()
        }
        .run(&["merge", "--ff-only", "--no-stat", "--quiet", commit])?,
    };
    if done.code == Some(0) {
        return Ok(());
    }
    let now = git.branch(branch)?;
    if now.as_deref() != head {
        return Err(WorkspaceError::head_moved(branch, now.as_deref()));
    }
    Err(WorkspaceError::unavailable(
        "branch_checkout_in_the_way",
        format!(
            "the branch {branch} could not be moved: {}; if it is checked out, a person has to commit or put aside what \
             is in the way",
            done.errors().trim()
        ),
    ))
}
