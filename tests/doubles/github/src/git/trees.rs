use std::process::Command;

use super::{Git, GitError, GitResult, run};

/// An entry of a tree.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    pub(crate) mode: String,
    /// `blob`, `tree` or `commit` (a submodule).
    pub(crate) kind: String,
    pub(crate) sha: String,
    /// Of a blob, in bytes.
    pub(crate) size: Option<u64>,
    pub(crate) path: String,
}

/// One change on the way from a tree to the next.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TreeChange {
    pub(crate) path: String,
    pub(crate) mode: String,
    /// The object that is to be there; `None` deletes what is.
    pub(crate) sha: Option<String>,
}

impl Git {
    /// The entries of a tree (or of a commit's), with those of its subtrees if `recursive`.
    pub(crate) fn tree(&self, tree: &str, recursive: bool) -> GitResult<Vec<Entry>> {
        let mut arguments = vec!["ls-tree", "-z", "-l"];
        if recursive {
            arguments.extend(["-r", "-t"]);
        }
        arguments.push(tree);
        Ok(entries(&self.bytes(arguments)?))
    }

    /// What is at a path.
    pub(crate) fn at(&self, tree: &str, path: &str) -> GitResult<Option<Entry>> {
        let mut found: Option<Entry> = None;
        for part in path.split('/') {
            let parent = match &found {
                None => tree,
                Some(entry) if entry.kind == "tree" => &entry.sha,
                Some(_) => return Ok(None),
            };
            let entries = self.tree(parent, false)?;
            match entries.into_iter().find(|entry| entry.path == part) {
                Some(entry) => found = Some(entry),
                None => return Ok(None),
            }
        }
        Ok(found.map(|entry| Entry {
            path: path.to_owned(),
            ..entry
        }))
    }

    /// A tree made from another (`None`: from nothing) by changes.
    pub(crate) fn write_tree(
        &self,
        base: Option<&str>,
        changes: &[TreeChange],
    ) -> GitResult<String> {
        let folder = tempfile::tempdir().map_err(|error| GitError {
            message: format!("cannot make a folder for the index: {error}"),
        })?;
        let index = folder.path().join("index");
        let with_index = |arguments: &[&str]| -> Command {
            let mut command = self.command(arguments);
            command.env("GIT_INDEX_FILE", &index);
            command
        };
        match base {
            Some(base) => run(&mut with_index(&["read-tree", base]), None)?,
            None => run(&mut with_index(&["read-tree", "--empty"]), None)?,
        };
        let mut info = Vec::new();
        for change in changes {
            // What was there goes first, a whole folder if it was one.
            let old = run(
                &mut with_index(&[
                    "ls-files",
                    "-z",
                    "--",
                    &format!(":(literal){}", change.path),
                ]),
                None,
            )?;
            for path in old.split(|byte| *byte == 0).filter(|path| !path.is_empty()) {
                info.extend_from_slice(format!("0 {}\t", "0".repeat(40)).as_bytes());
                info.extend_from_slice(path);
                info.push(0);
            }
            match &change.sha {
                None => {}
                Some(sha) if change.mode == "040000" => {
                    for entry in self.tree(sha, true)? {
                        if entry.kind != "tree" {
                            let line = format!(
                                "{} {}\t{}/{}\0",
                                entry.mode, entry.sha, change.path, entry.path
                            );
                            info.extend_from_slice(line.as_bytes());
                        }
                    }
                }
                Some(sha) => {
                    info.extend_from_slice(
                        format!("{} {sha}\t{}\0", change.mode, change.path).as_bytes(),
                    );
                }
            }
        }
        run(
            &mut with_index(&["update-index", "-z", "--index-info"]),
            Some(&info),
        )?;
        Ok(super::line(&run(&mut with_index(&["write-tree"]), None)?))
    }
}

fn entries(output: &[u8]) -> Vec<Entry> {
    output
        .split(|byte| *byte == 0)
        .filter_map(|record| {
            let record = String::from_utf8_lossy(record);
            let (head, path) = record.split_once('\t')?;
            let mut parts = head.split_whitespace();
            Some(Entry {
                mode: parts.next()?.to_owned(),
                kind: parts.next()?.to_owned(),
                sha: parts.next()?.to_owned(),
                size: parts.next()?.parse().ok(),
                path: path.to_owned(),
            })
        })
        .collect()
}
