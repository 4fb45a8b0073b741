use std::{collections::BTreeMap, sync::Arc};

use crate::{Files, FilesError, system::DirectoryFiles};

/// Files from a map of absolute path to content.
#[derive(Debug, Clone, Default)]
pub struct MapFiles {
    files: Arc<BTreeMap<String, String>>,
}

impl MapFiles {
    /// Shows `files`, whose paths must be absolute.
    pub fn new(files: impl IntoIterator<Item = (String, String)>) -> Self {
        Self {
            files: Arc::new(files.into_iter().collect()),
        }
    }
}

impl Files for MapFiles {
    fn list(&self, directory: &str) -> Result<Vec<String>, FilesError> {
        let below = format!("{}/", directory.trim_end_matches('/'));
        Ok(self
            .files
            .keys()
            .filter(|path| path.starts_with(&below))
            .cloned()
            .collect())
    }

    fn read(&self, path: &str) -> Result<String, FilesError> {
        self.files.get(path).cloned().ok_or_else(|| FilesError {
            path: path.to_owned(),
            reason: "there is no such file".to_owned(),
        })
    }
}

/// Files from a directory or from a map.
#[derive(Debug, Clone)]
pub enum NativeFiles {
    /// What is below a real directory.
    Directory(DirectoryFiles),
    /// What a map says.
    Map(MapFiles),
}

impl Files for NativeFiles {
    fn list(&self, directory: &str) -> Result<Vec<String>, FilesError> {
        match self {
            Self::Directory(files) => files.list(directory),
            Self::Map(files) => files.list(directory),
        }
    }

    fn read(&self, path: &str) -> Result<String, FilesError> {
        match self {
            Self::Directory(files) => files.read(path),
            Self::Map(files) => files.read(path),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{MapFiles, NativeFiles};
    use crate::{Files, system::DirectoryFiles};

    #[test]
    fn a_directory_and_a_map_show_the_same() {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir_all(directory.path().join("personas/default/qa")).unwrap();
        fs::write(directory.path().join("personas/default/qa/SKILL.md"), "qa").unwrap();
        fs::write(directory.path().join("personas/readme"), "r").unwrap();
        fs::write(directory.path().join("top"), "t").unwrap();
        let map = [
            ("/personas/default/qa/SKILL.md", "qa"),
            ("/personas/readme", "r"),
            ("/top", "t"),
        ];
        let map = map.map(|(path, content)| (path.to_owned(), content.to_owned()));
        for files in [
            NativeFiles::Directory(DirectoryFiles::new(directory.path())),
            NativeFiles::Map(MapFiles::new(map)),
        ] {
            let below = ["/personas/default/qa/SKILL.md", "/personas/readme"];
            assert_eq!(files.list("/personas").unwrap(), below);
            assert_eq!(files.list("/personas/").unwrap(), below);
            assert_eq!(files.list("/").unwrap().len(), 3);
            assert_eq!(files.list("/person").unwrap(), Vec::<String>::new());
            assert_eq!(files.read("/personas/readme").unwrap(), "r");
            assert_eq!(files.read("/nothing").unwrap_err().path, "/nothing");
        }
    }

    #[test]
    fn no_path_leads_out_of_a_directory() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("secret"), "s").unwrap();
        fs::create_dir(directory.path().join("inside")).unwrap();
        let files = DirectoryFiles::new(directory.path().join("inside"));
        assert!(files.read("/../secret").is_err());
        assert!(files.list("/..").is_err());
    }
}
