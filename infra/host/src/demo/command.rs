//! Running cargo and git, each with a time limit.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::process::Command;

/// Long enough for the tests of a small crate on a busy machine.
const LIMIT: Duration = Duration::from_secs(300);

/// What a program printed, and whether it succeeded.
pub(super) struct Finished {
    pub(super) succeeded: bool,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

/// A program that is about to run.
pub(super) struct Program {
    line: String,
    command: Command,
}

impl Program {
    /// `words` in `directory`.
    pub(super) fn new(directory: &Path, words: &[&str]) -> Self {
        let mut command = Command::new(words.first().unwrap_or(&""));
        command
            .args(words.get(1..).unwrap_or_default())
            .current_dir(directory)
            .stdin(Stdio::null())
            .kill_on_drop(true);
        Self {
            line: words.join(" "),
            command,
        }
    }

    /// cargo in `directory`, with its build results in `target`.
    pub(super) fn cargo(directory: &Path, target: &Path, words: &[&str]) -> Self {
        Self::new(directory, &[&["cargo"], words].concat())
            .with("CARGO_TARGET_DIR", target)
            .with("CARGO_TERM_COLOR", "never")
    }

    /// git on the repository in `directory`, whatever is configured on this machine.
    pub(super) fn git(directory: &Path, words: &[&str]) -> Self {
        let mut program = Self::new(directory, &[&["git"], words].concat())
            .with("GIT_CONFIG_GLOBAL", "/dev/null")
            .with("GIT_CONFIG_NOSYSTEM", "1")
            .with("GIT_PAGER", "cat");
        for (name, value) in [("NAME", "Loom demo"), ("EMAIL", "demo@loom.invalid")] {
            for role in ["AUTHOR", "COMMITTER"] {
                program = program.with(&format!("GIT_{role}_{name}"), value);
            }
        }
        // Set where this itself was started by a git hook.
        for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"] {
            program.command.env_remove(name);
        }
        program
    }

    fn with(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Runs it to its end, well or not.
    pub(super) async fn run(mut self) -> Result<Finished, String> {
        let line = self.line;
        let ended = tokio::time::timeout(LIMIT, self.command.output())
            .await
            .map_err(|_| format!("`{line}` did not end within {} s", LIMIT.as_secs()))?
            .map_err(|error| format!("`{line}` can't be run: {error}; is it installed?"))?;
        Ok(Finished {
            succeeded: ended.status.success(),
            stdout: String::from_utf8_lossy(&ended.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&ended.stderr).into_owned(),
        })
    }

    /// Its standard output; an error when it fails.
    pub(super) async fn output(self) -> Result<String, String> {
        let line = self.line.clone();
        let ended = self.run().await?;
        if ended.succeeded {
            Ok(ended.stdout)
        } else {
            Err(format!(
                "`{line}` failed:\n{}{}",
                ended.stdout, ended.stderr
            ))
        }
    }
}
