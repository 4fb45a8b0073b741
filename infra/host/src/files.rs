//! Files that components see: read-only folders of their file system.

use crate::manifest::Mount;
use std::path::{Path, PathBuf};

/// A folder of the host and where the guest sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Preopen {
    /// On the host.
    pub host: PathBuf,
    /// In the guest.
    pub guest: String,
}

/// Makes the folders for one component's `files`.
///
/// A folder with a destination is given as it is, so edits are seen at once. Single files and globs are copied to
/// `staging`, which holds nothing else, since WASI can open folders only.
pub(crate) fn prepare(
    mounts: &[Mount],
    app_dir: &Path,
    staging: &Path,
) -> Result<Vec<Preopen>, String> {
    let failed = |path: &Path, error: std::io::Error| format!("{}: {error}", path.display());
    match std::fs::remove_dir_all(staging) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(failed(staging, error));
        }
        _ => {}
    }
    let mut preopens = Vec::new();
    let mut copied = false;
    let mut copy = |from: &Path, to: &str| {
        let to = staging.join(to.trim_start_matches('/'));
        if let Some(parent) = to.parent() {
            std::fs::create_dir_all(parent).map_err(|error| failed(parent, error))?;
        }
        copied = true;
        std::fs::copy(from, &to)
            .map(|_| ())
            .map_err(|error| failed(from, error))
    };
    for mount in mounts {
        match mount {
            Mount::Path {
                source,
                destination,
            } if source.is_dir() => {
                preopens.push(Preopen {
                    host: source.clone(),
                    guest: destination.clone(),
                });
            }
            Mount::Path {
                source,
                destination,
            } => copy(source, destination)?,
            Mount::Glob(pattern) => {
                let files = matching(app_dir, pattern)?;
                if files.is_empty() {
                    return Err(format!(
                        "{pattern:?} matches no file in {}",
                        app_dir.display()
                    ));
                }
                for file in files {
                    copy(&app_dir.join(&file), &file)?;
                }
            }
        }
    }
    if copied {
        preopens.push(Preopen {
            host: staging.to_owned(),
            guest: "/".to_owned(),
        });
    }
    Ok(preopens)
}

/// The files below `dir` whose relative path matches `pattern`, in order.
fn matching(dir: &Path, pattern: &str) -> Result<Vec<String>, String> {
    let glob = globset::GlobBuilder::new(pattern)
        .literal_separator(true)
        .build()
        .map_err(|error| error.to_string())?
        .compile_matcher();
    // Only what stands before the first wildcard is walked, so that `assets/**` doesn't read target/.
    let fixed: PathBuf = pattern
        .split('/')
        .take_while(|part| !part.contains(['*', '?', '[', '{']))
        .collect();
    if fixed.is_absolute()
        || fixed
            .components()
            .any(|part| part == std::path::Component::ParentDir)
    {
        return Err(format!("{pattern:?} must stay in the manifest's folder"));
    }
    let mut found = Vec::new();
    let mut pending = vec![fixed];
    while let Some(relative) = pending.pop() {
        let path = dir.join(&relative);
        if path.is_dir() {
            let entries =
                std::fs::read_dir(&path).map_err(|error| format!("{}: {error}", path.display()))?;
            pending.extend(
                entries
                    .flatten()
                    .map(|entry| relative.join(entry.file_name())),
            );
        } else if path.is_file() && glob.is_match(&relative) {
            found.push(relative.to_string_lossy().into_owned());
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_given_and_globs_are_copied() {
        let dir = tempfile::tempdir().unwrap();
        let app = dir.path().join("app");
        std::fs::create_dir_all(app.join("assets/deep")).unwrap();
        std::fs::create_dir_all(app.join("personas")).unwrap();
        std::fs::write(app.join("assets/a.txt"), "a").unwrap();
        std::fs::write(app.join("assets/deep/b.txt"), "b").unwrap();
        std::fs::write(app.join("assets/deep/c.bin"), "c").unwrap();
        let staging = dir.path().join("staging");
        let mounts = [
            Mount::Glob("assets/**/*.txt".to_owned()),
            Mount::Path {
                source: app.join("personas"),
                destination: "/personas".to_owned(),
            },
        ];
        // Twice: what an earlier start staged is gone.
        std::fs::create_dir_all(staging.join("old")).unwrap();
        let preopens = prepare(&mounts, &app, &staging).unwrap();
        assert_eq!(
            preopens,
            [
                Preopen {
                    host: app.join("personas"),
                    guest: "/personas".to_owned()
                },
                Preopen {
                    host: staging.clone(),
                    guest: "/".to_owned()
                },
            ]
        );
        assert_eq!(
            matching(&staging, "**/*").unwrap(),
            ["assets/a.txt", "assets/deep/b.txt"]
        );
        assert!(!staging.join("old").exists());

        let nothing = prepare(&[Mount::Glob("assets/*.md".to_owned())], &app, &staging);
        assert!(nothing.unwrap_err().contains("matches no file"));
        let outside = prepare(&[Mount::Glob("../*".to_owned())], &app, &staging);
        assert!(outside.unwrap_err().contains("must stay"));
    }
}
