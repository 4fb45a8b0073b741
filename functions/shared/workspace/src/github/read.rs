//! Operations that look at files.

use std::collections::BTreeMap;

use loom_github::Mode;
use loom_platform::Platform;

use super::{
    error::Result,
    overlay::Now,
    tree::{self, is_below, level},
    view::{At, View},
};
use crate::{EntryKind, Outcome, TreeEntry, file, path, search};

/// Some lines of a text file.
pub(super) async fn lines<P: Platform>(
    view: &View<'_, P>,
    path: &str,
    first: Option<u32>,
    last: Option<u32>,
) -> Result<Outcome> {
    let path = path::normalize_file(path)?;
    let text = view.text(&path).await?;
    file::lines(path, &text, first, last)
}

/// The project's own instructions to agents.
pub(super) async fn instructions<P: Platform>(view: &View<'_, P>) -> Result<Outcome> {
    let text = match view.text("AGENTS.md").await {
        Err(error) if error.code == "file_not_found" => String::new(),
        other => other?,
    };
    Ok(Outcome::Text {
        text,
        truncated: false,
    })
}

/// Files and directories below a directory.
pub(super) async fn tree<P: Platform>(
    view: &View<'_, P>,
    path: &str,
    depth: u32,
    limit: u32,
) -> Result<Outcome> {
    let path = path::normalize(path)?;
    let depth = search::depth(depth);
    let limit = search::entries(limit);
    if view.at(&path).await? == At::Nothing {
        return Err(file::missing(&path));
    }
    let (items, complete) = tree::list(
        view.platform,
        view.repository,
        &view.space.tree,
        &path,
        depth,
    )
    .await?;
    let mut found: BTreeMap<Vec<&str>, TreeEntry> = BTreeMap::new();
    let is_deleted = |path: &str| {
        let change = view.changes.get(path);
        change.is_some_and(|change| change.now == Now::Deleted)
    };
    let is_looked_into = |directory: &str| {
        let prefix = format!("{directory}/");
        let next = items.range(prefix.clone()..).next();
        next.is_some_and(|(path, _)| path.starts_with(&prefix))
    };
    for (file, item) in &items {
        // Directories are there by what is in them; one that was not looked into is there all the same.
        let is_leaf = item.mode != Mode::Directory || !is_looked_into(file);
        if is_leaf && !is_deleted(file) {
            add(&mut found, &path, file, depth, kind(item.mode), item.size);
        }
    }
    for (file, change) in view
        .changes
        .iter()
        .filter(|(file, _)| is_below(file, &path))
    {
        let bytes = match &change.now {
            Now::Deleted => continue,
            Now::Content(bytes) => *bytes,
            Now::Blob(_) => 0,
        };
        add(&mut found, &path, file, depth, kind(change.mode), bytes);
    }
    let truncated = !complete || found.len() > limit;
    Ok(Outcome::Tree {
        entries: found.into_values().take(limit).collect(),
        truncated,
    })
}

/// Adds a file and the directories that it lies in, as deep as is listed. Sorted by the parts of their paths, what is
/// in a directory follows it.
fn add<'p>(
    found: &mut BTreeMap<Vec<&'p str>, TreeEntry>,
    top: &str,
    file: &'p str,
    depth: usize,
    kind: EntryKind,
    bytes: u64,
) {
    let ends = file
        .match_indices('/')
        .map(|(end, _)| end)
        .chain([file.len()]);
    for end in ends {
        let path = file.get(..end).unwrap_or_default();
        let is_listed = path != top && is_below(path, top) && level(path, top) <= depth;
        if !is_listed {
            continue;
        }
        let is_file = end == file.len();
        found
            .entry(path.split('/').collect())
            .or_insert_with(|| TreeEntry {
                path: path.to_owned(),
                kind: if is_file { kind } else { EntryKind::Directory },
                bytes: if is_file { bytes } else { 0 },
            });
    }
}

fn kind(mode: Mode) -> EntryKind {
    match mode {
        Mode::File | Mode::Executable => EntryKind::File,
        Mode::Link => EntryKind::Symlink,
        Mode::Directory | Mode::Submodule => EntryKind::Directory,
    }
}
