use std::time::Duration;

use loom_workspace::{Outcome, WorkspaceError, excerpt, message};

use super::Task;
use super::commands::{self, LONG};
use super::commit::merge_head;
use crate::error::{Context, Result};
use crate::git::{Git, failed};
use crate::journal::Answer;
use crate::lock::Lock;
use crate::sandbox::Job;

/// How often a merge is made anew because somebody else moved the base branch meanwhile.
const ATTEMPTS: usize = 5;
/// How much of a failing test's output, or of a conflict, is returned.
const MAX_EXCERPT: usize = 8 * 1024;

pub(super) fn merge(task: &Task<'_>) -> Answer {
    let space = task.space;
    let head = space.git().line(&["rev-parse", "HEAD"])?;
    ready(task, &head)?;
    // One merge at a time into each repository, also among services with different roots.
    let lock = std::sync::Arc::new(Lock::take(&space.repository.lock_path("merge"))?);
    let git = Git {
        lock: Some(lock),
        author: space.git().author,
        ..space.repository.git()
    };
    for _ in 0..ATTEMPTS {
        let base = space.repository.base_commit()?;
        if let Some(commit) = merged_before(task, &git, &head, &base)? {
            return Ok(Outcome::Merged {
                commit,
                branch: space.repository.base.clone(),
            });
        }
        let tree = merged_tree(task, &git, &head, &base)?;
        test(task, &git, &tree)?;
        let run = &task.call.run;
        let text = format!("Merge {}: {}", run.bead_id, run.bead_title);
        let text = message::compose(&text, &task.call.run, &task.call.key);
        let commit = git.line(&["commit-tree", &tree, "-m", &text, "-p", &base, "-p", &head])?;
        if advance(task, &git, &commit, &base)? {
            return Ok(Outcome::Merged {
                commit,
                branch: space.repository.base.clone(),
            });
        }
    }
    Err(WorkspaceError::unavailable(
        "base_branch_busy",
        format!(
            "the base branch moved {ATTEMPTS} times while the merge was being tested; try again later"
        ),
    ))
}

/// Refuses when there is nothing to merge, or something that would be left behind.
fn ready(task: &Task<'_>, head: &str) -> Result<()> {
    if merge_head(task)?.is_some() {
        let files = unmerged(&task.space.git())?;
        if files.is_empty() {
            return Err(WorkspaceError::refused(
                "merge_conflict",
                "the base branch was merged into your working copy, and that is not committed yet; see that no \
                 conflict is left, test, commit, and merge again",
            ));
        }
        return Err(conflict(files, ""));
    }
    if head == task.space.base_commit {
        return Err(WorkspaceError::refused(
            "nothing_to_merge",
            "the branch has no commits of its own; commit the changes first",
        ));
    }
    let changed = task.space.git().ok(&[
        "status",
        "--porcelain",
        "-z",
        "--untracked-files=no",
        "--ignore-submodules=all",
        "--no-renames",
    ])?;
    let files: Vec<String> = changed
        .split('\0')
        .filter_map(|entry| entry.get(3..))
        .map(str::to_owned)
        .collect();
    if files.is_empty() {
        return Ok(());
    }
    Err(WorkspaceError::refused(
        "uncommitted_changes",
        format!(
            "these files have changes that are not committed and would be left out: {}",
            files.join(", ")
        ),
    )
    .with("files", files))
}

/// The base branch's commit with this run's work, when it is there already.
fn merged_before(task: &Task<'_>, git: &Git, head: &str, base: &str) -> Result<Option<String>> {
    if let Some(commit) = git.commit_by_key(&task.call.key, &task.space.base_commit, base)? {
        return Ok(Some(commit));
    }
    Ok(git.is_ancestor(head, base)?.then(|| base.to_owned()))
}

/// The tree with both sides' changes, made without touching any working copy.
fn merged_tree(task: &Task<'_>, git: &Git, head: &str, base: &str) -> Result<String> {
    let arguments = [
        "merge-tree",
        "--write-tree",
        "-z",
        "--name-only",
        "--no-messages",
        base,
        head,
    ];
    let done = git.run(&arguments)?;
    let text = done.text();
    let mut parts = text.split('\0').filter(|part| !part.is_empty());
    match (done.code, parts.next()) {
        (Some(0), Some(tree)) => Ok(tree.trim_end().to_owned()),
        (Some(1), Some(_)) => {
            let files: Vec<String> = parts.map(str::to_owned).collect();
            Err(hand_over(task, base, files)?)
        }
        _ => Err(failed(&arguments, &done)),
    }
}

