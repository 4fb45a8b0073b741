//! What must not be committed.

use loom_platform::Platform;

use super::{
    Task, diff,
    error::Result,
    overlay::Now,
    view::{At, File, Source},
};
use crate::{WorkspaceError, conflict, secret};

/// The most that may be changed and not committed, as the size of the files, in bytes.
pub(super) const MOST_CONTENT: u64 = 32 * 1024 * 1024;

/// Refuses a commit of nothing, of secrets, and of conflicts that are not resolved.
pub(super) async fn examine<P: Platform>(task: &Task<'_, P>) -> Result<()> {
    if task.changes.is_empty() && task.space.merging.is_none() {
        return Err(WorkspaceError::nothing_to_commit());
    }
    no_secrets(task).await?;
    no_conflict_markers(task).await
}

async fn no_secrets<P: Platform>(task: &Task<'_, P>) -> Result<()> {
    let view = task.view();
    let mut findings = Vec::new();
    for (path, change) in &task.changes {
        // What was merged was examined when it was committed first.
        let is_known = task.space.merging.is_some() && matches!(change.now, Now::Blob(_));
        if is_known || change.now == Now::Deleted {
            continue;
        }
        let At::File(new) = view.at(path).await? else {
            continue;
        };
        let old = change.base_blob.clone().map(|sha| File {
            mode: change.mode,
            size: 0,
            source: Source::Blob(sha),
        });
        let mut diff = diff::of_file(&view, path, old.as_ref(), Some(&new), 0).await?;
        if diff::is_opaque(&diff) {
            // Text in the place of a binary file is new text.
            diff = diff::of_file(&view, path, None, Some(&new), 0).await?;
        }
        findings.extend(secret::in_diff(&diff));
    }
    secret::refuse(&findings)
}

/// Conflicts must be resolved first.
async fn no_conflict_markers<P: Platform>(task: &Task<'_, P>) -> Result<()> {
    let view = task.view();
    let mut marked = Vec::new();
    for path in &task.space.conflicts {
        if let At::File(file) = view.at(path).await?
            && conflict::has_markers(&String::from_utf8_lossy(&view.bytes(path, &file).await?))
        {
            marked.push(path.clone());
        }
    }
    conflict::refuse(marked)
}
