use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use serde_json::Value;

use crate::built;

/// Compiling all components for the first time takes a while on a small machine.
const LONGEST_START: Duration = Duration::from_secs(300);

/// A `loom up` that listens. Dropping it kills it.
pub(crate) struct Process {
    child: Child,
    log: PathBuf,
    pub(crate) url: String,
}

impl Process {
    /// Starts the host on `state` with these variables, on a free port.
    pub(crate) fn start(state: &Path, variables: &[(String, String)]) -> Self {
        let loom = built::loom();
        share_cache(state);
        let log = state.join("stderr.log");
        let errors = File::options()
            .append(true)
            .create(true)
            .open(&log)
            .expect("the state folder can be written");
        let mut command = Command::new(loom);
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if ["SPIN_VARIABLE_", "LOOM_", "TOKENHUB_"]
                .iter()
                .any(|prefix| text.starts_with(prefix))
            {
                command.env_remove(&name);
            }
        }
        for (name, value) in variables {
            command.env(format!("SPIN_VARIABLE_{}", name.to_uppercase()), value);
        }
        let mut child = command
            .args(["up", "--no-build", "--without-cron", "--verbose"])
            .args(["--allow-unconfined-commands", "--format=json"])
            .args(["--listen=127.0.0.1:0", "--manifest=spin.toml"])
            .arg("--state-dir")
            .arg(state)
            .current_dir(built::root())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(errors)
            .spawn()
            .expect("loom can be started");
        let url = listening(&mut child)
            .unwrap_or_else(|why| panic!("loom up did not start: {why}\n{}", tail(&log)));
        Self { child, log, url }
    }

    /// Ends it with SIGKILL, as a power cut would.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("a child can be killed");
        self.child.wait().expect("a killed child ends");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- the end of {}\n{}", self.log.display(), tail(&self.log));
        }
    }
}

/// The URL that the host prints when it listens.
fn listening(child: &mut Child) -> Result<String, String> {
    let output = child.stdout.take().ok_or("no standard output")?;
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        let read = BufReader::new(output).read_line(&mut line);
        let _ = tell.send(read.map(|_| line));
    });
    let line = match told.recv_timeout(LONGEST_START) {
        Ok(line) => line.map_err(|error| error.to_string())?,
        Err(error) => {
            let _ = child.kill();
            return Err(error.to_string());
        }
    };
    let told: Value = serde_json::from_str(&line).map_err(|_| format!("it printed {line:?}"))?;
    let url = told["url"].as_str().ok_or("it told no URL")?;
    Ok(url.to_owned())
}

/// Makes all hosts of all test programs use one folder of compiled components.
fn share_cache(state: &Path) {
    let shared = built::root().join("target/loom-tests/cache");
    std::fs::create_dir_all(&shared).expect("the target folder can be written");
    let own = state.join("cache");
    if !own.exists() {
        std::os::unix::fs::symlink(shared, own).expect("a link to the shared cache");
    }
}

fn tail(log: &Path) -> String {
    let text = std::fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(60)..].join("\n")
}
