use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::{Files, FilesError};

/// Files below one directory of the real file system, which appears to the function as `/`.
///
/// On Spin the directory is the guest's own root, where the manifest's `files` are mounted.
#[derive(Debug, Clone)]
pub struct DirectoryFiles {
    root: PathBuf,
}

impl DirectoryFiles {
    /// Shows what is below `root`. The directory need not exist: then there are no files.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// Where `path` lies, or `None` when it would lead out of the root.
    fn locate(&self, path: &str) -> Option<PathBuf> {
        let mut located = self.root.clone();
        for part in path.split('/') {
            match part {
                "" | "." => {}
                ".." => return None,
                name if name.contains('\\') => return None,
                name => located.push(name),
            }
        }
        Some(located)
    }
}

impl Files for DirectoryFiles {
    fn list(&self, directory: &str) -> Result<Vec<String>, FilesError> {
        let Some(start) = self.locate(directory) else {
            return Err(outside(directory));
        };
        let mut paths = Vec::new();
        let mut pending = vec![start];
        while let Some(next) = pending.pop() {
            let entries = match fs::read_dir(&next) {
                Ok(entries) => entries,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(failed(&self.shown(&next), &error)),
            };
            for entry in entries {
                let entry = entry.map_err(|error| failed(&self.shown(&next), &error))?;
                let path = entry.path();
                let kind = entry
                    .file_type()
                    .map_err(|error| failed(&self.shown(&path), &error))?;
                // A link to a directory is not followed, so a cycle of links can't go on for ever.
                if kind.is_dir() {
                    pending.push(path);
                } else if kind.is_file() || path.is_file() {
                    paths.push(self.shown(&path));
                }
            }
        }
        paths.sort();
        Ok(paths)
    }

    fn read(&self, path: &str) -> Result<String, FilesError> {
        let located = self.locate(path).ok_or_else(|| outside(path))?;
        fs::read_to_string(located).map_err(|error| failed(path, &error))
    }
}

impl DirectoryFiles {
    /// The path as the function sees it.
    fn shown(&self, path: &Path) -> String {
        let below = path.strip_prefix(&self.root).unwrap_or(path);
        let mut shown = String::new();
        for part in below {
            shown.push('/');
            shown.push_str(&part.to_string_lossy());
        }
        shown
    }
}

fn failed(path: &str, error: &io::Error) -> FilesError {
    FilesError {
        path: path.to_owned(),
        reason: error.to_string(),
    }
}

fn outside(path: &str) -> FilesError {
    FilesError {
        path: path.to_owned(),
        reason: "the path leads out of the mounted files".to_owned(),
    }
}
