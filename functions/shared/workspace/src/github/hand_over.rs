//! Conflicts with the base branch, for the model to resolve.

use std::collections::BTreeMap;

use loom_github::Mode;
use loom_platform::{Platform, Transaction};

use super::{
    Done, Task,
    error::{self, Result, database},
    journal,
    overlay::{self, Put},
    rebase::{self, Ours},
    space, tree,
};
use crate::{WorkspaceError, excerpt};

/// Merges the base branch into the run's working copy, where conflicts can be resolved: the next commit has both as its
/// parents.
pub(super) async fn hand_over<P: Platform>(task: Task<'_, P>) -> Result<Done> {
    let repository = task.repository;
    let base = space::base(repository, task.call).await?;
    let fork = repository
        .compare(&base, &task.space.head)
        .await
        .map_err(error::github)?
        .merge_base;
    let tree_of = async |commit: &str| {
        let found = repository.get_commit(commit).await;
        found.map(|commit| commit.tree).map_err(error::github)
    };
    let (fork_tree, base_tree) = (tree_of(&fork).await?, tree_of(&base).await?);
    let ours = between(&task, &fork_tree).await?;
    let rebased = rebase::onto(&task.view(), ours, &fork_tree, &base_tree).await?;
    let answer = Err(conflict(&rebased.conflicts));
    let run = &task.call.run.id;
    let mut space = task.space;
    space.merging = Some(base);
    space.tree = base_tree;
    space.conflicts.clone_from(&rebased.conflicts);
    let transaction = journal::guarded(task.platform, task.call).await?;
    overlay::clear(&transaction, run).await?;
    for entry in rebased.entries {
        overlay::put(&transaction, run, entry).await?;
    }
    space.save(&transaction, run).await?;
    journal::answer(&transaction, task.call, &answer).await?;
    transaction.commit().await.map_err(database)?;
    Ok(Done::Recorded(answer))
}

/// What the branch has changed since it left the base branch.
async fn between<P: Platform>(task: &Task<'_, P>, fork: &str) -> Result<BTreeMap<String, Ours>> {
    let before = tree::below(task.platform, task.repository, fork, "").await?;
    let after = tree::below(task.platform, task.repository, &task.space.tree, "").await?;
    let mut ours = BTreeMap::new();
    for (path, item) in after
        .iter()
        .filter(|(_, item)| item.mode != Mode::Directory)
    {
        let is_same = before
            .get(path)
            .is_some_and(|old| old.sha == item.sha && old.mode == item.mode);
        if !is_same {
            let content = Put::Blob(item.sha.clone());
            let mode = item.mode;
            ours.insert(path.clone(), Ours { mode, content });
        }
    }
    for (path, item) in before
        .iter()
        .filter(|(_, item)| item.mode != Mode::Directory)
    {
        let is_gone = after
            .get(path)
            .is_none_or(|item| item.mode == Mode::Directory);
        if is_gone {
            let content = Put::Deleted;
            let mode = item.mode;
            ours.insert(path.clone(), Ours { mode, content });
        }
    }
    Ok(ours)
}

fn conflict(files: &[String]) -> WorkspaceError {
    let what = if files.is_empty() {
        "the base branch has moved on, and both sides' changes go together. They are in your working copy now: look at \
         them, commit, and merge again"
            .to_owned()
    } else {
        format!(
            "the base branch has changed the same lines of {}. It is now being merged into your working copy: in these \
             files the two versions stand between <<<<<<< and >>>>>>>, and where they are not text yours is there, \
             unless you had deleted the file. Edit them, commit, and merge again",
            excerpt::paths(files)
        )
    };
    WorkspaceError::refused("merge_conflict", what).with("files", files.to_vec())
}
