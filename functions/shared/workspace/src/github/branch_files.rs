//! Files of branches that belong to no run: read and committed without a working copy.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;
use loom_domain::time::Timestamp;
use loom_github::{GithubError, Mode, NewCommit, NewEntry, Person, Repository};
use loom_platform::{Clock, Platform, Statements};
use serde::{Deserialize, Serialize};

use super::{
    Done, build,
    error::{self, Result, database},
    journal,
    mode::is_regular,
    space::head_of,
    tree,
    view::MAX_FILE,
};
use crate::{BranchFile, Call, FileChange, FileContent, Operation, Outcome, WorkspaceError, path};

/// How many commits are looked through for a line of a message.
const RECENT: usize = 200;
const MOST_PATHS: usize = 2000;
const MOST_READ: usize = 16 * 1024 * 1024;
const MOST_WRITTEN: usize = 24 * 1024 * 1024;
/// How many files are fetched at the same time.
const AT_ONCE: usize = 8;
/// How long a commit can be repeated, in milliseconds. No run ends here, after which all is forgotten.
const KEEP_MS: i64 = 30 * 24 * 3600 * 1000;

/// A commit that exists, perhaps without any branch that leads to it.
#[derive(Serialize, Deserialize)]
struct Plan {
    commit: String,
    tree: String,
}

/// Performs an operation on the files of a branch; none when it is another one.
pub(super) async fn perform<P: Platform>(
    platform: &P,
    repository: &Repository<P>,
    call: &Call,
    begun_at: i64,
    plan: &Option<String>,
) -> Option<Result<Done>> {
    let outcome = match &call.operation {
        Operation::ListFiles {
            branch,
            prefix,
            trailers,
        } => list(platform, repository, branch, prefix, trailers).await,
        Operation::ReadFiles { commit, paths } => read(platform, repository, commit, paths).await,
        Operation::CommitFiles { .. } => {
            let plan = plan.as_deref();
            commit(platform, repository, call, begun_at, plan).await
        }
        _ => return None,
    };
    Some(outcome.map(Done::New))
}

async fn list<P: Platform>(
    platform: &P,
    repository: &Repository<P>,
    branch: &str,
    prefix: &str,
    trailers: &[String],
) -> Result<Outcome> {
    let prefix = path::normalize(prefix)?;
    let Some(head) = head_of(repository, &format!("heads/{branch}")).await? else {
        return Ok(Outcome::Listed {
            head: None,
            files: Vec::new(),
            landed: Vec::new(),
        });
    };
    let commit = repository.get_commit(&head).await.map_err(error::github)?;
    let files = files(platform, repository, &commit.tree, &prefix).await?;
    let mut landed = Vec::new();
    if !trailers.is_empty() {
        let log = repository
            .list_commits(&head, None, RECENT)
            .await
            .map_err(error::github)?;
        let lines: BTreeSet<&str> = log
            .items
            .iter()
            .flat_map(|commit| commit.message.lines())
            .collect();
        let is_there = |line: &&String| lines.contains(line.as_str());
        landed.extend(trailers.iter().filter(is_there).cloned());
    }
    Ok(Outcome::Listed {
        head: Some(head),
        files,
        landed,
    })
}

/// The regular files of a tree below a directory.
async fn files<P: Platform>(
    platform: &P,
    repository: &Repository<P>,
    root: &str,
    prefix: &str,
) -> Result<Vec<BranchFile>> {
    let items = tree::below(platform, repository, root, prefix).await?;
    Ok(items
        .into_iter()
        .filter(|(_, item)| is_regular(item.mode))
        .map(|(path, item)| BranchFile {
            path,
            blob: item.sha,
            bytes: item.size,
        })
        .collect())
}

async fn read<P: Platform>(
    platform: &P,
    repository: &Repository<P>,
    commit: &str,
    paths: &[String],
) -> Result<Outcome> {
    let missing = || {
        WorkspaceError::refused(
            "commit_not_found",
            format!("there is no commit {commit}; list the branch again"),
        )
    };
    if !(40..=64).contains(&commit.len()) || !commit.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(missing());
    }
    if paths.len() > MOST_PATHS {
        return Err(too_much());
    }
    let found = match repository.get_commit(commit).await {
        Err(error) if error.is_not_found() => return Err(missing()),
        other => other.map_err(error::github)?,
    };
    let items = tree::below(platform, repository, &found.tree, "").await?;
    let mut wanted = Vec::new();
    let mut total = 0;
    for path in paths {
        let normal = path::normalize_file(path)?;
        let item = items.get(&normal).filter(|item| is_regular(item.mode));
        total += item.map_or(0, |item| usize::try_from(item.size).unwrap_or(usize::MAX));
        if total > MOST_READ {
            return Err(too_much());
        }
        wanted.push((path, item));
    }
    let mut files = Vec::new();
    for group in wanted.chunks(AT_ONCE) {
        let contents = join_all(group.iter().map(|(_, item)| async move {
            match item {
                Some(item) => repository.get_blob(&item.sha).await.map(Some),
                None => Ok(None),
            }
        }))
        .await;
        for ((path, _), content) in group.iter().zip(contents) {
            let content = content.map_err(error::github)?;
            files.push(FileContent {
                path: (*path).clone(),
                content: content.and_then(|bytes| String::from_utf8(bytes.to_vec()).ok()),
            });
        }
    }
    Ok(Outcome::Contents { files })
}

fn too_much() -> WorkspaceError {
    WorkspaceError::refused(
        "too_much",
        format!(
            "at most {MOST_PATHS} files of together {MOST_READ} bytes are read at once; ask for fewer"
        ),
    )
}

async fn commit<P: Platform>(
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
    let size: usize = changes
        .iter()
        .map(|change| change.content.as_ref().map_or(0, String::len))
        .sum();
    let is_large = |change: &FileChange| {
        let content = change.content.as_ref();
        content.is_some_and(|content| content.len() > MAX_FILE * 16)
    };
    if size > MOST_WRITTEN || changes.iter().any(is_large) {
        return Err(WorkspaceError::refused(
            "commit_too_large",
            format!("the files have {size} bytes; at most {MOST_WRITTEN} are committed at once"),
        ));
    }
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
    let changed: BTreeSet<&str> = changes.iter().map(|change| change.path.as_str()).collect();
    let mut files = files(platform, repository, tree, "").await?;
    files.retain(|file| changed.contains(file.path.as_str()));
    Ok(Outcome::FilesCommitted { commit, files })
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
