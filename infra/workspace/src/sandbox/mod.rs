//! Running a program that must not reach anything but its worktree and the toolchain.
//!
//! Landlock domains and network namespaces belong to a thread and are inherited by what it starts. So each program
//! gets a thread of its own, which locks itself in, starts the program, and ends with it.

mod launcher;
mod limits;
mod network;
mod output;
mod rules;
#[cfg(test)]
mod tests;
mod toolchain;

pub(crate) use toolchain::Toolchain;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use loom_workspace::{Outcome, WorkspaceError};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};

use crate::config::SandboxPolicy;
use crate::error::{Context, Result};
use crate::process::{kill_group, pid, time_left};
use output::HeadAndTail;

/// How long output is still read after the program has ended, in case something it started holds the pipe open.
const GRACE: Duration = Duration::from_secs(2);

/// A program to run.
pub(crate) struct Job {
    pub(crate) argv: Vec<String>,
    pub(crate) directory: PathBuf,
    pub(crate) timeout: Duration,
    /// The directory whose files it may change: the worktree.
    pub(crate) worktree: PathBuf,
    /// A directory of the run's own, for build results, caches and temporary files.
    pub(crate) private: PathBuf,
}

/// What runs programs, and can end them all.
#[derive(Clone)]
pub(crate) struct Sandbox {
    toolchain: Arc<Toolchain>,
    policy: SandboxPolicy,
    /// Whether programs get a network of their own where that is permitted.
    namespaces: bool,
    running: Arc<Mutex<Running>>,
}

#[derive(Default)]
struct Running {
    /// The process groups of the programs that are running, by the process that leads them.
    groups: BTreeMap<u32, Pid>,
    /// Whether the service is ending, so that nothing may start any more.
    ending: bool,
}

impl Sandbox {
    pub(crate) fn new(toolchain: Toolchain, policy: SandboxPolicy) -> Self {
        Self {
            toolchain: Arc::new(toolchain),
            policy,
            namespaces: true,
            running: Arc::default(),
        }
    }

    /// Runs the job to its end or its timeout.
    pub(crate) fn run(&self, job: Job) -> Result<Outcome> {
        let program = self.toolchain.find(&job.argv, &job.worktree)?;
        let environment = self.toolchain.prepare(&job.worktree, &job.private)?;
        let this = self.clone();
        let thread = thread::Builder::new()
            .name("sandbox".to_owned())
            .spawn(move || this.locked_in(&job, &program, environment))
            .doing("start a thread")?;
        thread.join().unwrap_or_else(|_| {
            Err(WorkspaceError::unavailable(
                "sandbox_failed",
                "the sandbox failed while running a program",
            ))
        })
    }

    /// Ends everything that is running, and lets nothing start any more.
    pub(crate) fn end(&self) {
        let mut running = self.lock();
        running.ending = true;
        for pid in running.groups.values() {
            let _ = kill_process_group(*pid, Signal::KILL);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// On a thread of its own: gives up every right that the program must not have, and starts it.
    fn locked_in(
        &self,
        job: &Job,
        program: &Path,
        environment: BTreeMap<String, String>,
    ) -> Result<Outcome> {
        let isolated = self.namespaces && network::isolate();
        rules::restrict(
            &self.toolchain,
            &job.worktree,
            &job.private,
            isolated,
            self.policy,
        )?;

        let (mut reader, writer) = io::pipe().doing("make a pipe")?;
        let mut command = launcher::command(program);
        command
            .args(job.argv.iter().skip(1))
            .env_clear()
            .envs(environment)
            .current_dir(&job.directory)
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(writer.try_clone().doing("make a pipe")?)
            .stderr(writer);
        let begun = Instant::now();
        let mut child = self.spawn(&mut command, job)?;
        // Its ends of the pipe, so that only the program's are left.
        drop(command);
        let _ = limits::set(&child, job.timeout);

        let mut output = HeadAndTail::default();
        let ended = follow(&child, &mut reader, &mut output, begun + job.timeout);
        // All of its group, while it is still a zombie and its number nobody else's.
        kill_group(&child);
        let ending = self.forget(&child);
        let status = child.wait().doing("wait for a program")?;
        if ending {
            // Not what it would have come to, so not an outcome: the repeated call runs it again.
            return Err(stopping());
        }
        let in_time = ended.doing("read a program's output")?;
        // What it had printed is still in the pipe.
        let _ = drain(&mut reader, &mut output, Instant::now() + GRACE);

        let (output, cut_bytes) = output.finish();
        Ok(Outcome::Command {
            argv: job.argv.clone(),
            exit_code: if in_time { status.code() } else { None },
            timed_out: !in_time,
            output,
            cut_bytes,
            duration_ms: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
        })
    }

    /// Starts the program, unless the service is ending.
    fn spawn(&self, command: &mut Command, job: &Job) -> Result<Child> {
        let mut running = self.lock();
        if running.ending {
            return Err(stopping());
        }
        let child = command.spawn().map_err(|error| {
            let name = job.argv.first().map_or("", String::as_str);
            WorkspaceError::refused(
                "command_not_started",
                format!("{name} could not be started: {error}"),
            )
        })?;
        if let Ok(pid) = pid(&child) {
            running.groups.insert(child.id(), pid);
        }
        Ok(child)
    }

    /// Before the child is reaped and its number can be another's. Whether the service is ending.
    fn forget(&self, child: &Child) -> bool {
        let mut running = self.lock();
        running.groups.remove(&child.id());
        running.ending
    }
}

fn stopping() -> WorkspaceError {
    WorkspaceError::unavailable(
        "service_stopping",
        "the workspace service is being stopped; try again when it is back",
    )
}

/// Reads output until the child has ended (true) or `deadline` has come (false).
fn follow(
    child: &Child,
    reader: &mut io::PipeReader,
    output: &mut HeadAndTail,
    deadline: Instant,
) -> io::Result<bool> {
    let pidfd = File::from(pidfd_open(pid(child)?, PidfdFlags::empty())?);
    let mut open = true;
    loop {
        let Some(left) = time_left(deadline) else {
            return Ok(false);
        };
        let mut watched = vec![PollFd::new(&pidfd, PollFlags::IN)];
        if open {
            watched.push(PollFd::new(reader, PollFlags::IN));
        }
        match poll(&mut watched, Some(&left)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let ready: Vec<bool> = watched.iter().map(|fd| !fd.revents().is_empty()).collect();
        if ready.get(1) == Some(&true) {
            open = read_some(reader, output)?;
        } else if ready.first() == Some(&true) {
            return Ok(true);
        }
    }
}

/// Reads what is left in the pipe, until nobody holds it any more or `deadline` has come.
fn drain(
    reader: &mut io::PipeReader,
    output: &mut HeadAndTail,
    deadline: Instant,
) -> io::Result<()> {
    while let Some(left) = time_left(deadline) {
        let mut watched = [PollFd::new(reader, PollFlags::IN)];
        if poll(&mut watched, Some(&left))? == 0 || !read_some(reader, output)? {
            break;
        }
    }
    Ok(())
}

fn read_some(reader: &mut io::PipeReader, output: &mut HeadAndTail) -> io::Result<bool> {
    let mut buffer = [0; 16 * 1024];
    let count = reader.read(&mut buffer)?;
    output.push(buffer.get(..count).unwrap_or_default());
    Ok(count > 0)
}