/// Merges the base branch into the run's working copy, where the conflicts can be resolved.
fn hand_over(task: &Task<'_>, base: &str, files: Vec<String>) -> Result<WorkspaceError> {
    let git = task.space.git();
    let arguments = [
        "merge",
        "--no-commit",
        "--no-ff",
        "--no-stat",
        "--quiet",
        base,
    ];
    let done = git.run(&arguments)?;
    if merge_head(task)?.is_none() {
        // Such as when files that are not committed are in its way.
        return Ok(WorkspaceError::refused(
            "merge_conflict",
            format!(
                "the base branch has changed the same lines of {}, and could not be merged into your working copy: {}",
                files.join(", "),
                done.errors().trim()
            ),
        )
        .with("files", files));
    }
    let diff = git
        .run(&["diff", "--no-color", "--no-ext-diff", "--no-textconv"])?
        .text();
    Ok(conflict(files, excerpt::beginning(&diff, MAX_EXCERPT).0))
}

fn conflict(files: Vec<String>, diff: &str) -> WorkspaceError {
    let mut text = format!(
        "the base branch has changed the same lines of {}. It is now being merged into your working copy: in these \
         files the two versions stand between <<<<<<< and >>>>>>>. Edit them, test, commit, and merge again",
        files.join(", ")
    );
    if !diff.is_empty() {
        text.push_str(":\n");
        text.push_str(diff);
    }
    WorkspaceError::refused("merge_conflict", text).with("files", files)
}

fn unmerged(git: &Git) -> Result<Vec<String>> {
    let names = git.ok(&["diff", "--name-only", "--diff-filter=U", "-z"])?;
    Ok(names
        .split('\0')
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect())
}

/// Runs the project's tests on the merged result, in a copy of it that is thrown away.
fn test(task: &Task<'_>, git: &Git, tree: &str) -> Result<()> {
    let space = task.space;
    let copy = tempfile::tempdir_in(&space.places.staging).doing("make a temporary directory")?;
    let files = copy.path().join("merged");
    std::fs::create_dir(&files).doing("make a temporary directory")?;
    let git = Git {
        work_tree: Some(files.clone()),
        index: Some(copy.path().join("index")),
        ..git.clone()
    };
    git.ok(&["read-tree", tree])?;
    git.ok(&["checkout-index", "--all", "--force", "--quiet"])?;
    let Some(argv) = commands::test_command(&task.call.project, &files, None)? else {
        return Ok(());
    };
    let job = Job {
        argv,
        directory: files.clone(),
        timeout: Duration::from_secs(LONG),
        worktree: files,
        private: space.places.private.clone(),
    };
    let Outcome::Command {
        argv,
        exit_code,
        timed_out,
        output,
        ..
    } = task.sandbox.run(job)?
    else {
        return Ok(());
    };
    if exit_code == Some(0) {
        return Ok(());
    }
    let how = match exit_code {
        Some(code) => format!("exit code {code}"),
        None if timed_out => format!("no end within {LONG} seconds"),
        None => "it was killed".to_owned(),
    };
    Err(WorkspaceError::refused(
        "merge_tests_failed",
        format!(
            "nothing was merged: with the base branch's latest changes `{}` fails ({how}):\n{}",
            argv.join(" "),
            tail(&output)
        ),
    )
    .with("exit_code", exit_code)
    .with("argv", argv))
}

/// Moves the base branch from `base` to `commit`; false when somebody else has moved it meanwhile.
fn advance(task: &Task<'_>, git: &Git, commit: &str, base: &str) -> Result<bool> {
    let repository = &task.space.repository;
    let Some((checkout, git_dir)) = repository.base_checkout()? else {
        let branch = format!("refs/heads/{}", repository.base);
        let done = git.run(&[
            "update-ref",
            "-m",
            "merge by an agent",
            &branch,
            commit,
            base,
        ])?;
        return settle(task, done.code == Some(0), base, || {
            failed(&["update-ref"], &done)
        });
    };
    // Somebody has it checked out. A fast-forward there moves branch, index and files together, leaves changes that
    // are not committed alone, and does nothing at all when they are in its way.
    let path = checkout.display();
    let there = Git {
        git_dir,
        work_tree: Some(checkout.clone()),
        ..git.clone()
    };
    let done = there.run(&["merge", "--ff-only", "--no-stat", "--quiet", commit])?;
    settle(task, done.code == Some(0), base, || {
        WorkspaceError::unavailable(
            "base_checkout_in_the_way",
            format!(
                "the base branch is checked out in {path}, and changes there that are not committed are in the way: \
                 {}; a person has to commit or put them aside, then the merge can be tried again",
                done.errors().trim()
            ),
        )
    })
}

fn settle(
    task: &Task<'_>,
    moved: bool,
    base: &str,
    problem: impl Fn() -> WorkspaceError,
) -> Result<bool> {
    if moved {
        Ok(true)
    } else if task.space.repository.base_commit()? == base {
        Err(problem())
    } else {
        Ok(false)
    }
}

/// A text's last lines.
fn tail(text: &str) -> &str {
    let mut start = text.len().saturating_sub(MAX_EXCERPT);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    let tail = text.get(start..).unwrap_or_default();
    if start == 0 {
        tail
    } else {
        tail.split_once('\n').map_or(tail, |(_, rest)| rest)
    }
}
