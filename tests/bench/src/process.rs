//! The measured programs as processes.

use std::{
    fs::File,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use loom_api::testing;
use rustix::process::{Pid, Signal};
use serde_json::Value;

use crate::{Bench, Result, poll};

/// Linux reports CPU time in hundredths of a second, on every architecture.
const TICKS_PER_SECOND: u64 = 100;

/// How often a process is looked at that is to come to rest, and for how long at most.
const LOOK: Duration = Duration::from_millis(100);
const PATIENCE: Duration = Duration::from_secs(30);

/// Longer than the host keeps an instance that has nothing to do, which is a second.
const INSTANCES_GONE: Duration = Duration::from_millis(1_500);

/// A program that listens. It is killed when this is dropped.
pub(crate) struct Process {
    child: Child,
    /// Host and port.
    pub(crate) address: String,
    /// From before the process was made until it said where it listens.
    pub(crate) listening_after: Duration,
    pub(crate) started: Instant,
}

/// Memory of a process, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Memory {
    pub(crate) resident: u64,
    pub(crate) anonymous: u64,
}

impl Process {
    /// `loom up` on a state folder.
    pub(crate) fn host(bench: &Bench, state: &Path, variables: &[(&str, &str)]) -> Result<Self> {
        let mut command = Command::new(&bench.programs.loom);
        command
            .args(["up", "--no-build", "--without-workspace", "--without-cron"])
            .args(["--format", "json", "--listen", "127.0.0.1:0", "--manifest"])
            .arg(Bench::root().join("spin.toml"))
            .arg("--state-dir")
            .arg(state);
        let secrets = [
            ("loom_token_secret", testing::TOKEN_SECRET),
            ("loom_service_token", testing::SERVICE_TOKEN),
        ];
        for (name, value) in secrets.iter().chain(variables) {
            command.arg("--variable").arg(format!("{name}={value}"));
        }
        // Settings of the caller's own would change what is measured.
        for name in ["TOKENHUB_URL", "TOKENHUB_API_KEY"] {
            command.env_remove(name);
        }
        Self::start(command, &state.join("stderr.log"))
    }

    /// `handle` behind hyper.
    pub(crate) fn native(
        bench: &Bench,
        database: &Path,
        variables: &[(&str, &str)],
    ) -> Result<Self> {
        let mut command = Command::new(&bench.programs.bench);
        command.arg("serve-native").arg(database);
        for (name, value) in variables {
            command.arg("--variable").arg(format!("{name}={value}"));
        }
        Self::start(command, &bench.directory().join("native-stderr.log"))
    }

    fn start(mut command: Command, errors: &Path) -> Result<Self> {
        let name = command.get_program().to_string_lossy().into_owned();
        let started = Instant::now();
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::create(errors)?)
            .spawn()
            .map_err(|error| format!("{name} can't be started: {error}"))?;
        let mut line = String::new();
        if let Some(output) = child.stdout.take() {
            BufReader::new(output).read_line(&mut line)?;
        }
        let listening_after = started.elapsed();
        let said: Value = serde_json::from_str(&line).unwrap_or_default();
        let Some(address) = said["url"]
            .as_str()
            .and_then(|url| url.strip_prefix("http://"))
        else {
            let status = child.wait()?;
            let errors = std::fs::read_to_string(errors)?;
            return Err(format!("{name} didn't start ({status}): {}", errors.trim()).into());
        };
        Ok(Self {
            child,
            address: address.to_owned(),
            listening_after,
            started,
        })
    }

    /// CPU time that the process has used.
    pub(crate) fn cpu(&self) -> Result<Duration> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        // After the name, which may hold anything: state is the first field, user and system time the 12th and 13th.
        let fields = stat.rsplit_once(')').ok_or("no process name in stat")?.1;
        let ticks: u64 = fields
            .split_whitespace()
            .skip(11)
            .take(2)
            .filter_map(|field| field.parse::<u64>().ok())
            .sum();
        Ok(Duration::from_millis(ticks * 1_000 / TICKS_PER_SECOND))
    }

    /// Memory that the process has now.
    pub(crate) fn memory(&self) -> Result<Memory> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let field = |name: &str| {
            let line = status.lines().find(|line| line.starts_with(name));
            let kilobytes =
                line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
            kilobytes
                .map(|kilobytes| kilobytes * 1_024)
                .ok_or_else(|| format!("no {name} in the status of a process"))
        };
        Ok(Memory {
            resident: field("VmRSS:")?,
            anonymous: field("RssAnon:")?,
        })
    }

    /// Returns once the process has used next to no CPU time for a moment: what it does after its answers is done.
    pub(crate) async fn settle(&self) -> Result<()> {
        let mut before = self.cpu()?;
        poll::until(LOOK, PATIENCE, || {
            let now = self.cpu()?;
            let used = now.saturating_sub(std::mem::replace(&mut before, now));
            Ok((used <= Duration::from_millis(10)).then_some(()))
        })
        .await?;
        Ok(())
    }

    /// The memory of the process once it has not fallen for longer than an idle instance is kept.
    pub(crate) async fn memory_at_rest(&self) -> Result<Memory> {
        let mut least = self.memory()?;
        let mut fell = Instant::now();
        poll::until(LOOK, PATIENCE, || {
            let now = self.memory()?;
            if now.anonymous < least.anonymous {
                (least, fell) = (now, Instant::now());
            }
            Ok((fell.elapsed() > INSTANCES_GONE).then_some(()))
        })
        .await?;
        self.memory()
    }

    /// Asks the process to stop, and waits until it has.
    pub(crate) fn stop(mut self) -> Result<()> {
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            rustix::process::kill_process(pid, Signal::TERM)?;
        }
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Fails only when it has ended already.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
