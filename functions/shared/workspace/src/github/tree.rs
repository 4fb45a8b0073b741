//! Trees of any size.

use std::collections::BTreeMap;

use loom_github::{Mode, Repository};
use loom_platform::{KeyValue, Platform};

use super::error::{self, Result};
use crate::WorkspaceError;

/// How many trees one look into a very large repository may read.
const MOST_TREES: usize = 300;
/// From this many entries on, the whole tree is not read for the sake of one file: it would not fit into the cache, and
/// the directories on the way to the file do.
const LARGE: usize = 3_000;

/// What lies at a path in a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Item {
    pub(super) mode: Mode,
    pub(super) sha: String,
    /// In bytes; 0 for what is no blob.
    pub(super) size: u64,
}

pub(super) type Items = BTreeMap<String, Item>;

/// Everything below `directory` (all of it when that is empty), by whole path, and whether nothing is missing.
///
/// GitHub cuts a recursive tree at 100,000 entries; then its directories are read one by one, those that lead to
/// `directory` and those in it, the latter only down to `depth` levels below it.
pub(super) async fn list<P: Platform>(
    platform: &P,
    repository: &Repository<P>,
    root: &str,
    directory: &str,
    depth: usize,
) -> Result<(Items, bool)> {
    let mut items = Items::new();
    let mut pending = vec![(String::new(), root.to_owned())];
    if !directory.is_empty() && is_large(platform, root).await {
        match walk(repository, root, directory).await? {
            Some(item) if item.mode == Mode::Directory => {
                pending = vec![(directory.to_owned(), item.sha)];
            }
            found => {
                items.extend(found.map(|item| (directory.to_owned(), item)));
                return Ok((items, true));
            }
        }
    }
    let mut read = 0;
    while let Some((prefix, sha)) = pending.pop() {
        read += 1;
        if read > MOST_TREES {
            return Ok((items, false));
        }
        let whole = repository
            .get_tree(&sha, true)
            .await
            .map_err(error::github)?;
        let (tree, is_cut) = if whole.truncated {
            let shallow = repository
                .get_tree(&sha, false)
                .await
                .map_err(error::github)?;
            (shallow, true)
        } else {
            if prefix.is_empty() && whole.entries.len() > LARGE {
                note_large(platform, root).await;
            }
            (whole, false)
        };
        for entry in tree.entries {
            let path = joined(&prefix, &entry.path);
            let is_inside = is_below(&path, directory) && level(&path, directory) < depth;
            let leads_on = is_inside || is_below(directory, &path);
            if is_cut && entry.mode == Mode::Directory && leads_on {
                pending.push((path.clone(), entry.sha.clone()));
            }
            if is_below(&path, directory) {
                items.insert(
                    path,
                    Item {
                        mode: entry.mode,
                        sha: entry.sha,
                        size: entry.size.unwrap_or_default(),
                    },
                );
            }
        }
    }
    Ok((items, true))
}

/// The same, of all levels and complete, or refused.
pub(super) async fn below<P: Platform>(
    platform: &P,
    repository: &Repository<P>,
    root: &str,
    directory: &str,
) -> Result<Items> {
    match list(platform, repository, root, directory, usize::MAX).await? {
        (items, true) => Ok(items),
        (_, false) => Err(too_large(directory)),
    }
}

/// How many levels `path` is below `directory`, from 1.
pub(super) fn level(path: &str, directory: &str) -> usize {
    let rest = path.strip_prefix(directory).unwrap_or(path);
    rest.split('/').filter(|part| !part.is_empty()).count()
}

/// What lies at `path`.
pub(super) async fn at<P: Platform>(
    platform: &P,
    repository: &Repository<P>,
    root: &str,
    path: &str,
) -> Result<Option<Item>> {
    if !is_large(platform, root).await {
        let tree = repository
            .get_tree(root, true)
            .await
            .map_err(error::github)?;
        if tree.truncated || tree.entries.len() > LARGE {
            note_large(platform, root).await;
        }
        if !tree.truncated {
            let found = tree.entries.into_iter().find(|entry| entry.path == path);
            return Ok(found.map(|entry| Item {
                mode: entry.mode,
                sha: entry.sha,
                size: entry.size.unwrap_or_default(),
            }));
        }
    }
    walk(repository, root, path).await
}

/// Whether a tree was found to be large before. A note that is lost costs a request.
async fn is_large<P: Platform>(platform: &P, root: &str) -> bool {
    let noted = platform.key_value().get(&large_key(root)).await;
    matches!(noted, Ok(Some(_)))
}

async fn note_large<P: Platform>(platform: &P, root: &str) {
    platform.key_value().set(&large_key(root), b"1").await.ok();
}

fn large_key(root: &str) -> String {
    format!("workspace/large-tree/{root}")
}

/// Directory by directory.
async fn walk<P: Platform>(
    repository: &Repository<P>,
    root: &str,
    path: &str,
) -> Result<Option<Item>> {
    let mut found = Item {
        mode: Mode::Directory,
        sha: root.to_owned(),
        size: 0,
    };
    for part in path.split('/') {
        if found.mode != Mode::Directory {
            return Ok(None);
        }
        let tree = repository
            .get_tree(&found.sha, false)
            .await
            .map_err(error::github)?;
        let Some(entry) = tree.entries.into_iter().find(|entry| entry.path == part) else {
            return Ok(None);
        };
        found = Item {
            mode: entry.mode,
            sha: entry.sha,
            size: entry.size.unwrap_or_default(),
        };
    }
    Ok(Some(found))
}

/// Whether `path` is `top` or something in it.
pub(super) fn is_below(path: &str, top: &str) -> bool {
    top.is_empty()
        || path
            .strip_prefix(top)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn joined(prefix: &str, path: &str) -> String {
    if prefix.is_empty() {
        path.to_owned()
    } else {
        format!("{prefix}/{path}")
    }
}

fn too_large(directory: &str) -> WorkspaceError {
    let place = if directory.is_empty() {
        "the repository"
    } else {
        directory
    };
    WorkspaceError::refused(
        "tree_too_large",
        format!(
            "{place} has more directories than can be looked through at once ({MOST_TREES}); name a directory further \
             down"
        ),
    )
}
