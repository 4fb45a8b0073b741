mod repository;

pub(crate) use repository::{Repository, is_branch_name};

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use loom_workspace::WorkspaceError;

use crate::error::Result;
use crate::lock::Lock;
use crate::process::{self, Captured};

/// The longest that a git command may take.
const PATIENCE: Duration = Duration::from_secs(300);
/// What agents' commits are committed with; the author's name is the agent's.
const ADDRESS: &str = "agent@loom.invalid";

/// Settings that no repository's own configuration may change for us: no programs are started, nothing is asked, and
/// what is done is durable.
const SETTINGS: [&str; 14] = [
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.fsync=committed,reference",
    "core.quotePath=false",
    "core.attributesFile=/dev/null",
    "core.excludesFile=/dev/null",
    "core.autocrlf=false",
    "commit.gpgSign=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "merge.autoStash=false",
    "protocol.ext.allow=never",
    "safe.directory=*",
    "submodule.recurse=false",
];

/// Makes sure that there is a git that can do what is needed: 2.38 or later, which merges without a working copy.
pub(crate) fn require() -> Result<()> {
    let version = Git::default().line(&["version"])?;
    let mut numbers = version
        .trim_start_matches("git version ")
        .split('.')
        .map(|n| n.parse::<u32>().unwrap_or(0));
    if (numbers.next(), numbers.next()) >= (Some(2), Some(38)) {
        return Ok(());
    }
    Err(WorkspaceError::unavailable(
        "git_missing",
        format!("git 2.38 or later is needed, and this is {version}"),
    ))
}

/// git, told which repository and which files it is about: nothing in the files themselves (such as a forged `.git`)
/// can make it look elsewhere.
#[derive(Clone, Default)]
pub(crate) struct Git {
    pub(crate) git_dir: PathBuf,
    pub(crate) work_tree: Option<PathBuf>,
    /// Another index than the git directory's own.
    pub(crate) index: Option<PathBuf>,
    /// Who the author is.
    pub(crate) author: Option<String>,
    /// The lock under which it works; git holds on to it if we are killed.
    pub(crate) lock: Option<Arc<Lock>>,
}

impl Git {
    pub(crate) fn new(git_dir: &Path) -> Self {
        Self {
            git_dir: git_dir.to_owned(),
            ..Self::default()
        }
    }

    /// Runs git and gives what it printed; anything but success is an error with git's own reason.
    pub(crate) fn ok<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Result<String> {
        let done = self.run(arguments)?;
        if done.code == Some(0) {
            Ok(done.text())
        } else {
            Err(failed(arguments, &done))
        }
    }

    /// [`ok`](Self::ok) without the line break at the end.
    pub(crate) fn line<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Result<String> {
        self.ok(arguments).map(|text| text.trim_end().to_owned())
    }

    /// Runs git and gives its exit code with what it printed.
    pub(crate) fn run<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Result<Captured> {
        let mut command = self.command();
        command.args(arguments);
        process::capture(command, PATIENCE).map_err(|error| {
            WorkspaceError::unavailable(
                "git_missing",
                format!("git could not be started: {error}; is it installed?"),
            )
        })
    }

    /// Runs git with a file as its input.
    pub(crate) fn feed<S: AsRef<OsStr>>(
        &self,
        arguments: &[S],
        input: std::fs::File,
    ) -> Result<Captured> {
        let mut command = self.command();
        command.args(arguments).stdin(Stdio::from(input));
        process::capture(command, PATIENCE).map_err(|error| {
            WorkspaceError::unavailable(
                "git_missing",
                format!("git could not be started: {error}; is it installed?"),
            )
        })
    }

    /// The commit that a branch is at, if there is such a branch.
    pub(crate) fn branch(&self, name: &str) -> Result<Option<String>> {
        let reference = format!("refs/heads/{name}");
        let done = self.run(&[
            "rev-parse",
            "--verify",
            "--quiet",
            "--end-of-options",
            &reference,
        ])?;
        Ok((done.code == Some(0)).then(|| done.text().trim_end().to_owned()))
    }

