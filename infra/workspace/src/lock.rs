use std::fs::File;
use std::path::Path;
use std::process::Stdio;

use crate::error::{Context, Result};

/// A lock that other threads, other processes and our own orphans respect.
///
/// It is an `flock`, which belongs to the open file and not to the process: a child that inherits the file holds the
/// lock until it ends, even when we are killed meanwhile.
pub(crate) struct Lock(File);

impl Lock {
    /// Waits for the lock.
    pub(crate) fn take(path: &Path) -> Result<Self> {
        let file = File::options()
            .create(true)
            .read(true)
            .write(true)
            .truncate(false)
            .open(path)
            .doing(&format!("open the lock {}", path.display()))?;
        file.lock().doing("take a lock")?;
        Ok(Self(file))
    }

    /// The lock as a child's standard input, which is empty.
    pub(crate) fn as_input(&self) -> Result<Stdio> {
        self.0.try_clone().map(Stdio::from).doing("pass a lock on")
    }
}
