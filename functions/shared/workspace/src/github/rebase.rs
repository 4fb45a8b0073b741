//! A run's changes on top of what others have done meanwhile.

use std::collections::BTreeMap;

use loom_github::Mode;
use loom_platform::{Platform, Transaction};

use super::{
    Done, Task,
    error::{self, Result, database},
    journal,
    mode::is_regular,
    overlay::{self, Entry, Now, Put},
    text,
    tree::{self, Item, Items},
    view::View,
};
use crate::{WorkspaceError, excerpt, file::MAX_FILE};

/// A file as one side has it.
#[derive(Debug, Clone)]
pub(super) struct Ours {
    pub(super) mode: Mode,
    pub(super) content: Put,
}

/// Both sides' changes on top of the others' tree.
#[derive(Debug, Default)]
pub(super) struct Rebased {
    pub(super) entries: Vec<Entry>,
    /// The files that both sides have changed in ways that exclude each other.
    pub(super) conflicts: Vec<String>,
}

/// Goes on from `head`, to which somebody has moved the branch: the changes are put on top of it. The answer, when that
/// leaves conflicts.
pub(super) async fn follow<P: Platform>(
    task: &mut Task<'_, P>,
    head: String,
) -> Result<Option<Done>> {
    let tree = task
        .repository
        .get_commit(&head)
        .await
        .map_err(error::github)?
        .tree;
    let rebased = match task.space.merging {
        // What was merged into the old head means nothing on the new one.
        Some(_) => Rebased {
            conflicts: task.changes.keys().cloned().collect(),
            ..Rebased::default()
        },
        None => {
            let view = task.view();
            let ours = ours(&view).await?;
            onto(&view, ours, &task.space.tree, &tree).await?
        }
    };
    let mut space = task.space.clone();
    let was_merging = space.merging.take().is_some();
    (space.head, space.tree, space.is_published) = (head, tree, true);
    space.conflicts.clone_from(&rebased.conflicts);
    if was_merging {
        space.conflicts.clear();
    }
    let answer = match rebased.conflicts.as_slice() {
        [] => None,
        files => Some(Err(conflict(files, was_merging))),
    };
    let run = &task.call.run.id;
    let transaction = journal::guarded(task.platform, task.call).await?;
    overlay::clear(&transaction, run).await?;
    for entry in rebased.entries {
        overlay::put(&transaction, run, entry).await?;
    }
    space.save(&transaction, run).await?;
    journal::unplan(&transaction, task.call).await?;
    if let Some(answer) = &answer {
        journal::answer(&transaction, task.call, answer).await?;
    }
    transaction.commit().await.map_err(database)?;
    task.changes = overlay::load(task.platform.database(), run).await?;
    task.space = space;
    Ok(answer.map(Done::Recorded))
}

fn conflict(files: &[String], was_merging: bool) -> WorkspaceError {
    let message = if was_merging {
        format!(
            "nothing was committed: somebody else has pushed to the branch while the base branch was being merged into \
             it, so that begins anew, without what was resolved in {}; merge again",
            excerpt::paths(files)
        )
    } else {
        format!(
            "nothing was committed: somebody else has pushed to the branch and changed the same lines of {}. Your \
             changes now lie on top of that; where both versions are text they stand between <<<<<<< and >>>>>>>, \
             elsewhere yours is there, unless you had deleted the file. Look at these files, edit them, and commit \
             again",
            excerpt::paths(files)
        )
    };
    WorkspaceError::refused("conflict", message).with("files", files.to_vec())
}

/// What the run has changed.
async fn ours<P: Platform>(view: &View<'_, P>) -> Result<BTreeMap<String, Ours>> {
    let mut ours = BTreeMap::new();
    for (path, change) in view.changes {
        let content = match &change.now {
            Now::Deleted => Put::Deleted,
            Now::Blob(sha) => Put::Blob(sha.clone()),
            Now::Content(_) => {
                let content = overlay::content(view.platform.database(), view.run, path).await?;
                Put::Content(content.unwrap_or_default())
            }
        };
        let mode = change.mode;
        ours.insert(path.clone(), Ours { mode, content });
    }
    Ok(ours)
}

