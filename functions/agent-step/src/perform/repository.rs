//! Actions in the repository, through the workspace port.

use loom_api::Settings;
use loom_domain::{
    action::{Action, ActionOutcome},
    run::{EndReason, Hold, Wait},
};
use loom_platform::{Clock, KeyValue, Platform};
use loom_store::{project, run};
use loom_workspace::{
    AnyWorkspace, Call, EntryKind, ErrorKind, Operation, Outcome, Project, Run, Workspace,
    WorkspaceError,
};

use super::{Worker, documents};
use crate::{
    context::{Context, instructions_key},
    journal::{Brought, Effect},
    keep_lease::keep_lease,
    stop::Stop,
};

/// How long a run waits for a workspace that does not answer, in milliseconds.
const UNAVAILABLE_MS: i64 = 10_000;
/// The longest that a run waits for a limit of GitHub's to be lifted before it asks again, in milliseconds.
const LONGEST_PAUSE_MS: i64 = 60 * 60_000;

/// Performs an action that is one operation in the repository.
pub(crate) async fn perform<P: Platform>(
    worker: &Worker<'_, P>,
    position: usize,
    action: &Action,
) -> Result<Brought, Stop> {
    let Some(operation) = operation(action) else {
        return Ok(ActionOutcome::refused(
            "not_an_operation",
            "This action is not done in the repository.",
        )
        .into());
    };
    let outcome = operate(worker, &worker.key(position), operation).await?;
    Ok(match outcome {
        Ok(outcome) => told(worker, action, outcome),
        Err(error) => ActionOutcome::refused(error.code, error.message).into(),
    })
}

/// Does an operation under the lease. A refusal is for the model; everything else stops the step.
pub(crate) async fn operate<P: Platform>(
    worker: &Worker<'_, P>,
    key: &str,
    operation: Operation,
) -> Result<Result<Outcome, WorkspaceError>, Stop> {
    let call = call(&worker.context, worker.hold, key, operation);
    let workspace = AnyWorkspace::load(worker.platform).await;
    let outcome = keep_lease(
        worker.platform,
        worker.hold,
        worker.settings.lease_ms,
        workspace.perform(call),
    )
    .await?;
    match outcome {
        Err(error) if error.kind == ErrorKind::StaleFence => Err(Stop::Stale),
        Err(error) if error.kind == ErrorKind::Unavailable => {
            Err(unavailable(worker.platform, &error))
        }
        other => Ok(other),
    }
}

/// Makes the run's working copy with what its bead brings, and notes its branch and the project's instructions.
pub(crate) async fn open_workspace<P: Platform>(
    platform: &P,
    settings: &Settings,
    hold: &Hold,
) -> Result<(), Stop> {
    let context = Context::load(platform, hold).await?;
    let workspace = AnyWorkspace::load(platform).await;
    let perform = |key: String, operation| {
        keep_lease(
            platform,
            hold,
            settings.lease_ms,
            workspace.perform(call(&context, hold, &key, operation)),
        )
    };
    let key = || format!("{}:open", hold.run_id);
    let opened = perform(key(), Operation::Open).await?;
    let branch = match opened {
        Ok(Outcome::Opened { branch, .. }) => branch,
        Ok(_) => String::new(),
        Err(error) => return Err(cannot_open(platform, &error)),
    };
    let refused = match documents::write(platform, &context, perform).await? {
        Err(error) if error.kind != ErrorKind::Refused => {
            return Err(cannot_open(platform, &error));
        }
        other => other.err(),
    };
    let instructions = match perform(key(), Operation::Instructions).await? {
        Ok(Outcome::File { content: text, .. } | Outcome::Text { text, .. }) => text,
        _ => String::new(),
    };
    // A cache: without it the prompt only lacks the project's own instructions.
    if !instructions.is_empty() {
        let _ = platform
            .key_value()
            .set(&instructions_key(&hold.run_id), instructions.as_bytes())
            .await;
    }
    // By its branch it is known that there is a working copy, which has to be removed at the end.
    run::set_branch(platform.database(), hold, &branch).await?;
    refused.map_or(Ok(()), |error| Err(cannot_open(platform, &error)))
}

fn cannot_open<P: Platform>(platform: &P, error: &WorkspaceError) -> Stop {
    match error.kind {
        ErrorKind::StaleFence => Stop::Stale,
        ErrorKind::Unavailable => unavailable(platform, error),
        ErrorKind::Refused => Stop::End(EndReason::Failed {
            code: error.code.clone(),
            message: error.message.clone(),
        }),
    }
}

