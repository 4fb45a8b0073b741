use std::collections::BTreeMap;

use loom_workspace::file::{MAX_FILE, too_large};
use loom_workspace::{Outcome, WorkspaceError, edit as matching, path};
use serde::{Deserialize, Serialize};

use super::Task;
use crate::error::Result;
use crate::files::digest;
use crate::journal::Answer;

/// What an operation on files is about to bring about, noted before it does. When the service dies before the answer
/// is noted, this is how the repeated call sees that the work is done.
#[derive(Serialize, Deserialize)]
struct Plan {
    outcome: Outcome,
    /// By path: the SHA-256 of the file afterwards, or none when there will be no file.
    after: BTreeMap<String, Option<String>>,
}

pub(super) fn edit(task: &Task<'_>, path: &str, old: &str, new: &str) -> Answer {
    if let Some(outcome) = done_before(task)? {
        return Ok(outcome);
    }
    let path = path::normalize_file(path)?;
    let before = task.space.files()?.text(&path)?;
    let edit = matching::apply(&before, old, new).map_err(|problem| problem.refusal(&path))?;
    let outcome = Outcome::Edited {
        path: path.clone(),
        matched_by: edit.matched_by,
        first_line: edit.first_line,
        last_line: edit.last_line,
    };
    put(task, path, &edit.content, outcome)
}

pub(super) fn write(task: &Task<'_>, path: &str, content: &str) -> Answer {
    if let Some(outcome) = done_before(task)? {
        return Ok(outcome);
    }
    let path = path::normalize_file(path)?;
    // Not yet there when its directory is not.
    let created = match task.space.files()?.exists(&path) {
        Ok(exists) => !exists,
        Err(error) if error.code == "file_not_found" => true,
        Err(error) => return Err(error),
    };
    let outcome = Outcome::Written {
        path: path.clone(),
        created,
        bytes: content.len() as u64,
    };
    put(task, path, content, outcome)
}

pub(super) fn delete(task: &Task<'_>, path: &str) -> Answer {
    if let Some(outcome) = done_before(task)? {
        return Ok(outcome);
    }
    let path = path::normalize_file(path)?;
    let outcome = Outcome::Deleted { path: path.clone() };
    plan(task, outcome.clone(), [(path.clone(), None)])?;
    task.space.files()?.remove(&path)?;
    Ok(outcome)
}

pub(super) fn rename(task: &Task<'_>, from: &str, to: &str) -> Answer {
    if let Some(outcome) = done_before(task)? {
        return Ok(outcome);
    }
    let (from, to) = (path::normalize_file(from)?, path::normalize_file(to)?);
    let files = task.space.files()?;
    let content = files.digest(&from)?;
    let outcome = Outcome::Moved {
        from: from.clone(),
        to: to.clone(),
    };
    plan(
        task,
        outcome.clone(),
        [(from.clone(), None), (to.clone(), content)],
    )?;
    files.rename(&from, &to)?;
    Ok(outcome)
}

fn put(task: &Task<'_>, path: String, content: &str, outcome: Outcome) -> Answer {
    if content.len() > MAX_FILE {
        return Err(too_large(&path));
    }
    plan(
        task,
        outcome.clone(),
        [(path.clone(), Some(digest(content.as_bytes())))],
    )?;
    task.space
        .files()?
        .write(&path, content.as_bytes(), &task.space.places.staging)?;
    Ok(outcome)
}

fn plan<const N: usize>(
    task: &Task<'_>,
    outcome: Outcome,
    after: [(String, Option<String>); N],
) -> Result<()> {
    let plan = Plan {
        outcome,
        after: after.into(),
    };
    let plan = serde_json::to_value(plan)
        .map_err(|e| WorkspaceError::unavailable("journal_failed", e.to_string()))?;
    task.journal.plan(task.call, &plan)
}

/// The outcome of an earlier attempt, if the files are as it had planned them.
fn done_before(task: &Task<'_>) -> Result<Option<Outcome>> {
    let Some(plan) = task
        .plan
        .clone()
        .and_then(|plan| serde_json::from_value::<Plan>(plan).ok())
    else {
        return Ok(None);
    };
    let files = task.space.files()?;
    for (path, wanted) in &plan.after {
        if files.digest(path)? != *wanted {
            return Ok(None);
        }
    }
    Ok(Some(plan.outcome))
}
