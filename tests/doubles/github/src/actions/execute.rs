//! Running a test command in a fresh checkout.

use std::fs::{self, File};
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use crate::git::{self, Git};
use crate::time;

/// How often a running command is looked after.
const PAUSE: Duration = Duration::from_millis(10);

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

/// Executes a task; `stop` ends it early.
pub(crate) fn execute(task: &Task, stop: &Arc<AtomicBool>) -> Outcome {
    match attempt(task, stop) {
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

fn attempt(task: &Task, stop: &Arc<AtomicBool>) -> io::Result<(&'static str, String)> {
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
    let started = Instant::now();
    let (status, early) = loop {
        if let Some(status) = child.try_wait()? {
            break (Some(status), None);
        }
        let early = if stop.load(Ordering::Relaxed) {
            Some("cancelled")
        } else if started.elapsed() > task.limit {
            Some("timed_out")
        } else {
            None
        };
        if early.is_some() {
            break (None, early);
        }
        std::thread::sleep(PAUSE);
    };
    // Also what the command left running.
    if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        let _ = kill_process_group(group, Signal::KILL);
    }
    if status.is_none() {
        child.wait()?;
    }
    let text = String::from_utf8_lossy(&fs::read(&output)?).into_owned();
    let conclusion = match (status, early) {
        (_, Some(early)) => early,
        (Some(status), None) if status.success() => "success",
        _ => "failure",
    };
    Ok((conclusion, text))
}
