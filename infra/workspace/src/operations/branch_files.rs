//! Files of branches that belong to no run: read and committed without a working copy.

use std::collections::{BTreeSet, HashMap};
use std::fs::File;
use std::io::{Seek, Write};
use std::sync::Arc;

use loom_workspace::{
    BranchFile, Call, FileChange, FileContent, Operation, Outcome, WorkspaceError, path,
};

use crate::error::{Context, Result};
use crate::git::{Git, Repository, failed, is_branch_name};
use crate::journal::Answer;
use crate::lock::Lock;

/// How many commits are looked through for a trailer.
const RECENT: &str = "--max-count=200";
const MAX_PATHS: usize = 2000;
const MAX_READ: usize = 16 * 1024 * 1024;
const MAX_WRITTEN: usize = 24 * 1024 * 1024;
/// What `update-ref` takes for a branch that must not exist.
const NOWHERE: &str = "0000000000000000000000000000000000000000";

pub(crate) fn list(
    repository: &Repository,
    branch: &str,
    prefix: &str,
    trailers: &[String],
) -> Answer {
    named(branch)?;
    let prefix = path::normalize(prefix)?;
    let git = repository.git();
    let Some(head) = git.branch(branch)? else {
        return Ok(Outcome::Listed {
            head: None,
            files: Vec::new(),
            landed: Vec::new(),
        });
    };
    let files = files(&git, &head, &prefix)?;
    let mut landed = Vec::new();
    if !trailers.is_empty() {
        let log = git.ok(&["log", RECENT, "--format=%B", &head])?;
        let lines: BTreeSet<&str> = log.lines().collect();
        landed.extend(
            trailers
                .iter()
                .filter(|line| lines.contains(line.as_str()))
                .cloned(),
        );
    }
    Ok(Outcome::Listed {
        head: Some(head),
        files,
        landed,
    })
}

/// The regular files of a commit below a directory.
fn files(git: &Git, commit: &str, prefix: &str) -> Result<Vec<BranchFile>> {
    let mut arguments = vec!["ls-tree", "-r", "-z", "--full-tree", "--long", commit];
    if !prefix.is_empty() {
        arguments.extend(["--", prefix]);
    }
    let text = git.ok(&arguments)?;
    let mut files: Vec<BranchFile> = text.split('\0').filter_map(entry).collect();
    files.sort();
    Ok(files)
}

fn entry(line: &str) -> Option<BranchFile> {
    let (about, path) = line.split_once('\t')?;
    let mut words = about.split_whitespace();
    let (mode, _, blob, size) = (words.next()?, words.next()?, words.next()?, words.next()?);
    matches!(mode, "100644" | "100755").then(|| BranchFile {
        path: path.to_owned(),
        blob: blob.to_owned(),
        bytes: size.parse().unwrap_or(0),
    })
}

pub(crate) fn read(repository: &Repository, commit: &str, paths: &[String]) -> Answer {
    if !(40..=64).contains(&commit.len()) || !commit.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(WorkspaceError::refused(
            "commit_not_found",
            format!("{commit:?} is not the whole id of a commit"),
        ));
    }
    if paths.len() > MAX_PATHS {
        return Err(too_much());
    }
    let git = repository.git();
    let is_there = git.run(&["cat-file", "-e", &format!("{commit}^{{commit}}")])?;
    if is_there.code != Some(0) {
        return Err(WorkspaceError::refused(
            "commit_not_found",
            format!("there is no commit {commit}; list the branch again"),
        ));
    }
    // By their ids: a path would be looked up from the root each time.
    let known: HashMap<String, String> = files(&git, commit, "")?
        .into_iter()
        .map(|file| (file.path, file.blob))
        .collect();
    let mut input = tempfile::tempfile().doing("make a temporary file")?;
    let mut asked = String::new();
    let mut is_known = Vec::new();
    for path in paths {
        let blob = known.get(&path::normalize_file(path)?);
        is_known.push(blob.is_some());
        if let Some(blob) = blob {
            asked.push_str(blob);
            asked.push('\n');
        }
    }
    input
        .write_all(asked.as_bytes())
        .doing("write a temporary file")?;
    input.rewind().doing("read a temporary file")?;
    let arguments = ["cat-file", "--batch"];
    let done = git.feed(&arguments, input)?;
    if done.code != Some(0) {
        return Err(failed(&arguments, &done));
    }
    let mut rest = done.output.as_slice();
    let mut read = Vec::new();
    let mut total = 0;
    for (path, is_known) in paths.iter().zip(is_known) {
        let content = match is_known {
            true => next(&mut rest)?,
            false => None,
        };
        total += content.as_ref().map_or(0, Vec::len);
        if total > MAX_READ {
            return Err(too_much());
        }
        read.push(FileContent {
            path: path.clone(),
            content: content.and_then(|bytes| String::from_utf8(bytes).ok()),
        });
    }
    Ok(Outcome::Contents { files: read })
}

/// The next answer of `git cat-file --batch`: a line, and for an object its bytes and a line break.
fn next(rest: &mut &[u8]) -> Result<Option<Vec<u8>>> {
    let garbled =
        || WorkspaceError::unavailable("git_failed", "git cat-file answered less than expected");
    let end = rest.iter().position(|b| *b == b'\n').ok_or_else(garbled)?;
    let (line, after) = rest.split_at(end);
    let line = String::from_utf8_lossy(line);
    let mut words = line.rsplit(' ');
    let (size, kind) = (words.next().unwrap_or_default(), words.next());
    let mut after = after.get(1..).unwrap_or_default();
    let mut content = None;
    if let Ok(size) = size.parse::<usize>()
        && matches!(kind, Some("blob" | "tree" | "commit" | "tag"))
    {
        let bytes = after.get(..size).ok_or_else(garbled)?;
        content = (kind == Some("blob")).then(|| bytes.to_vec());
        after = after.get(size + 1..).unwrap_or_default();
    }
    *rest = after;
    Ok(content)
}

fn too_much() -> WorkspaceError {
    WorkspaceError::refused(
        "too_much",
        format!(
            "at most {MAX_PATHS} files of together {MAX_READ} bytes are read at once; ask for fewer"
        ),
    )
}

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
    let changed: BTreeSet<&str> = changes.iter().map(|change| change.path.as_str()).collect();
    let mut files = files(git, &commit, "")?;
    files.retain(|file| changed.contains(file.path.as_str()));
    Ok(Outcome::FilesCommitted { commit, files })
}

/// The recent commit with this very message.
fn made_before(git: &Git, head: &str, message: &str) -> Result<Option<String>> {
    let log = git.ok(&["log", RECENT, "--format=%H%x00%B%x01", head])?;
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

fn named(branch: &str) -> Result<()> {
    if is_branch_name(branch) {
        return Ok(());
    }
    Err(WorkspaceError::refused(
        "invalid_branch",
        format!("{branch:?} can't be the name of a branch"),
    ))
}
