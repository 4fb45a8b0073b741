//! Operations that look at changes and commits.

use std::collections::BTreeSet;

use loom_platform::Platform;

use super::{
    diff,
    error::{self, Result},
    overlay::Now,
    tree,
    view::{File, Source, View},
};
use crate::{Outcome, excerpt};

/// What is not committed yet, as `git status --short` prints it.
pub(super) fn status<P: Platform>(view: &View<'_, P>) -> Outcome {
    let lines: String = view
        .changes
        .iter()
        .map(|(path, change)| {
            let sign = match (&change.now, &change.base_blob) {
                (Now::Deleted, _) => " D",
                (_, Some(_)) => " M",
                (_, None) => "??",
            };
            format!("{sign} {path}\n")
        })
        .collect();
    excerpt::answer(&lines)
}

/// What the run's branch and its changes make of the base branch.
pub(super) async fn diff<P: Platform>(view: &View<'_, P>) -> Result<Outcome> {
    // While the base branch is being merged, what it brings is nothing that the run changes.
    let base = view
        .space
        .merging
        .as_ref()
        .unwrap_or(&view.space.base_commit);
    let base = view
        .repository
        .get_commit(base)
        .await
        .map_err(error::github)?;
    let before = tree::below(view.platform, view.repository, &base.tree, "").await?;
    let after = view.files("").await?;
    let paths: BTreeSet<&String> = before
        .iter()
        .filter(|(_, item)| item.mode != loom_github::Mode::Directory)
        .map(|(path, _)| path)
        .chain(after.keys())
        .collect();
    let mut whole = String::new();
    for path in paths {
        let old = before.get(path).map(|item| File {
            mode: item.mode,
            size: item.size,
            source: Source::Blob(item.sha.clone()),
        });
        let new = after.get(path);
        let is_same = match (&old, new) {
            (Some(old), Some(new)) => old.mode == new.mode && old.source == new.source,
            _ => false,
        };
        if is_same {
            continue;
        }
        whole.push_str(&diff::of_file(view, path, old.as_ref(), new, 3).await?);
        if whole.len() > excerpt::MAX_TEXT {
            break;
        }
    }
    Ok(excerpt::answer(&whole))
}

/// The latest commits of the branch, a line for each: short id, date, author, subject.
pub(super) async fn log<P: Platform>(view: &View<'_, P>, limit: u32) -> Result<Outcome> {
    let listed = view
        .repository
        .list_commits(&view.space.head, None, excerpt::commits(limit))
        .await
        .map_err(error::github)?;
    let lines: String = listed
        .items
        .iter()
        .map(|commit| {
            let date = commit.author.date.to_rfc3339().replace(".000Z", "Z");
            let id = commit.sha.get(..7).unwrap_or(&commit.sha);
            let subject = commit.message.lines().next().unwrap_or_default();
            format!("{id} {date} {}: {subject}\n", commit.author.name)
        })
        .collect();
    Ok(excerpt::answer(&lines))
}
