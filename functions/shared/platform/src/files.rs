use thiserror::Error;

/// Why a file could not be read.
#[derive(Debug, Clone, Error, PartialEq, Eq)]
#[error("{path} could not be read: {reason}")]
pub struct FilesError {
    /// The path that was asked for.
    pub path: String,
    /// The system's own reason.
    pub reason: String,
}

/// Read-only files mounted into the function (the manifest's `files`). Paths are absolute, with `/` between parts.
pub trait Files: Clone + Send + Sync + 'static {
    /// The paths of all regular files below `directory`, sorted. A directory that does not exist has none.
    ///
    /// `directory` must lie in a mount: some hosts show a component its mounts but not the `/` above them.
    fn list(&self, directory: &str) -> Result<Vec<String>, FilesError>;

    /// The content of one file, which must be UTF-8.
    fn read(&self, path: &str) -> Result<String, FilesError>;
}
