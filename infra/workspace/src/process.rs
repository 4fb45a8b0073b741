//! Starting programs, waiting for them, and ending them with everything they started.

use std::io::{self, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};

/// The most that is kept of what a program prints.
const MAX_CAPTURE: u64 = 64 * 1024 * 1024;

/// A program that ended, and what it printed.
pub(crate) struct Captured {
    /// None when it was killed.
    pub(crate) code: Option<i32>,
    pub(crate) output: Vec<u8>,
    errors: Vec<u8>,
}

impl Captured {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.output).into_owned()
    }

    pub(crate) fn errors(&self) -> String {
        String::from_utf8_lossy(&self.errors).into_owned()
    }
}

/// Runs a program to its end, or for at most `patience`.
pub(crate) fn capture(mut command: Command, patience: Duration) -> io::Result<Captured> {
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()?;
    let output = reader(child.stdout.take());
    let errors = reader(child.stderr.take());
    if !wait_until(&child, Instant::now() + patience)? {
        kill_group(&child);
    }
    let status = child.wait()?;
    Ok(Captured {
        code: status.code(),
        output: output.join().unwrap_or_default(),
        errors: errors.join().unwrap_or_default(),
    })
}

/// Waits, without reaping it, until the child has ended; false when `deadline` came first.
fn wait_until(child: &Child, deadline: Instant) -> io::Result<bool> {
    let pidfd = pidfd_open(pid(child)?, PidfdFlags::empty())?;
    loop {
        let mut watched = [PollFd::new(&pidfd, PollFlags::IN)];
        let Some(left) = time_left(deadline) else {
            return Ok(false);
        };
        match poll(&mut watched, Some(&left)) {
            Ok(0) | Err(rustix::io::Errno::INTR) => {}
            Ok(_) => return Ok(true),
            Err(error) => return Err(error.into()),
        }
    }
}

/// The time until `deadline`, or none when it has passed.
pub(crate) fn time_left(deadline: Instant) -> Option<Timespec> {
    let left = deadline.checked_duration_since(Instant::now())?;
    // Rounded up, so that a poll never ends just before the deadline again and again.
    Timespec::try_from(left + Duration::from_millis(1)).ok()
}

/// Kills the child's process group. The child must lead one and must not have been reaped, so that its number can't
/// belong to anyone else.
pub(crate) fn kill_group(child: &Child) {
    if let Ok(pid) = pid(child) {
        let _ = kill_process_group(pid, Signal::KILL);
    }
}

pub(crate) fn pid(child: &Child) -> io::Result<Pid> {
    Pid::from_raw(child.id().cast_signed())
        .ok_or_else(|| io::Error::other("a child has no process id"))
}

fn reader(source: Option<impl Read + Send + 'static>) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(source) = source {
            let mut limited = source.take(MAX_CAPTURE);
            let _ = limited.read_to_end(&mut bytes);
            let _ = io::copy(&mut limited.into_inner(), &mut io::sink());
        }
        bytes
    })
}