fn unavailable<P: Platform>(platform: &P, error: &WorkspaceError) -> Stop {
    let after_ms = error.retry_at.map_or(UNAVAILABLE_MS, |at| {
        (at - platform.clock().now()).clamp(1_000, LONGEST_PAUSE_MS)
    });
    Stop::Park {
        after_ms,
        why: error.message.clone(),
    }
}

/// Removes the working copy of a run, if the run has ended and has one.
pub(crate) async fn close_workspace<P: Platform>(platform: &P, hold: &Hold) -> Result<(), String> {
    let database = platform.database();
    let ended = run::get(database, &hold.run_id)
        .await
        .map_err(|error| error.to_string())?;
    if ended.status.is_live() || ended.branch.is_none() {
        return Ok(());
    }
    let project = project::get(database, &ended.project_id)
        .await
        .map_err(|error| error.to_string())?;
    let call = Call {
        project: project_of(&project),
        run: Run {
            id: ended.id.clone(),
            bead_id: ended.bead_id.clone(),
            bead_title: String::new(),
            agent: ended.agent_id.clone(),
            fence: ended.fence,
            continues: None,
        },
        key: format!("{}:close", ended.id),
        operation: Operation::Close,
    };
    let workspace = AnyWorkspace::load(platform).await;
    workspace
        .perform(call)
        .await
        .map(|_| ())
        .map_err(|error| error.message)
}

fn call(context: &Context, hold: &Hold, key: &str, operation: Operation) -> Call {
    Call {
        project: project_of(&context.project),
        run: Run {
            id: hold.run_id.clone(),
            bead_id: context.bead.id.clone(),
            bead_title: context.bead.title.clone(),
            agent: context.agent.name.clone(),
            fence: hold.fence,
            continues: context.continues.clone(),
        },
        key: key.to_owned(),
        operation,
    }
}

fn project_of(project: &loom_domain::project::Project) -> Project {
    Project {
        id: project.id.clone(),
        repository: project.git_repo.clone(),
        branch: project.branch.clone(),
        build_command: project.build_command.clone(),
        test_command: project.test_command.clone(),
        lint_command: project.lint_command.clone(),
        allowed_commands: project.allowed_commands.clone(),
        github: project.github.clone(),
    }
}

fn operation(action: &Action) -> Option<Operation> {
    Some(match action.clone() {
        Action::ReadTree { path, depth } => Operation::ReadTree {
            path,
            depth: depth.unwrap_or(0),
            limit: 0,
        },
        Action::ReadFile {
            path,
            first_line,
            last_line,
        } => Operation::ReadFile {
            path,
            first_line,
            last_line,
        },
        Action::Search { query, path, regex } => Operation::Search {
            pattern: query,
            path,
            limit: 0,
            regex,
        },
        Action::EditFile {
            path,
            old_text,
            new_text,
        } => Operation::EditFile {
            path,
            old_text,
            new_text,
        },
        Action::WriteFile { path, content } => Operation::WriteFile { path, content },
        Action::DeleteFile { path } => Operation::DeleteFile { path },
        Action::MoveFile { from, to } => Operation::MoveFile { from, to },
        Action::RunCommand {
            argv,
            directory,
            timeout_seconds,
        } => Operation::RunCommand {
            argv,
            timeout_seconds: timeout_seconds.map(u64::from),
            directory,
        },
        Action::Build {} => Operation::Build,
        Action::Test { pattern } => Operation::Test { filter: pattern },
        Action::Lint {} => Operation::Lint,
        Action::GitStatus {} => Operation::Status,
        Action::GitDiff { .. } => Operation::Diff,
        Action::GitCommit { message, .. } => Operation::Commit { message },
        Action::GitPush {} => Operation::Push,
        Action::GitLog { limit, .. } => Operation::Log {
            limit: limit.unwrap_or(0),
        },
        _ => return None,
    })
}

