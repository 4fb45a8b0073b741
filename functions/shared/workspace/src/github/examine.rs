//! What must not be committed.

use loom_platform::Platform;

use super::{
    Task, diff,
    error::Result,
    listed,
    overlay::Now,
    text::has_markers,
    view::{At, File, Source},
};
use crate::{WorkspaceError, secret};

/// The most that may be changed and not committed, as the size of the files, in bytes.
pub(super) const MOST_CONTENT: u64 = 32 * 1024 * 1024;

/// Refuses a commit of nothing, of secrets, and of conflicts that are not resolved.
pub(super) async fn examine<P: Platform>(task: &Task<'_, P>) -> Result<()> {
    if task.changes.is_empty() && task.space.merging.is_none() {
        return Err(WorkspaceError::refused(
            "nothing_to_commit",
            "nothing has changed since the last commit",
        ));
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
    if findings.is_empty() {
        return Ok(());
    }
    let lines: Vec<String> = findings
        .iter()
        .map(|found| format!("{}:{} ({})", found.path, found.line, found.what))
        .collect();
    Err(WorkspaceError::refused(
        "secret_found",
        format!(
            "nothing was committed, because these lines look like secrets: {}; read them from the environment or a \
             file that is not committed",
            lines.join(", ")
        ),
    )
    .with("findings", serde_json::to_value(&findings).unwrap_or_default()))
}

/// Conflicts must be resolved first.
async fn no_conflict_markers<P: Platform>(task: &Task<'_, P>) -> Result<()> {
    let view = task.view();
    let mut marked = Vec::new();
    for path in &task.space.conflicts {
        if let At::File(file) = view.at(path).await?
            && has_markers(&String::from_utf8_lossy(&view.bytes(path, &file).await?))
        {
            marked.push(path.clone());
        }
    }
    if marked.is_empty() {
        return Ok(());
    }
    Err(WorkspaceError::refused(
        "conflict_markers",
        format!(
            "there are still conflict markers (<<<<<<< ======= >>>>>>>) in {}; resolve them first",
            listed(&marked)
        ),
    )
    .with("files", marked))
}
