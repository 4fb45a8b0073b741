//! Commits to branches that belong to no run.

use std::collections::BTreeMap;

use loom_domain::time::Timestamp;
use loom_github::{GithubError, Mode, NewCommit, NewEntry, Person, Repository};
use loom_platform::{Clock, Platform, Statements};
use serde::{Deserialize, Serialize};

use super::{
    branch_files::files,
    build,
    error::{self, Result, database},
    journal,
    mode::is_regular,
    space::head_of,
    tree,
};
use crate::{Call, FileChange, Operation, Outcome, WorkspaceError, branch_files as limits, path};

/// How long a commit can be repeated, in milliseconds. No run ends here, after which all is forgotten.
const KEEP_MS: i64 = 30 * 24 * 3600 * 1000;

/// A commit that exists, perhaps without any branch that leads to it.
#[derive(Serialize, Deserialize)]
struct Plan {
    commit: String,
    tree: String,
}

/// Commits on top of the expected head.
pub(super) async fn commit<P: Platform>(
    platform: &P,
    repository: &Repository<P>,
    call: &Call,
    begun_at: i64,
    plan: Option<&str>,
) -> Result<Outcome> {
    let Operation::CommitFiles {
        branch,
        expected_head,
        files: changes,
        message,
    } = &call.operation
    else {
        return Ok(Outcome::Done);
    };
    let name = format!("heads/{branch}");
    let plan = match journal::planned::<Plan>(plan)? {
        Some(plan) => plan,
        None => {
            forget_old(platform, call).await?;
            let head = head_of(repository, &name).await?;
            if head != *expected_head {
                return Err(WorkspaceError::head_moved(branch, head.as_deref()));
            }
            let old = match &head {
                Some(head) => {
                    let found = repository.get_commit(head).await.map_err(error::github)?;
                    Some((head.clone(), found.tree))
                }
                None => None,
            };
            let base = old.as_ref().map(|(_, tree)| tree.as_str());
            let entries = entries(platform, repository, base, changes).await?;
            let tree = build::tree(repository, base, entries).await?;
            let (tree, old) = match (tree, old) {
                (Some(tree), Some((head, old))) if tree == old => {
                    return answer(platform, repository, head, &tree, changes).await;
                }
                (Some(tree), old) => (tree, old),
                (None, _) => {
                    return Err(WorkspaceError::refused(
                        "nothing_to_commit",
                        "a new branch needs at least one file",
                    ));
                }
            };
            let made = make(repository, &tree, old, message, begun_at).await?;
            let plan = Plan { commit: made, tree };
            journal::plan(platform, call, &plan).await?;
            plan
        }
    };
    let moved = match expected_head {
        Some(_) => repository.update_ref(&name, &plan.commit).await,
        None => repository.create_ref(&name, &plan.commit).await,
    };
    match moved {
        Ok(_) => answer(platform, repository, plan.commit, &plan.tree, changes).await,
        Err(GithubError::Conflict { .. }) => {
            let head = head_of(repository, &name).await?;
            Err(WorkspaceError::head_moved(branch, head.as_deref()))
        }
        Err(error) => Err(error::github(error)),
    }
}

async fn make<P: Platform>(
    repository: &Repository<P>,
    tree: &str,
    parent: Option<(String, String)>,
    message: &str,
    begun_at: i64,
) -> Result<String> {
    let parents: Vec<String> = parent.into_iter().map(|(head, _)| head).collect();
    let author = Person {
        name: "Loom".to_owned(),
        email: "agent@loom.invalid".to_owned(),
        date: Timestamp(begun_at),
    };
    let is_app = repository.github().is_app();
    let made = repository
        .create_commit(&NewCommit {
            message,
            tree,
            parents: &parents,
            author: (!is_app).then_some(&author),
        })
        .await
        .map_err(error::github)?;
    Ok(made.sha)
}

/// The changes as those of a tree. A file keeps its mode.
async fn entries<P: Platform>(
    platform: &P,
    repository: &Repository<P>,
    base: Option<&str>,
    changes: &[FileChange],
) -> Result<Vec<NewEntry>> {
    limits::check_changes(changes)?;
    let there = match base {
        Some(base) => tree::below(platform, repository, base, "").await?,
        None => BTreeMap::new(),
    };
    let mut entries = Vec::new();
    for FileChange { path, content } in changes {
        let path = path::normalize_file(path)?;
        let old = there.get(&path).map(|item| item.mode);
        match content {
            Some(content) => {
                let mode = old.filter(|mode| is_regular(*mode)).unwrap_or(Mode::File);
                let bytes = content.clone().into_bytes();
                entries.push(build::entry(repository, path, mode, bytes).await?);
            }
            // Nothing is removed that is not there.
            None if old.is_some() => entries.push(NewEntry::Remove { path }),
            None => {}
        }
    }
    Ok(entries)
}

async fn answer<P: Platform>(
    platform: &P,
    repository: &Repository<P>,
    commit: String,
    tree: &str,
    changes: &[FileChange],
) -> Result<Outcome> {
    let files = files(platform, repository, tree, "").await?;
    Ok(limits::committed(commit, files, changes))
}

async fn forget_old<P: Platform>(platform: &P, call: &Call) -> Result<()> {
    platform
        .database()
        .execute(
            "DELETE FROM github_call WHERE run_id = ?1 AND answer IS NOT NULL AND begun_at < ?2",
            vec![
                (&call.run.id).into(),
                (platform.clock().now() - KEEP_MS).into(),
            ],
        )
        .await
        .map(|_| ())
        .map_err(database)
}
