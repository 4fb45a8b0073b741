use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

/// A file to commit.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct FileSpec {
    /// Where it is, from the root of the repository.
    pub path: String,
    /// `100644`, `100755` or `120000` (a symbolic link, whose content is its target).
    #[serde(default = "plain")]
    pub mode: String,
    /// Its content as text; with `base64`, encoded.
    #[serde(default)]
    pub content: String,
    /// Whether `content` is base64.
    #[serde(default)]
    pub base64: bool,
}

fn plain() -> String {
    String::from("100644")
}

impl FileSpec {
    /// A file of any bytes.
    pub fn new(path: &str, mode: &str, content: &[u8]) -> Self {
        Self {
            path: path.to_owned(),
            mode: mode.to_owned(),
            content: STANDARD.encode(content),
            base64: true,
        }
    }

    /// A text file.
    pub fn text(path: &str, content: &str) -> Self {
        Self::new(path, "100644", content.as_bytes())
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        if self.base64 {
            STANDARD
                .decode(self.content.replace(['\n', '\r'], ""))
                .unwrap_or_default()
        } else {
            self.content.clone().into_bytes()
        }
    }
}

/// A repository to be made.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewRepository {
    /// The account that owns it.
    pub owner: String,
    /// Its name.
    pub name: String,
    /// Whether strangers get 404.
    #[serde(default = "yes")]
    pub private: bool,
    /// The branch of the first commit.
    #[serde(default = "main")]
    pub default_branch: String,
    /// Its first commit; an empty repository without any.
    #[serde(default)]
    pub files: Vec<FileSpec>,
    /// A folder whose files are committed first too (without its `.git`).
    #[serde(default)]
    pub directory: Option<PathBuf>,
    /// What an Actions run executes; without it, the `run:` lines of the workflow.
    #[serde(default)]
    pub test_command: Option<Vec<String>>,
    /// How long that may take, in seconds.
    #[serde(default = "minute")]
    pub test_limit_seconds: u64,
    /// How many entries a recursive tree has before it is cut off.
    #[serde(default = "entries")]
    pub tree_limit: usize,
    /// Whether `mergeable` is `null` the first time that a pull request is read after either side moved: GitHub only
    /// begins to find out then.
    #[serde(default)]
    pub mergeable_later: bool,
}

fn yes() -> bool {
    true
}

fn main() -> String {
    String::from("main")
}

fn minute() -> u64 {
    60
}

fn entries() -> usize {
    100_000
}

impl NewRepository {
    /// An empty private repository.
    pub fn new(owner: &str, name: &str) -> Self {
        Self {
            owner: owner.to_owned(),
            name: name.to_owned(),
            private: true,
            default_branch: main(),
            files: Vec::new(),
            directory: None,
            test_command: None,
            test_limit_seconds: minute(),
            tree_limit: entries(),
            mergeable_later: false,
        }
    }

    /// With a text file.
    pub fn file(self, path: &str, content: &str) -> Self {
        self.file_with_mode(path, "100644", content.as_bytes())
    }

    /// With any file.
    pub fn file_with_mode(mut self, path: &str, mode: &str, content: &[u8]) -> Self {
        self.files.push(FileSpec::new(path, mode, content));
        self
    }

    /// With the files of a folder.
    pub fn directory(mut self, path: &Path) -> Self {
        self.directory = Some(path.to_owned());
        self
    }

    /// With a workflow `.github/workflows/test.yml` that runs on every push, and the command that it executes.
    pub fn tested_by(mut self, command: &[&str]) -> Self {
        self.test_command = Some(command.iter().map(|part| (*part).to_owned()).collect());
        let workflow = format!(
            "name: test\non:\n  push:\n  workflow_dispatch:\njobs:\n  test:\n    runs-on: ubuntu-latest\n    steps:\n      - uses: actions/checkout@v4\n      - run: {}\n",
            command.join(" ")
        );
        self.file(".github/workflows/test.yml", &workflow)
    }

    /// Visible to everybody.
    pub fn public(mut self) -> Self {
        self.private = false;
        self
    }

    /// Everything of the first commit.
    pub(crate) fn all_files(&self) -> io::Result<Vec<FileSpec>> {
        let mut files = Vec::new();
        if let Some(directory) = &self.directory {
            read(directory, "", &mut files)?;
        }
        files.extend(self.files.iter().cloned());
        Ok(files)
    }
}

fn read(folder: &Path, prefix: &str, files: &mut Vec<FileSpec>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name == ".git" {
            continue;
        }
        let path = format!("{prefix}{name}");
        let kind = entry.file_type()?;
        if kind.is_dir() {
            read(&entry.path(), &format!("{path}/"), files)?;
        } else if kind.is_symlink() {
            let target = fs::read_link(entry.path())?;
            let target = target.to_string_lossy().into_owned();
            files.push(FileSpec::new(&path, "120000", target.as_bytes()));
        } else {
            let executable = entry.metadata()?.permissions().mode() & 0o111 != 0;
            let mode = if executable { "100755" } else { "100644" };
            files.push(FileSpec::new(&path, mode, &fs::read(entry.path())?));
        }
    }
    Ok(())
}
