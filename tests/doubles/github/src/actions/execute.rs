//! Running a test command in a fresh checkout.

use std::fs::{self, File};
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

use crate::git::{self, Git};
use crate::state::Shared;
use crate::time;

/// What is to be executed.
#[derive(Debug, Clone)]
pub(crate) struct Task {
    pub(crate) git: Git,
    pub(crate) sha: String,
    pub(crate) branch: String,
    pub(crate) repository: String,
    pub(crate) command: Vec<String>,
    pub(crate) limit: Duration,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// `success`, `failure`, `timed_out` or `cancelled`.
    pub(crate) conclusion: &'static str,
    pub(crate) log: String,
}

/// Executes a task, which ends early when the double is stopped.
pub(crate) fn execute(task: &Task, shared: &Shared) -> Outcome {
    match attempt(task, shared) {
        Ok((conclusion, output)) => Outcome {
            conclusion,
            log: log(task, conclusion, &output),
        },
        Err(error) => Outcome {
            conclusion: "failure",
            log: log(task, "failure", &format!("cannot run it: {error}")),
        },
    }
}

/// The log as Actions writes it: an instant before each line.
fn log(task: &Task, conclusion: &str, output: &str) -> String {
    let mut lines = vec![
        format!("##[group]Run {}", task.command.join(" ")),
        String::from("##[endgroup]"),
    ];
    lines.extend(output.lines().map(str::to_owned));
    match conclusion {
        "success" => {}
        "timed_out" => lines.push(format!(
            "##[error]The job has exceeded the maximum execution time of {} seconds",
            task.limit.as_secs()
        )),
        "cancelled" => lines.push(String::from("##[error]The operation was canceled.")),
        _ => lines.push(String::from("##[error]Process completed with exit code 1.")),
    }
    let now = time::rfc3339(time::machine_seconds());
    let instant = format!("{}.0000000Z", now.trim_end_matches('Z'));
    lines
        .iter()
        .map(|line| format!("{instant} {line}\n"))
        .collect()
}

fn attempt(task: &Task, shared: &Shared) -> io::Result<(&'static str, String)> {
    let folder = tempfile::Builder::new()
        .prefix("loom-github-double-run-")
        .tempdir()?;
    let checkout = folder.path().join("checkout");
    let refused = |error: git::GitError| io::Error::other(error.to_string());
    git::run(
        git::command()
            .args(["clone", "--quiet", "--shared", "--no-checkout"])
            .arg(task.git.path())
            .arg(&checkout),
        None,
    )
    .map_err(refused)?;
    git::run(
        git::command()
            .arg("-C")
            .arg(&checkout)
            .args(["checkout", "--quiet", "--detach"])
            .arg(&task.sha),
        None,
    )
    .map_err(refused)?;
    let output = folder.path().join("output");
    let file = File::create(&output)?;
    let Some((program, arguments)) = task.command.split_first() else {
        return Ok(("success", String::from("nothing to run")));
    };
    let mut child = Command::new(program)
        .args(arguments)
        .current_dir(&checkout)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", folder.path())
        .env("LANG", "C.UTF-8")
        .env("CI", "true")
        .env("GITHUB_ACTIONS", "true")
        .env("GITHUB_SHA", &task.sha)
        .env("GITHUB_REF_NAME", &task.branch)
        .env("GITHUB_REPOSITORY", &task.repository)
        .stdin(Stdio::null())
        .stdout(file.try_clone()?)
        .stderr(file)
        .process_group(0)
        .spawn()?;
    let early = ended_early(&child, task.limit, shared)?;
    let status = child.wait()?;
    let text = String::from_utf8_lossy(&fs::read(&output)?).into_owned();
    let conclusion = match early {
        Some(early) => early,
        None if status.success() => "success",
        None => "failure",
    };
    Ok((conclusion, text))
}

/// Waits until a command has ended, its time is up or the double is stopped, and says why if it did not end by itself.
/// Then everything that it started is killed.
fn ended_early(
    child: &Child,
    limit: Duration,
    shared: &Shared,
) -> io::Result<Option<&'static str>> {
    let pid = Pid::from_raw(child.id().cast_signed())
        .ok_or_else(|| io::Error::other("a child has no process id"))?;
    let ended = AtomicBool::new(false);
    Ok(std::thread::scope(|scope| {
        scope.spawn(|| {
            // It is not reaped yet, so that nobody else gets its number before its group is killed.
            let wait = || {
                waitid(
                    WaitId::Pid(pid),
                    WaitIdOptions::EXITED | WaitIdOptions::NOWAIT,
                )
            };
            let _ = rustix::io::retry_on_intr(wait);
            let world = shared.lock();
            ended.store(true, Ordering::Relaxed);
            drop(world);
            shared.tell();
        });
        let woken = shared.wait(limit, |world| {
            ended.load(Ordering::Relaxed) || world.stopping
        });
        let early = match woken {
            Some(_) if ended.load(Ordering::Relaxed) => None,
            Some(_) => Some("cancelled"),
            None => Some("timed_out"),
        };
        let _ = kill_process_group(pid, Signal::KILL);
        early
    }))
}
