use std::collections::BTreeSet;

use loom_workspace::{Outcome, WorkspaceError, conflict, excerpt, message, secret};

use super::Task;
use super::history::PLAIN_DIFF;
use crate::error::{Context, Result};
use crate::git::Git;
use crate::journal::Answer;

/// The most that one commit may add, as the size of its diff.
const MAX_DIFF: usize = 32 * 1024 * 1024;

pub(super) fn commit(task: &Task<'_>, text: &str) -> Answer {
    let git = task.space.git();
    let head = git.line(&["rev-parse", "HEAD"])?;
    if task.is_repeated
        && let Some(commit) = git.commit_by_key(&task.call.key, &task.space.base_commit, &head)?
    {
        end_merge(task)?;
        let files = files_of(&git, &commit)?;
        return Ok(Outcome::Committed { commit, files });
    }
    git.ok(&["add", "--all", "."])?;
    let changed = match examine(task, &git, &head) {
        Ok(changed) => changed,
        Err(refusal) => {
            // As it was before: what is in the index is nobody's business but ours.
            git.ok(&["read-tree", &head])?;
            return Err(refusal);
        }
    };
    let tree = git.line(&["write-tree"])?;
    let text = message::compose(text, &task.call.run, &task.call.key);
    let mut arguments = vec!["commit-tree", &tree, "-m", &text, "-p", &head];
    let merging = merge_head(task)?;
    if let Some(merging) = &merging {
        arguments.extend(["-p", merging]);
    }
    let commit = git.line(&arguments)?;
    // Moves the branch only from where it was when we looked for the key, so that this key is never there twice.
    let branch = format!("refs/heads/{}", task.space.branch);
    git.ok(&[
        "update-ref",
        "-m",
        "commit by an agent",
        &branch,
        &commit,
        &head,
    ])?;
    if merging.is_some() {
        end_merge(task)?;
    }
    Ok(Outcome::Committed {
        commit,
        files: changed.into_iter().collect(),
    })
}

/// The commit of the base branch that is being merged into the run's branch, if any.
pub(super) fn merge_head(task: &Task<'_>) -> Result<Option<String>> {
    match std::fs::read_to_string(task.space.git_file("MERGE_HEAD")) {
        Ok(text) => Ok(Some(text.trim().to_owned())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).doing("read git's state"),
    }
}

fn end_merge(task: &Task<'_>) -> Result<()> {
    for name in ["MERGE_HEAD", "MERGE_MODE", "MERGE_MSG", "AUTO_MERGE"] {
        match std::fs::remove_file(task.space.git_file(name)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(error).doing("end a merge");
            }
            _ => {}
        }
    }
    Ok(())
}

/// Refuses what must not be committed, and gives the files that will be.
fn examine(task: &Task<'_>, git: &Git, head: &str) -> Result<BTreeSet<String>> {
    let raw = git.ok(&[
        "diff-index",
        "--cached",
        "--raw",
        "-z",
        "--no-renames",
        head,
    ])?;
    let mut changed = BTreeSet::new();
    let mut parts = raw.split('\0');
    while let (Some(about), Some(path)) = (parts.next(), parts.next()) {
        if about.split(' ').nth(1) == Some("160000") {
            return Err(WorkspaceError::refused(
                "nested_repository",
                format!("{path} is a git repository of its own, which can't be committed; delete it or its .git"),
            )
            .with("path", path));
        }
        changed.insert(path.to_owned());
    }
    if changed.is_empty() && merge_head(task)?.is_none() {
        return Err(WorkspaceError::nothing_to_commit());
    }

    let mut arguments = vec![
        "diff-index",
        "--cached",
        "--patch",
        "--unified=0",
        "--text",
        "--no-renames",
    ];
    arguments.extend(PLAIN_DIFF);
    arguments.push(head);
    let diff = git.ok(&arguments)?;
    if diff.len() > MAX_DIFF {
        return Err(WorkspaceError::refused(
            "commit_too_large",
            format!(
                "the changes are larger than {MAX_DIFF} bytes: {}; are there build results that .gitignore should name?",
                excerpt::paths(&changed)
            ),
        ));
    }
    secret::refuse(&secret::in_diff(&diff))?;
    no_conflict_markers(task, &changed)?;
    Ok(changed)
}

/// While the base branch is being merged into the run's branch, its conflicts must be resolved first.
fn no_conflict_markers(task: &Task<'_>, changed: &BTreeSet<String>) -> Result<()> {
    if merge_head(task)?.is_none() {
        return Ok(());
    }
    let files = task.space.files()?;
    let marked = |path: &&String| conflict::has_markers(&files.text(path).unwrap_or_default());
    conflict::refuse(changed.iter().filter(marked).cloned().collect())
}

fn files_of(git: &Git, commit: &str) -> Result<Vec<String>> {
    let parent = format!("{commit}^1");
    let names = git.ok(&[
        "diff-tree",
        "-r",
        "-z",
        "--no-renames",
        "--name-only",
        &parent,
        commit,
    ])?;
    Ok(names
        .split('\0')
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect())
}