/// Puts `ours`, which was changed on top of the tree `base`, on top of the tree `theirs`.
pub(super) async fn onto<P: Platform>(
    view: &View<'_, P>,
    ours: BTreeMap<String, Ours>,
    base: &str,
    theirs: &str,
) -> Result<Rebased> {
    let base = tree::below(view.platform, view.repository, base, "").await?;
    let theirs = tree::below(view.platform, view.repository, theirs, "").await?;
    let mut rebased = Rebased::default();
    for (path, ours) in ours {
        let blob = |items: &Items| {
            let item = items.get(&path).cloned();
            item.filter(|item| item.mode != Mode::Directory)
        };
        let side = Sides {
            base: blob(&base),
            theirs: blob(&theirs),
            ours,
        };
        // A file where they have a directory, or below what they made a file.
        let is_blocked = theirs
            .get(&path)
            .is_some_and(|item| item.mode == Mode::Directory)
            || path.match_indices('/').any(|(end, _)| {
                let parent = theirs.get(path.get(..end).unwrap_or_default());
                parent.is_some_and(|item| item.mode != Mode::Directory)
            });
        let (content, is_conflict) = if is_blocked {
            (None, !matches!(side.ours.content, Put::Deleted))
        } else {
            resolve(view, &side).await?
        };
        if is_conflict {
            rebased.conflicts.push(path.clone());
        }
        if let Some((mode, content)) = content {
            rebased.entries.push(Entry {
                path,
                mode,
                content,
                base_blob: side.theirs.map(|item| item.sha),
            });
        }
    }
    Ok(rebased)
}

/// One file in its three versions.
struct Sides {
    base: Option<Item>,
    theirs: Option<Item>,
    ours: Ours,
}

type Kept = Option<(Mode, Put)>;

/// What becomes of a file: how it differs from theirs, if at all, and whether that is a conflict.
async fn resolve<P: Platform>(view: &View<'_, P>, sides: &Sides) -> Result<(Kept, bool)> {
    let Sides { base, theirs, ours } = sides;
    let same = |a: &Option<Item>, b: &Option<Item>| match (a, b) {
        (Some(a), Some(b)) => a.sha == b.sha && a.mode == b.mode,
        (None, None) => true,
        _ => false,
    };
    let kept = Some((ours.mode, ours.content.clone()));
    if same(base, theirs) {
        let is_nothing = matches!(ours.content, Put::Deleted) && theirs.is_none();
        return Ok((kept.filter(|_| !is_nothing), false));
    }
    let Some(theirs) = theirs else {
        // They deleted it.
        let is_gone = matches!(ours.content, Put::Deleted);
        return Ok((kept.filter(|_| !is_gone), !is_gone));
    };
    let mine = match &ours.content {
        Put::Deleted => return Ok((None, true)),
        Put::Blob(sha) if *sha == theirs.sha && ours.mode == theirs.mode => {
            return Ok((None, false));
        }
        Put::Blob(sha) => text_of(view, ours.mode, sha).await?,
        Put::Content(bytes) => String::from_utf8(bytes.clone()).ok(),
    };
    let old = match base {
        Some(base) => text_of(view, base.mode, &base.sha).await?,
        None => Some(String::new()),
    };
    let other = text_of(view, theirs.mode, &theirs.sha).await?;
    let (Some(mine), Some(old), Some(other)) = (mine, old, other) else {
        return Ok((kept, true));
    };
    let mode = match base {
        Some(base) if base.mode == ours.mode => theirs.mode,
        _ => ours.mode,
    };
    Ok(match text::merge(&old, &mine, &other) {
        Some(Ok(merged)) if merged == other && mode == theirs.mode => (None, false),
        Some(Ok(merged)) if merged.len() <= MAX_FILE => {
            (Some((mode, Put::Content(merged.into_bytes()))), false)
        }
        Some(Err(marked)) if marked.len() <= MAX_FILE => {
            (Some((mode, Put::Content(marked.into_bytes()))), true)
        }
        _ => (kept, true),
    })
}

/// The content of a blob that has lines and can be merged.
async fn text_of<P: Platform>(view: &View<'_, P>, mode: Mode, sha: &str) -> Result<Option<String>> {
    if !is_regular(mode) {
        return Ok(None);
    }
    let bytes = match view.blob(sha).await {
        Err(error) if error.code == "github_too_large" => return Ok(None),
        other => other?,
    };
    let is_text = bytes.len() <= MAX_FILE && !bytes.contains(&0);
    Ok(is_text.then(|| String::from_utf8(bytes).ok()).flatten())
}
