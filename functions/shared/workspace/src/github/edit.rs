//! Operations that change files.

use loom_github::Mode;
use loom_platform::{Platform, Transaction};

use super::{
    Done, Task,
    error::{Result, database},
    examine::MOST_CONTENT,
    journal,
    mode::is_regular,
    overlay::{self, Entry, Put},
    tree::Item,
    view::{At, Source},
};
use crate::{
    Outcome, WorkspaceError, edit as matching,
    file::{MAX_FILE, exists, link, not_a_file, too_large},
    path,
};

pub(super) async fn edit<P: Platform>(
    task: &Task<'_, P>,
    path: &str,
    old: &str,
    new: &str,
) -> Result<Done> {
    let path = path::normalize_file(path)?;
    let view = task.view();
    let mode = match view.file(&path).await?.mode {
        Mode::Link => return Err(link(&path)),
        mode if is_regular(mode) => mode,
        _ => return Err(not_a_file(&path)),
    };
    let before = view.text(&path).await?;
    let edit = matching::apply(&before, old, new).map_err(|problem| problem.refusal(&path))?;
    let outcome = Outcome::Edited {
        path: path.clone(),
        matched_by: edit.matched_by,
        first_line: edit.first_line,
        last_line: edit.last_line,
    };
    put(task, path, mode, edit.content.into_bytes(), outcome).await
}

pub(super) async fn write<P: Platform>(
    task: &Task<'_, P>,
    path: &str,
    content: &str,
) -> Result<Done> {
    let path = path::normalize_file(path)?;
    let view = task.view();
    view.check_parents(&path).await?;
    let (created, mode) = match view.at(&path).await? {
        At::Nothing => (true, Mode::File),
        At::File(file) if file.mode == Mode::Link => return Err(link(&path)),
        At::File(file) if is_regular(file.mode) => (false, file.mode),
        At::File(_) | At::Directory => return Err(not_a_file(&path)),
    };
    let outcome = Outcome::Written {
        path: path.clone(),
        created,
        bytes: content.len() as u64,
    };
    put(task, path, mode, content.as_bytes().to_vec(), outcome).await
}

pub(super) async fn delete<P: Platform>(task: &Task<'_, P>, path: &str) -> Result<Done> {
    let path = path::normalize_file(path)?;
    let view = task.view();
    let mode = view.file(&path).await?.mode;
    let base = view.base_item(&path).await?;
    let outcome = Outcome::Deleted { path: path.clone() };
    note(task, vec![deleted(path, mode, base)], outcome).await
}

pub(super) async fn rename<P: Platform>(task: &Task<'_, P>, from: &str, to: &str) -> Result<Done> {
    let (from, to) = (path::normalize_file(from)?, path::normalize_file(to)?);
    let view = task.view();
    let file = view.file(&from).await?;
    view.check_parents(&to).await?;
    if view.at(&to).await? != At::Nothing {
        return Err(exists(&to));
    }
    let content = match &file.source {
        Source::Blob(sha) => Put::Blob(sha.clone()),
        Source::Overlay => Put::Content(view.bytes(&from, &file).await?),
    };
    let old = deleted(from.clone(), file.mode, view.base_item(&from).await?);
    let new = Changed {
        base: view.base_item(&to).await?,
        path: to.clone(),
        mode: file.mode,
        content,
    };
    note(task, vec![old, new], Outcome::Moved { from, to }).await
}

/// A file as it is to be from now on, and what lies at its path in the tree.
struct Changed {
    path: String,
    mode: Mode,
    content: Put,
    base: Option<Item>,
}

fn deleted(path: String, mode: Mode, base: Option<Item>) -> Changed {
    Changed {
        path,
        mode,
        content: Put::Deleted,
        base,
    }
}

async fn put<P: Platform>(
    task: &Task<'_, P>,
    path: String,
    mode: Mode,
    content: Vec<u8>,
    outcome: Outcome,
) -> Result<Done> {
    if content.len() > MAX_FILE {
        return Err(too_large(&path));
    }
    let others = task.changes.iter().filter(|(other, _)| **other != path);
    let total: u64 = others.map(|(_, change)| change.now.bytes()).sum();
    if total + content.len() as u64 > MOST_CONTENT {
        return Err(WorkspaceError::refused(
            "too_many_changes",
            format!(
                "what is not committed yet would be larger than {MOST_CONTENT} bytes; commit first"
            ),
        ));
    }
    let view = task.view();
    let base = view.base_item(&path).await?;
    let mut content = Put::Content(content);
    // What is again as it was is no change.
    if let (Some(base), Put::Content(bytes)) = (&base, &content)
        && base.size == bytes.len() as u64
        && base.mode == mode
        && view.blob(&base.sha).await? == *bytes
    {
        content = Put::Blob(base.sha.clone());
    }
    let changed = Changed {
        path,
        mode,
        content,
        base,
    };
    note(task, vec![changed], outcome).await
}

/// Notes the changes and the answer, at once.
async fn note<P: Platform>(
    task: &Task<'_, P>,
    changes: Vec<Changed>,
    outcome: Outcome,
) -> Result<Done> {
    let run = &task.call.run.id;
    let transaction = journal::guarded(task.platform, task.call).await?;
    for change in changes {
        let base = change.base.filter(|base| base.mode != Mode::Directory);
        let is_as_before = match (&change.content, &base) {
            (Put::Deleted, None) => true,
            (Put::Blob(sha), Some(base)) => *sha == base.sha && change.mode == base.mode,
            _ => false,
        };
        if is_as_before {
            overlay::forget(&transaction, run, &change.path).await?;
            continue;
        }
        let entry = Entry {
            path: change.path,
            mode: change.mode,
            content: change.content,
            base_blob: base.map(|base| base.sha),
        };
        overlay::put(&transaction, run, entry).await?;
    }
    let answer = Ok(outcome);
    journal::answer(&transaction, task.call, &answer).await?;
    transaction.commit().await.map_err(database)?;
    Ok(Done::Recorded(answer))
}