/// What the model is told of an outcome, and what else follows from it.
pub(crate) fn told<P>(worker: &Worker<'_, P>, action: &Action, outcome: Outcome) -> Brought {
    let effect = match &outcome {
        Outcome::Committed { commit, .. } => Some(Effect::Committed {
            commit: commit.clone(),
        }),
        Outcome::Awaiting { commit, .. } => Some(Effect::Awaits(Wait::checks(
            &worker.context.project.id,
            commit,
        ))),
        _ => None,
    };
    let cut = |truncated: bool, what: &str| {
        if truncated {
            format!("\n[more {what} were left out]")
        } else {
            String::new()
        }
    };
    let outcome = match outcome {
        Outcome::Tree { entries, truncated } => {
            let lines: Vec<String> = entries
                .iter()
                .map(|entry| match entry.kind {
                    EntryKind::Directory => format!("{}/", entry.path),
                    _ => format!("{} ({} bytes)", entry.path, entry.bytes),
                })
                .collect();
            ActionOutcome::ok(lines.join("\n") + &cut(truncated, "entries"))
        }
        Outcome::File {
            content,
            total_lines,
            last_line,
            truncated,
            ..
        } => {
            let rest = if truncated {
                format!("\n[lines after {last_line} of {total_lines} were left out]")
            } else {
                String::new()
            };
            ActionOutcome::ok(content + &rest)
        }
        Outcome::Matches {
            matches,
            unsearched: 0,
            ..
        } if matches.is_empty() => ActionOutcome::ok("Nothing was found."),
        Outcome::Matches {
            matches,
            truncated,
            unsearched,
        } => {
            let rest = match unsearched {
                0 => String::new(),
                count => format!("\n[{count} files were not searched; name a directory]"),
            };
            let lines: Vec<String> = matches
                .iter()
                .map(|found| format!("{}:{}: {}", found.path, found.line, found.text))
                .collect();
            ActionOutcome::ok(lines.join("\n") + &cut(truncated, "matches") + &rest)
        }
        Outcome::Edited {
            path,
            first_line,
            last_line,
            ..
        } => ActionOutcome::ok(format!(
            "{path} was changed; the new text is in lines {first_line} to {last_line}."
        )),
        Outcome::Written {
            path,
            created,
            bytes,
        } => ActionOutcome::ok(format!(
            "{path} was {} ({bytes} bytes).",
            if created { "created" } else { "replaced" }
        )),
        Outcome::Deleted { path } => ActionOutcome::ok(format!("{path} was deleted.")),
        Outcome::Moved { from, to } => ActionOutcome::ok(format!("{from} was moved to {to}.")),
        Outcome::Command {
            exit_code,
            timed_out,
            output,
            duration_ms,
            ..
        } => {
            let end = match exit_code {
                _ if timed_out => "It was stopped because its time was up.".to_owned(),
                Some(code) => format!("Exit code {code}."),
                None => "It was killed.".to_owned(),
            };
            let text = format!("{output}\n{end} ({duration_ms} ms)");
            match action.failure_code() {
                Some(code) if exit_code != Some(0) => ActionOutcome::error(code, text),
                _ => ActionOutcome::ok(text),
            }
        }
        Outcome::Text { text, truncated } => ActionOutcome::ok(text + &cut(truncated, "lines")),
        Outcome::Committed { commit, files } => ActionOutcome::ok(format!(
            "Commit {commit} with {} file(s): {}",
            files.len(),
            files.join(", ")
        )),
        Outcome::Pushed { branch, commit } => {
            ActionOutcome::ok(format!("{branch} was pushed at {commit}."))
        }
        Outcome::Merged { commit, branch } => {
            ActionOutcome::ok(format!("Merged into {branch} as {commit}."))
        }
        Outcome::PullRequest {
            number,
            url,
            created,
        } => ActionOutcome::ok(format!(
            "Pull request #{number} was {}: {url}",
            if created {
                "opened"
            } else {
                "brought up to date"
            }
        )),
        Outcome::Reviewed { number, url } => {
            ActionOutcome::ok(format!("The review of #{number} was written: {url}"))
        }
        Outcome::Awaiting { commit, what } => {
            let text = format!(
                "{what} of {commit} are not over yet. The run waits for them, and you are told how they ended."
            );
            if action.concludes() {
                let again = format!("{text} Use {} again then.", action.name());
                ActionOutcome::refused("checks_pending", again)
            } else {
                ActionOutcome::ok(text)
            }
        }
        Outcome::Opened { branch, .. } => ActionOutcome::ok(format!("On branch {branch}.")),
        // These answer no action of a model's.
        Outcome::Listed { .. }
        | Outcome::Contents { .. }
        | Outcome::FilesCommitted { .. }
        | Outcome::Done => ActionOutcome::ok("Done."),
    };
    Brought { outcome, effect }
}
