use super::{Git, GitResult};

/// The empty tree, which Git knows without storing it.
const EMPTY: &str = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

/// A file that differs between two trees.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct FileChange {
    /// The new blob, or the old one of a removed file.
    pub(crate) sha: String,
    pub(crate) path: String,
    /// `added`, `removed`, `modified` or `renamed`.
    pub(crate) status: &'static str,
    pub(crate) additions: u64,
    pub(crate) deletions: u64,
    /// The hunks; a binary file has none.
    pub(crate) patch: Option<String>,
    pub(crate) previous: Option<String>,
}

impl Git {
    /// What differs from one commit to another; from nothing if there is no first.
    pub(crate) fn diff(&self, from: Option<&str>, to: &str) -> GitResult<Vec<FileChange>> {
        let from = from.unwrap_or(EMPTY);
        let raw = self.bytes([
            "diff-tree",
            "-r",
            "-M",
            "--raw",
            "--no-abbrev",
            "-z",
            from,
            to,
        ])?;
        let mut changes = raw_changes(&raw);
        let numbers = self.bytes(["diff-tree", "-r", "-M", "--numstat", "-z", from, to])?;
        for (change, (additions, deletions)) in changes.iter_mut().zip(numstat(&numbers)) {
            change.additions = additions;
            change.deletions = deletions;
        }
        let patch = self.bytes(["diff-tree", "-r", "-M", "-p", "--no-color", from, to])?;
        let patch = String::from_utf8_lossy(&patch);
        for (change, patch) in changes.iter_mut().zip(patches(&patch)) {
            change.patch = patch;
        }
        Ok(changes)
    }
}

fn raw_changes(raw: &[u8]) -> Vec<FileChange> {
    let mut fields = raw
        .split(|byte| *byte == 0)
        .map(|field| String::from_utf8_lossy(field).into_owned());
    let mut changes = Vec::new();
    while let Some(head) = fields.next() {
        let parts: Vec<&str> = head.trim_start_matches(':').split(' ').collect();
        let [_, _, old, new, letter] = parts.as_slice() else {
            continue;
        };
        let Some(first) = fields.next() else { break };
        let (status, path, previous) = match letter.chars().next() {
            Some('A') => ("added", first, None),
            Some('D') => ("removed", first, None),
            Some('R') => ("renamed", fields.next().unwrap_or_default(), Some(first)),
            _ => ("modified", first, None),
        };
        changes.push(FileChange {
            sha: (if status == "removed" { *old } else { *new }).to_owned(),
            path,
            status,
            additions: 0,
            deletions: 0,
            patch: None,
            previous,
        });
    }
    changes
}

/// Lines added and deleted of each file; a binary file has none.
fn numstat(output: &[u8]) -> Vec<(u64, u64)> {
    let mut numbers = Vec::new();
    let mut fields = output.split(|byte| *byte == 0);
    while let Some(field) = fields.next() {
        let field = String::from_utf8_lossy(field);
        let mut parts = field.splitn(3, '\t');
        let (Some(added), Some(deleted), Some(path)) = (parts.next(), parts.next(), parts.next())
        else {
            continue;
        };
        numbers.push((added.parse().unwrap_or(0), deleted.parse().unwrap_or(0)));
        // A renamed file has its two names in fields of their own.
        if path.is_empty() {
            fields.next();
            fields.next();
        }
    }
    numbers
}

/// The hunks of each file of a patch.
fn patches(patch: &str) -> Vec<Option<String>> {
    let mut files = Vec::new();
    let mut current: Option<Vec<&str>> = None;
    for line in patch.split('\n') {
        if line.starts_with("diff --git ") {
            files.extend(current.replace(Vec::new()));
        } else if let Some(lines) = &mut current {
            lines.push(line);
        }
    }
    files.extend(current);
    files
        .into_iter()
        .map(|lines| {
            let start = lines.iter().position(|line| line.starts_with("@@"))?;
            let hunks = lines.get(start..)?.join("\n");
            Some(hunks.strip_suffix('\n').unwrap_or(&hunks).to_owned())
        })
        .collect()
}
