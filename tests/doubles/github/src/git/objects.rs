use std::process::Stdio;

use super::{Git, GitError, GitResult, run};
use crate::time;

/// Who did something, and when.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Signature {
    pub(crate) name: String,
    pub(crate) email: String,
    pub(crate) seconds: i64,
    /// As in `+0200`.
    pub(crate) zone: String,
}

impl Signature {
    /// A signature in UTC. What Git cannot write in a name is left out.
    pub(crate) fn new(name: &str, email: &str, seconds: i64) -> Self {
        let clean = |text: &str| -> String {
            text.chars()
                .filter(|c| !matches!(c, '<' | '>' | '\n' | '\0'))
                .collect::<String>()
                .trim()
                .to_owned()
        };
        Self {
            name: clean(name),
            email: clean(email),
            seconds,
            zone: String::from("+0000"),
        }
    }

    /// The date as the API writes it.
    pub(crate) fn date(&self) -> String {
        time::rfc3339(self.seconds)
    }

    fn line(&self) -> String {
        format!(
            "{} <{}> {} {}",
            self.name, self.email, self.seconds, self.zone
        )
    }

    fn parse(text: &str) -> Option<Self> {
        let (name, rest) = text.split_once('<')?;
        let (email, rest) = rest.split_once('>')?;
        let (seconds, zone) = rest.trim().split_once(' ')?;
        Some(Self {
            name: name.trim().to_owned(),
            email: email.to_owned(),
            seconds: seconds.parse().ok()?,
            zone: zone.to_owned(),
        })
    }
}

/// A commit.
#[derive(Debug, Clone)]
pub(crate) struct Commit {
    pub(crate) sha: String,
    pub(crate) tree: String,
    pub(crate) parents: Vec<String>,
    pub(crate) author: Signature,
    pub(crate) committer: Signature,
    pub(crate) message: String,
}

impl Git {
    /// What kind of object this full name is, if it exists.
    pub(crate) fn kind(&self, sha: &str) -> Option<String> {
        if !is_sha(sha) {
            return None;
        }
        self.text(["cat-file", "-t", sha]).ok()
    }

    /// Stores a blob.
    pub(crate) fn write_blob(&self, content: &[u8]) -> GitResult<String> {
        self.feed(["hash-object", "-w", "--stdin"], content)
    }

    /// The bytes of a blob.
    pub(crate) fn read_blob(&self, sha: &str) -> GitResult<Vec<u8>> {
        self.bytes(["cat-file", "blob", sha])
    }

    /// The full name of the commit that a branch, tag or (abbreviated) name means.
    pub(crate) fn resolve(&self, name: &str) -> Option<String> {
        if name.is_empty() || name.starts_with('-') {
            return None;
        }
        let full = |spec: String| {
            let mut command =
                self.command(["rev-parse", "--verify", "--quiet", "--end-of-options"]);
            command.arg(format!("{spec}^{{commit}}"));
            command.stderr(Stdio::null());
            run(&mut command, None).ok().map(|out| super::line(&out))
        };
        full(format!("refs/heads/{name}"))
            .or_else(|| full(format!("refs/tags/{name}")))
            .or_else(|| {
                name.strip_prefix("heads/")
                    .or(name.strip_prefix("tags/"))
                    .and_then(|_| full(format!("refs/{name}")))
            })
            .or_else(|| {
                let hex = name.len() >= 7 && name.chars().all(|c| c.is_ascii_hexdigit());
                (hex || name == "HEAD" || name.starts_with("refs/"))
                    .then(|| full(name.to_owned()))
                    .flatten()
            })
    }

    /// A commit by its full name.
    pub(crate) fn commit(&self, sha: &str) -> GitResult<Commit> {
        let bytes = self.bytes(["cat-file", "commit", sha])?;
        let text = String::from_utf8_lossy(&bytes);
        let bad = || GitError {
            message: format!("the commit {sha} cannot be read"),
        };
        let (head, message) = text.split_once("\n\n").ok_or_else(bad)?;
        let mut commit = Commit {
            sha: sha.to_owned(),
            tree: String::new(),
            parents: Vec::new(),
            author: Signature::new("", "", 0),
            committer: Signature::new("", "", 0),
            message: message.to_owned(),
        };
        for line in head.lines() {
            match line.split_once(' ') {
                Some(("tree", tree)) => tree.clone_into(&mut commit.tree),
                Some(("parent", parent)) => commit.parents.push(parent.to_owned()),
                Some(("author", who)) => commit.author = Signature::parse(who).ok_or_else(bad)?,
                Some(("committer", who)) => {
                    commit.committer = Signature::parse(who).ok_or_else(bad)?;
                }
                _ => {}
            }
        }
        Ok(commit)
    }

    /// Stores a commit, byte by byte as given, and returns its name.
    pub(crate) fn write_commit(
        &self,
        tree: &str,
        parents: &[String],
        author: &Signature,
        committer: &Signature,
        message: &str,
    ) -> GitResult<String> {
        let mut object = format!("tree {tree}\n");
        for parent in parents {
            object.push_str(&format!("parent {parent}\n"));
        }
        object.push_str(&format!(
            "author {}\ncommitter {}\n\n{message}",
            author.line(),
            committer.line()
        ));
        // hash-object checks the object's form, so a broken one is never stored.
        self.feed(
            ["hash-object", "-t", "commit", "-w", "--stdin"],
            object.as_bytes(),
        )
    }
}

/// Whether a text is a full object name.
pub(crate) fn is_sha(text: &str) -> bool {
    text.len() == 40 && text.chars().all(|c| c.is_ascii_hexdigit())
}
