use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use loom_workspace::WorkspaceError;

use crate::error::{Context, Result};

/// Directories that the sandbox lets programs read anyway.
const SYSTEM_PREFIXES: [&str; 4] = ["/usr", "/bin", "/sbin", "/nix/store"];

/// Where compilers and tools are, found once from the service's own environment.
pub(crate) struct Toolchain {
    path: Vec<PathBuf>,
    readable: Vec<PathBuf>,
    cargo_home: Option<PathBuf>,
    /// Passed on to programs as it is.
    environment: BTreeMap<String, String>,
    /// The toolchain that rustup chose for the service; used where a project chooses none.
    rustup_toolchain: Option<String>,
}

impl Toolchain {
    /// Finds what there is. `more` are directories to read besides.
    pub(crate) fn discover(more: &[PathBuf]) -> Self {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let home = variable("HOME").map(PathBuf::from);
        let in_home = |name: &str| home.as_ref().map(|home| home.join(name));
        let place = |name: &str, default: &str| {
            variable(name)
                .map(PathBuf::from)
                .or_else(|| in_home(default))
        };

        let path: Vec<PathBuf> =
            std::env::split_paths(&variable("PATH").unwrap_or_else(|| "/usr/bin:/bin".to_owned()))
                .filter(|directory| directory.is_absolute() && directory.is_dir())
                .collect();
        let mut readable: Vec<PathBuf> = path
            .iter()
            .filter(|directory| {
                !SYSTEM_PREFIXES
                    .iter()
                    .any(|prefix| directory.starts_with(prefix))
            })
            // Nobody's whole home, even if somebody has put it into the path.
            .filter(|directory| {
                !home
                    .as_ref()
                    .is_some_and(|home| home.starts_with(directory))
            })
            // Programs in `/opt/<name>/bin` come with what is beside them.
            .map(|directory| {
                match directory
                    .strip_prefix("/opt")
                    .ok()
                    .and_then(|rest| rest.iter().next())
                {
                    Some(name) => Path::new("/opt").join(name),
                    None => directory.clone(),
                }
            })
            .collect();
        let mut environment = BTreeMap::new();

        let cargo_home = place("CARGO_HOME", ".cargo").filter(|path| path.is_dir());
        if let Some(cargo) = &cargo_home {
            readable.extend(
                ["bin", "registry", "git", "config.toml", "config"].map(|name| cargo.join(name)),
            );
        }
        // Each is told where it is, because programs get another home directory.
        for (name, default) in [
            ("RUSTUP_HOME", ".rustup"),
            ("PYENV_ROOT", ".pyenv"),
            ("NVM_DIR", ".nvm"),
        ] {
            if let Some(place) = place(name, default).filter(|path| path.is_dir()) {
                environment.insert(name.to_owned(), place.to_string_lossy().into_owned());
                readable.push(place);
            }
        }
        let go_modules = variable("GOMODCACHE")
            .map(PathBuf::from)
            .or_else(|| in_home("go/pkg/mod"));
        if let Some(modules) = go_modules.filter(|path| path.is_dir()) {
            environment.insert(
                "GOMODCACHE".to_owned(),
                modules.to_string_lossy().into_owned(),
            );
            readable.push(modules);
        }
        if let Some(root) = variable("GOROOT") {
            readable.push(PathBuf::from(root));
        }
        readable.extend(more.iter().cloned());
        readable.sort();
        readable.dedup();
        Self {
            path,
            readable,
            cargo_home,
            environment,
            rustup_toolchain: variable("RUSTUP_TOOLCHAIN"),
        }
    }

    /// What programs may read besides the system.
    pub(super) fn readable(&self) -> &[PathBuf] {
        &self.readable
    }

    /// The program that `argv` names: found by `PATH`, or, where it contains a `/`, in the worktree.
    pub(super) fn find(&self, argv: &[String], worktree: &Path) -> Result<PathBuf> {
        let name = argv.first().map_or("", String::as_str);
        let candidates: Vec<PathBuf> = if name.contains('/') {
            vec![worktree.join(name)]
        } else {
            self.path
                .iter()
                .map(|directory| directory.join(name))
                .collect()
        };
        let runs = |path: &PathBuf| {
            path.metadata()
                .is_ok_and(|about| about.is_file() && about.permissions().mode() & 0o111 != 0)
        };
        candidates.into_iter().find(runs).ok_or_else(|| {
            WorkspaceError::refused(
                "program_not_found",
                format!("there is no program {name} on the machine of the workspace service"),
            )
            .with("program", name)
        })
    }

    /// Makes the run's private directories, and gives the environment of its programs.
    pub(super) fn prepare(
        &self,
        worktree: &Path,
        private: &Path,
    ) -> Result<BTreeMap<String, String>> {
        let directory = |name: &str| -> Result<String> {
            let path = private.join(name);
            std::fs::create_dir_all(&path).doing("make a private directory")?;
            Ok(path.to_string_lossy().into_owned())
        };
        let search: Vec<String> = self
            .path
            .iter()
            .map(|path| path.to_string_lossy().into_owned())
            .collect();
        let mut environment = self.environment.clone();
        for (name, value) in [
            ("PATH", search.join(":")),
            ("HOME", directory("home")?),
            ("TMPDIR", directory("tmp")?),
            ("LANG", "C.UTF-8".to_owned()),
            ("TERM", "dumb".to_owned()),
            ("NO_COLOR", "1".to_owned()),
            ("CI", "1".to_owned()),
            ("CARGO_HOME", directory("cargo")?),
            ("CARGO_TARGET_DIR", directory("target")?),
            ("CARGO_NET_OFFLINE", "true".to_owned()),
            ("CARGO_TERM_COLOR", "never".to_owned()),
            ("RUSTUP_AUTO_INSTALL", "0".to_owned()),
            ("GOCACHE", directory("go-build")?),
            ("GOPROXY", "off".to_owned()),
            ("GOTOOLCHAIN", "local".to_owned()),
            ("npm_config_cache", directory("npm")?),
            ("npm_config_offline", "true".to_owned()),
            ("npm_config_update_notifier", "false".to_owned()),
            ("PYTHONDONTWRITEBYTECODE", "1".to_owned()),
        ] {
            environment.insert(name.to_owned(), value);
        }
        let chooses = ["rust-toolchain.toml", "rust-toolchain"]
            .iter()
            .any(|name| worktree.join(name).exists());
        if let Some(toolchain) = self.rustup_toolchain.as_ref().filter(|_| !chooses) {
            environment.insert("RUSTUP_TOOLCHAIN".to_owned(), toolchain.clone());
        }
        self.share_cargo(&private.join("cargo"))
            .doing("prepare cargo's directory")?;
        Ok(environment)
    }

    /// Cargo takes a lock in its home and unpacks crates into it, so the run gets one of its own, in which what was
    /// downloaded is a link to what the user has: visible, and not to be changed.
    fn share_cargo(&self, private: &Path) -> io::Result<()> {
        let Some(shared) = &self.cargo_home else {
            return Ok(());
        };
        for directory in ["registry/src", "git/checkouts"] {
            std::fs::create_dir_all(private.join(directory))?;
        }
        for part in [
            "registry/index",
            "registry/cache",
            "git/db",
            "config.toml",
            "config",
        ] {
            let (target, link) = (shared.join(part), private.join(part));
            if !target.exists() {
                continue;
            }
            match symlink(target, link) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }
}