    /// Whether `older` is part of the history of `newer`.
    pub(crate) fn is_ancestor(&self, older: &str, newer: &str) -> Result<bool> {
        let arguments = ["merge-base", "--is-ancestor", older, newer];
        let done = self.run(&arguments)?;
        match done.code {
            Some(0) => Ok(true),
            Some(1) => Ok(false),
            _ => Err(failed(&arguments, &done)),
        }
    }

    /// The newest commit that two have in common.
    pub(crate) fn merge_base(&self, one: &str, other: &str) -> Result<String> {
        self.line(&["merge-base", one, other])
    }

    /// The commit made by the call with this key, among those that `tip` has and `since` has not.
    pub(crate) fn commit_by_key(
        &self,
        key: &str,
        since: &str,
        tip: &str,
    ) -> Result<Option<String>> {
        let line = loom_workspace::message::key_line(key);
        let range = format!("{since}..{tip}");
        let pattern = format!("--grep={line}");
        let found = self.ok(&[
            "log",
            "--fixed-strings",
            &pattern,
            "--format=%H%x00%B%x01",
            &range,
        ])?;
        Ok(found.split('\u{1}').find_map(|entry| {
            let (commit, message) = entry.trim_start().split_once('\0')?;
            message
                .lines()
                .any(|l| l == line)
                .then(|| commit.to_owned())
        }))
    }

    fn command(&self) -> Command {
        let mut command = Command::new("git");
        command.env_clear();
        for name in ["PATH", "SSH_AUTH_SOCK", "HOME"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command
            .env("LC_ALL", "C")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_ATTR_NOSYSTEM", "1")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_OPTIONAL_LOCKS", "0")
            .env("GIT_LITERAL_PATHSPECS", "1")
            .env(
                "GIT_SSH_COMMAND",
                "ssh -o BatchMode=yes -o ConnectTimeout=15",
            )
            .env("GIT_AUTHOR_NAME", self.author.as_deref().unwrap_or("Loom"))
            .env("GIT_AUTHOR_EMAIL", ADDRESS)
            .env("GIT_COMMITTER_NAME", "Loom")
            .env("GIT_COMMITTER_EMAIL", ADDRESS);
        for setting in SETTINGS {
            command.args(["-c", setting]);
        }
        if !self.git_dir.as_os_str().is_empty() {
            command.arg("--git-dir").arg(&self.git_dir);
        }
        if let Some(work_tree) = &self.work_tree {
            command
                .arg("--work-tree")
                .arg(work_tree)
                .current_dir(work_tree);
        } else if self.git_dir.is_dir() {
            command.current_dir(&self.git_dir);
        }
        if let Some(index) = &self.index {
            command.env("GIT_INDEX_FILE", index);
        }
        let input = self.lock.as_ref().and_then(|lock| lock.as_input().ok());
        command.stdin(input.unwrap_or_else(Stdio::null));
        command
    }
}

pub(crate) fn failed<S: AsRef<OsStr>>(arguments: &[S], done: &Captured) -> WorkspaceError {
    let what = arguments.first().map_or_else(String::new, |first| {
        first.as_ref().to_string_lossy().into_owned()
    });
    let reason = without_passwords(done.errors().trim());
    WorkspaceError::unavailable("git_failed", format!("git {what} failed: {reason}"))
}

/// Leaves the passwords out of URLs in git's own messages.
pub(crate) fn without_passwords(text: &str) -> String {
    let mut clean = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (head, tail) = rest.split_at(at + 3);
        clean.push_str(head);
        let end = tail
            .find(|c: char| c.is_whitespace() || c == '/' || c == '\'')
            .unwrap_or(tail.len());
        let (authority, after) = tail.split_at(end);
        clean.push_str(
            authority
                .rsplit_once('@')
                .map_or(authority, |(_, host)| host),
        );
        rest = after;
    }
    clean.push_str(rest);
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_left_out() {
        assert_eq!(
            without_passwords("fatal: 'https://me:pw@host/x' and http://a/b@c"),
            "fatal: 'https://host/x' and http://a/b@c"
        );
    }
}
