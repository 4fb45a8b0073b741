//! `spin.toml`: read, checked, and turned into the application that this host runs.
//!
//! Everything that Spin 4.1 accepts is either honoured or refused by name: a manifest never means less here than it
//! says.

mod app;
mod schema;

pub use app::{App, Build, Component, Cron, Mount, Route, Variable};

use std::path::Path;

/// Why a manifest can't be run.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// The file can't be read.
    #[error("{path} can't be read: {reason}; name another manifest with --manifest")]
    Unreadable {
        /// The manifest's path as given.
        path: String,
        /// The operating system's reason.
        reason: String,
    },
    /// It isn't TOML, has a key that no version of Spin knows, or a value of the wrong type.
    #[error("spin.toml: {0}")]
    Syntax(String),
    /// A key that Spin knows and this host doesn't.
    #[error("spin.toml: {key} is not supported by `loom up`; {instead}")]
    Unsupported {
        /// The key's path, such as `component.mail.ai_models`.
        key: String,
        /// What to do instead.
        instead: String,
    },
    /// The parts of the manifest don't fit together.
    #[error("spin.toml: {key}: {reason}")]
    Invalid {
        /// The key's path.
        key: String,
        /// What is wrong and what would be right.
        reason: String,
    },
}

/// Reads and checks the manifest at `path`. Relative paths in it are relative to its folder.
pub fn load(path: &Path) -> Result<App, ManifestError> {
    let text = std::fs::read_to_string(path).map_err(|error| ManifestError::Unreadable {
        path: path.display().to_string(),
        reason: error.to_string(),
    })?;
    let dir = match path.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => dir,
        _ => Path::new("."),
    };
    parse(&text, dir)
}

/// Checks the manifest `text`, whose relative paths start from `dir`.
pub fn parse(text: &str, dir: &Path) -> Result<App, ManifestError> {
    app::check(schema::parse(text)?, dir)
}
