use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

/// A git repository in a folder of its own, with a commit on `main` and `main` checked out.
pub struct Repository {
    dir: TempDir,
}

impl Repository {
    /// A repository of these files: paths and contents.
    pub fn new(files: &[(&str, &str)]) -> Self {
        let repository = Self {
            dir: tempfile::tempdir().expect("a temporary folder"),
        };
        repository.git(&["init", "--quiet", "--initial-branch=main"]);
        for (path, content) in files {
            let path = repository.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content).unwrap();
        }
        repository.git(&["add", "--all"]);
        repository.git(&["commit", "--quiet", "--message=Begin"]);
        repository
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// What git prints, trimmed.
    #[track_caller]
    pub fn git(&self, arguments: &[&str]) -> String {
        git(self.path(), arguments).trim().to_owned()
    }

    /// A file's content on `main`, as committed.
    #[track_caller]
    pub fn on_main(&self, path: &str) -> String {
        self.git(&["show", &format!("main:{path}")])
    }

    /// The values of a trailer of all commits on `main`, newest first; commits without it are left out.
    pub fn trailers(&self, name: &str) -> Vec<String> {
        let format = format!("--format=%(trailers:key={name},valueonly,separator=%x2C)");
        self.git(&["log", "main", &format])
            .lines()
            .map(|line| line.trim().to_owned())
            .filter(|value| !value.is_empty())
            .collect()
    }
}

/// What git prints in a folder. The machine's own settings and hooks do not count, and commits are a test's.
#[track_caller]
pub fn git(directory: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=test", "-c", "user.email=test@loom.invalid"])
        .args(["-c", "commit.gpgSign=false"])
        .args(["-c", "core.hooksPath=/dev/null"])
        .args(arguments)
        .current_dir(directory)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .output()
        .expect("git runs");
    assert!(
        output.status.success(),
        "git {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}
