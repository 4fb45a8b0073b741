use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::Scale;

/// What a benchmark comes to. The error is a sentence.
pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// The programs that are measured.
#[derive(Debug, Clone)]
pub struct Programs {
    /// The `loom` command.
    pub loom: PathBuf,
    /// This program, which serves `handle` natively as `loom-bench serve-native`.
    pub bench: PathBuf,
}

/// What all benchmarks of one run share.
#[derive(Debug)]
pub struct Bench {
    /// What is measured.
    pub programs: Programs,
    /// How much is measured.
    pub scale: Scale,
    directory: TempDir,
}

impl Bench {
    /// A run with an empty folder, which goes away with this.
    pub fn new(programs: Programs, scale: Scale) -> Result<Self> {
        let directory = tempfile::Builder::new().prefix("loom-bench-").tempdir()?;
        std::fs::create_dir(directory.path().join("cache"))?;
        Ok(Self {
            programs,
            scale,
            directory,
        })
    }

    /// The root of the repository, where the manifest and the personas are.
    pub fn root() -> &'static Path {
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
    }

    /// The folder of this run.
    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// A state folder for the host, which shares its compiled components with those of the other benchmarks.
    pub(crate) fn state(&self, name: &str) -> Result<PathBuf> {
        let state = self.directory().join(name);
        std::fs::create_dir_all(state.join("sqlite"))?;
        let cache = state.join("cache");
        if !cache.exists() {
            std::os::unix::fs::symlink(self.directory().join("cache"), cache)?;
        }
        Ok(state)
    }

    /// Removes what was compiled.
    pub(crate) fn forget_compiled(&self) -> Result<()> {
        let cache = self.directory().join("cache");
        std::fs::remove_dir_all(&cache)?;
        Ok(std::fs::create_dir(cache)?)
    }
}
