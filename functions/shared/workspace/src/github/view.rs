//! The files as a run sees them: those of the tree, with its changes on top.

use std::collections::BTreeMap;

use loom_github::{Mode, Repository};
use loom_platform::Platform;

use super::{
    error::{self, Result},
    mode::is_regular,
    overlay::{self, Changes, Now},
    space::Space,
    tree::{self, Item, is_below},
};
use crate::file::{
    MAX_FILE, below_a_file, leads_out, link, missing, not_a_file, not_text, too_large,
};

/// How many symbolic links are followed to a file.
const MOST_LINKS: usize = 8;

pub(super) struct View<'v, P: Platform> {
    pub(super) platform: &'v P,
    pub(super) repository: &'v Repository<P>,
    pub(super) run: &'v str,
    pub(super) space: &'v Space,
    pub(super) changes: &'v Changes,
}

/// A file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct File {
    pub(super) mode: Mode,
    /// In bytes. Unknown, and therefore 0, of one that was moved.
    pub(super) size: u64,
    pub(super) source: Source,
}

/// Where a file's content is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    /// At GitHub.
    Blob(String),
    /// Among the run's changes.
    Overlay,
}

/// What lies at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum At {
    Nothing,
    Directory,
    File(File),
}

impl<P: Platform> View<'_, P> {
    /// What lies at a path, links not followed.
    pub(super) async fn at(&self, path: &str) -> Result<At> {
        if path.is_empty() {
            return Ok(At::Directory);
        }
        if let Some(change) = self.changes.get(path)
            && change.now != Now::Deleted
        {
            return Ok(At::File(changed(change)));
        }
        let prefix = format!("{path}/");
        let is_in = |(other, change): (&String, &overlay::Change)| {
            other.starts_with(&prefix) && change.now != Now::Deleted
        };
        if self.changes.iter().any(is_in) {
            return Ok(At::Directory);
        }
        if self.changes.contains_key(path) {
            return Ok(At::Nothing);
        }
        let item = self.base_item(path).await?;
        match item {
            None => Ok(At::Nothing),
            Some(item) if item.mode == Mode::Directory => {
                // git keeps no empty directories.
                let is_touched = self.changes.keys().any(|other| other.starts_with(&prefix));
                if is_touched && self.files(path).await?.is_empty() {
                    return Ok(At::Nothing);
                }
                Ok(At::Directory)
            }
            Some(item) => Ok(At::File(unchanged(item))),
        }
    }

    /// What lies at a path in the tree below the changes.
    pub(super) async fn base_item(&self, path: &str) -> Result<Option<Item>> {
        tree::at(self.platform, self.repository, &self.space.tree, path).await
    }

    /// All files at and below a path.
    pub(super) async fn files(&self, top: &str) -> Result<BTreeMap<String, File>> {
        let items = tree::below(self.platform, self.repository, &self.space.tree, top).await?;
        let mut files: BTreeMap<String, File> = items
            .into_iter()
            .filter(|(_, item)| item.mode != Mode::Directory)
            .map(|(path, item)| (path, unchanged(item)))
            .collect();
        for (path, change) in self.changes.iter().filter(|(path, _)| is_below(path, top)) {
            if change.now == Now::Deleted {
                files.remove(path);
            } else {
                files.insert(path.clone(), changed(change));
            }
        }
        Ok(files)
    }

    /// A text file of at most [`MAX_FILE`] bytes; links to it are followed as long as they stay inside.
    pub(super) async fn text(&self, path: &str) -> Result<String> {
        let mut place = path.to_owned();
        for _ in 0..MOST_LINKS {
            let file = self.file(&place).await?;
            if file.mode != Mode::Link {
                return self.text_of(path, &place, &file).await;
            }
            let target = self.bytes(&place, &file).await?;
            place = followed(path, &place, &String::from_utf8_lossy(&target))?;
        }
        Err(link(path))
    }

    /// The content of a text file; `path` is what it is called in a refusal.
    async fn text_of(&self, path: &str, place: &str, file: &File) -> Result<String> {
        if !is_regular(file.mode) {
            return Err(not_a_file(path));
        }
        if file.size > MAX_FILE as u64 {
            return Err(too_large(path));
        }
        let bytes = self.bytes(place, file).await?;
        if bytes.len() > MAX_FILE {
            return Err(too_large(path));
        }
        String::from_utf8(bytes).map_err(|_| not_text(path))
    }

    /// A file's bytes, or a link's target.
    pub(super) async fn bytes(&self, path: &str, file: &File) -> Result<Vec<u8>> {
        match &file.source {
            Source::Blob(sha) => self.blob(sha).await,
            Source::Overlay => {
                let content = overlay::content(self.platform.database(), self.run, path).await?;
                content.ok_or_else(|| missing(path))
            }
        }
    }

    pub(super) async fn blob(&self, sha: &str) -> Result<Vec<u8>> {
        let bytes = self.repository.get_blob(sha).await.map_err(error::github)?;
        Ok(bytes.to_vec())
    }

    /// What is to be read, edited, moved or deleted at a path. A link is such a file too.
    pub(super) async fn file(&self, path: &str) -> Result<File> {
        match self.at(path).await? {
            At::File(file) => Ok(file),
            At::Directory => Err(not_a_file(path)),
            At::Nothing => {
                self.check_parents(path).await?;
                Err(missing(path))
            }
        }
    }

    /// Refuses a path that leads through something that is no directory.
    pub(super) async fn check_parents(&self, path: &str) -> Result<()> {
        for (end, _) in path.match_indices('/') {
            let parent = path.get(..end).unwrap_or_default();
            match self.at(parent).await? {
                At::File(file) if file.mode == Mode::Link => return Err(link(path)),
                At::File(_) => return Err(below_a_file(path)),
                // Nothing is in a directory that is not there.
                At::Nothing => return Ok(()),
                At::Directory => {}
            }
        }
        Ok(())
    }
}

fn unchanged(item: Item) -> File {
    File {
        mode: item.mode,
        size: item.size,
        source: Source::Blob(item.sha),
    }
}

fn changed(change: &overlay::Change) -> File {
    let (size, source) = match &change.now {
        Now::Content(size) => (*size, Source::Overlay),
        Now::Blob(sha) => (0, Source::Blob(sha.clone())),
        Now::Deleted => (0, Source::Overlay),
    };
    File {
        mode: change.mode,
        size,
        source,
    }
}

/// Where a link leads that lies at `place`.
fn followed(path: &str, place: &str, target: &str) -> Result<String> {
    let outside = || leads_out(path);
    if target.starts_with('/') {
        return Err(outside());
    }
    let directory = place
        .rsplit_once('/')
        .map_or("", |(directory, _)| directory);
    let mut parts: Vec<&str> = directory
        .split('/')
        .filter(|part| !part.is_empty())
        .collect();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop().ok_or_else(outside)?;
            }
            part => parts.push(part),
        }
    }
    crate::path::normalize_file(&parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_stay_inside() {
        assert_eq!(followed("l", "a/b/l", "../c.txt").unwrap(), "a/c.txt");
        assert_eq!(followed("l", "l", "./a//b").unwrap(), "a/b");
        for target in ["/etc/passwd", "../../x", ".git/config", "../a/.GIT/x"] {
            let error = followed("a/l", "a/l", target).unwrap_err();
            assert_eq!(error.code, "path_outside_workspace", "{target}");
        }
    }
}
