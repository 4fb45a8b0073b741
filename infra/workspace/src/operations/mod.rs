//! One file per group of operations.

pub(crate) mod branch_commit;
pub(crate) mod branch_files;
mod commands;
mod commit;
mod edit;
mod history;
mod merge;
mod push;
mod read;
mod search;

use loom_workspace::{Call, Operation, Outcome, WorkspaceError};
use serde_json::Value;

use crate::journal::{Answer, Journal};
use crate::sandbox::Sandbox;
use crate::space::Space;

/// An operation that changes something, under the run's lock.
pub(crate) struct Task<'t> {
    pub(crate) call: &'t Call,
    pub(crate) space: &'t Space,
    pub(crate) journal: &'t Journal,
    pub(crate) sandbox: &'t Sandbox,
    /// Whether an earlier attempt at the same call was begun and not answered.
    pub(crate) is_repeated: bool,
    /// What an earlier attempt at the same call had planned; it may have been carried out.
    pub(crate) plan: Option<Value>,
}

/// Performs an operation that only looks.
pub(crate) fn read(space: &Space, operation: &Operation) -> Answer {
    match operation {
        Operation::ReadTree { path, depth, limit } => search::tree(space, path, *depth, *limit),
        Operation::ReadFile {
            path,
            first_line,
            last_line,
        } => read::lines(space, path, *first_line, *last_line),
        Operation::Instructions => read::instructions(space),
        Operation::Search {
            pattern,
            path,
            limit,
            regex,
        } => search::search(
            space,
            pattern,
            path.as_deref().unwrap_or_default(),
            *limit,
            *regex,
        ),
        Operation::Status => history::status(space),
        Operation::Diff => history::diff(space),
        Operation::Log { limit } => history::log(space, *limit),
        Operation::Checks { .. } => Err(WorkspaceError::no_checks()),
        other => Err(misplaced(other)),
    }
}

/// Performs an operation that may change something.
pub(crate) fn write(task: &Task<'_>) -> Answer {
    match &task.call.operation {
        Operation::Open => Ok(Outcome::Opened {
            branch: task.space.branch.clone(),
            base: task.space.repository.base.clone(),
            base_commit: task.space.base_commit.clone(),
        }),
        Operation::EditFile {
            path,
            old_text,
            new_text,
        } => edit::edit(task, path, old_text, new_text),
        Operation::WriteFile { path, content } => edit::write(task, path, content),
        Operation::DeleteFile { path } => edit::delete(task, path),
        Operation::MoveFile { from, to } => edit::rename(task, from, to),
        Operation::RunCommand {
            argv,
            timeout_seconds,
            directory,
        } => commands::run(
            task,
            argv,
            *timeout_seconds,
            directory.as_deref().unwrap_or_default(),
        ),
        Operation::Build => commands::build(task),
        Operation::Test { filter } => commands::test(task, filter.as_deref()),
        Operation::Lint => commands::lint(task),
        Operation::Commit { message } => commit::commit(task, message),
        Operation::Push => push::push(task),
        Operation::Merge => merge::merge(task),
        Operation::OpenPullRequest { .. } | Operation::Review { .. } => {
            Err(WorkspaceError::no_pull_requests())
        }
        other => Err(misplaced(other)),
    }
}

fn misplaced(operation: &Operation) -> WorkspaceError {
    WorkspaceError::unavailable(
        "workspace_failed",
        format!("nothing is known of the operation {}", operation.name()),
    )
}
