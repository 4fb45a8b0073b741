use std::path::{Path, PathBuf};

use crate::error::{Context, Result};
use crate::files::digest;

/// Files by which tools recognise that they are inside of a project. They look for them in all directories above.
const MARKS: [&str; 11] = [
    ".cargo/config",
    ".cargo/config.toml",
    "Cargo.toml",
    "go.mod",
    "go.work",
    "package.json",
    "pyproject.toml",
    "pytest.ini",
    "rust-toolchain",
    "rust-toolchain.toml",
    "tox.ini",
];

/// Where worktrees and private files live: below the service's root, unless that is inside of somebody's project,
/// whose settings cargo and others would then try to read, and fail to in the sandbox. Then it is a directory of its
/// own, named after the root, in the user's state directory.
pub(crate) fn of(root: &Path) -> Result<PathBuf> {
    let variable = |name: &str| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let home = variable("HOME");
    let state = variable("XDG_STATE_HOME")
        .or_else(|| home.as_ref().map(|home| home.join(".local/state")))
        .unwrap_or_else(std::env::temp_dir);
    choose(root, home.as_deref(), &state)
}

fn choose(root: &Path, home: Option<&Path>, state: &Path) -> Result<PathBuf> {
    // Cargo's settings in the home directory are the user's own, and readable in the sandbox.
    let is_users = |path: &Path| home.is_some_and(|home| path.starts_with(home.join(".cargo")));
    let is_marked = |directory: &Path| {
        MARKS
            .iter()
            .map(|mark| directory.join(mark))
            .any(|mark| mark.exists() && !is_users(&mark))
    };
    if !root.ancestors().any(is_marked) {
        return Ok(root.to_owned());
    }
    let name = digest(root.to_string_lossy().as_bytes());
    let place = state.join("loom").join(name.get(..16).unwrap_or(&name));
    std::fs::create_dir_all(&place).doing("make the directory for worktrees")?;
    place
        .canonicalize()
        .doing("find the directory for worktrees")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn worktrees_are_never_inside_of_a_project() {
        let outer = tempfile::tempdir().unwrap();
        let state = tempfile::tempdir().unwrap();
        let root = outer.path().join("a/b");
        std::fs::create_dir_all(&root).unwrap();
        assert_eq!(choose(&root, None, state.path()).unwrap(), root);
        std::fs::write(outer.path().join("Cargo.toml"), "").unwrap();
        let place = choose(&root, None, state.path()).unwrap();
        assert!(place.starts_with(state.path().canonicalize().unwrap()));
        assert_eq!(choose(&root, None, state.path()).unwrap(), place);
    }

    #[test]
    fn the_users_own_cargo_settings_are_no_project() {
        let home = tempfile::tempdir().unwrap();
        std::fs::create_dir(home.path().join(".cargo")).unwrap();
        std::fs::write(home.path().join(".cargo/config.toml"), "").unwrap();
        let root = home.path().join("root");
        assert_eq!(choose(&root, Some(home.path()), home.path()).unwrap(), root);
        assert_ne!(choose(&root, None, home.path()).unwrap(), root);
    }
}
