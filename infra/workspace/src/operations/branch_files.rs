//! Files of branches that belong to no run, read without a working copy.

use std::collections::HashMap;
use std::io::{Seek, Write};

use loom_workspace::{
    BranchFile, FileContent, Outcome, WorkspaceError, branch_files as limits, path,
};

use crate::error::{Context, Result};
use crate::git::{Git, Repository, failed, is_branch_name};
use crate::journal::Answer;

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
        let log = git.ok(&["log", &recent(), "--format=%B", &head])?;
        landed = limits::landed([log.as_str()], trailers);
    }
    Ok(Outcome::Listed {
        head: Some(head),
        files,
        landed,
    })
}

/// The regular files of a commit below a directory.
pub(super) fn files(git: &Git, commit: &str, prefix: &str) -> Result<Vec<BranchFile>> {
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
    limits::check_read(commit, paths)?;
    let git = repository.git();
    let is_there = git.run(&["cat-file", "-e", &format!("{commit}^{{commit}}")])?;
    if is_there.code != Some(0) {
        return Err(limits::no_commit(commit));
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
        limits::check_bytes(total)?;
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

pub(super) fn named(branch: &str) -> Result<()> {
    if is_branch_name(branch) {
        return Ok(());
    }
    Err(WorkspaceError::refused(
        "invalid_branch",
        format!("{branch:?} can't be the name of a branch"),
    ))
}

/// Limits a log to the commits that are looked through.
pub(super) fn recent() -> String {
    format!("--max-count={}", limits::RECENT)
}
