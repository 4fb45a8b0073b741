//! The `git` program on one bare repository.

mod diff;
mod history;
mod merge;
mod objects;
mod refs;
mod trees;

use std::ffi::OsStr;
use std::fmt;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

pub(crate) use diff::FileChange;
pub(crate) use merge::Merged;
pub(crate) use objects::{Commit, Signature};
pub(crate) use refs::Ref;
pub(crate) use trees::{Entry, TreeChange};

/// A repository on disk.
#[derive(Debug, Clone)]
pub(crate) struct Git {
    path: PathBuf,
}

/// What `git` said when it refused.
#[derive(Debug)]
pub(crate) struct GitError {
    pub(crate) message: String,
}

impl fmt::Display for GitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// The result of a git command.
pub(crate) type GitResult<T> = Result<T, GitError>;

impl Git {
    /// Makes an empty bare repository.
    pub(crate) fn init(path: &Path, default_branch: &str) -> GitResult<Self> {
        let git = Self {
            path: path.to_owned(),
        };
        let output = command()
            .args(["init", "--quiet", "--bare", "--initial-branch"])
            .arg(default_branch)
            .arg(path)
            .output()
            .map_err(|error| failed("git init", &error.to_string()))?;
        check("init", output)?;
        // Nothing may disappear while a test looks at it, and any commit can be fetched.
        git.text(["config", "gc.auto", "0"])?;
        git.text(["config", "uploadpack.allowAnySHA1InWant", "true"])?;
        Ok(git)
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// A command on this repository.
    pub(crate) fn command<I, A>(&self, arguments: I) -> Command
    where
        I: IntoIterator<Item = A>,
        A: AsRef<OsStr>,
    {
        let mut command = command();
        command.arg("--git-dir").arg(&self.path).args(arguments);
        command
    }

    /// What a command prints, which must succeed.
    pub(crate) fn bytes<I, A>(&self, arguments: I) -> GitResult<Vec<u8>>
    where
        I: IntoIterator<Item = A>,
        A: AsRef<OsStr>,
    {
        let mut command = self.command(arguments);
        run(&mut command, None)
    }

    /// The same as text without the last line break.
    pub(crate) fn text<I, A>(&self, arguments: I) -> GitResult<String>
    where
        I: IntoIterator<Item = A>,
        A: AsRef<OsStr>,
    {
        Ok(line(&self.bytes(arguments)?))
    }

    /// The same with something to read.
    pub(crate) fn feed<I, A>(&self, arguments: I, input: &[u8]) -> GitResult<String>
    where
        I: IntoIterator<Item = A>,
        A: AsRef<OsStr>,
    {
        let mut command = self.command(arguments);
        Ok(line(&run(&mut command, Some(input))?))
    }
}

/// Output as text without the last line break.
pub(crate) fn line(output: &[u8]) -> String {
    String::from_utf8_lossy(output).trim_end().to_owned()
}

/// `git` with nothing of the machine's configuration.
pub(crate) fn command() -> Command {
    let mut command = Command::new("git");
    command
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("LC_ALL", "C")
        .env("TZ", "UTC")
        .env_remove("GIT_DIR")
        .env_remove("GIT_WORK_TREE")
        .env_remove("GIT_INDEX_FILE")
        .stdin(Stdio::null());
    command
}

/// Runs a command that must succeed and returns what it printed.
pub(crate) fn run(command: &mut Command, input: Option<&[u8]>) -> GitResult<Vec<u8>> {
    let name = format!("{command:?}");
    let output = match input {
        None => command.output(),
        Some(input) => with_input(command, input),
    }
    .map_err(|error| failed(&name, &error.to_string()))?;
    check(&name, output)
}

fn with_input(command: &mut Command, input: &[u8]) -> std::io::Result<Output> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let Some(mut stdin) = child.stdin.take() else {
        return child.wait_with_output();
    };
    std::thread::scope(|scope| {
        // A writer of its own, as both pipes may fill up. One that fails has a reader that gave up and says why.
        scope.spawn(move || drop(stdin.write_all(input)));
        child.wait_with_output()
    })
}

fn check(name: &str, output: Output) -> GitResult<Vec<u8>> {
    if output.status.success() {
        return Ok(output.stdout);
    }
    Err(failed(name, &String::from_utf8_lossy(&output.stderr)))
}

fn failed(what: &str, why: &str) -> GitError {
    GitError {
        message: format!("{what}: {}", why.trim()),
    }
}
