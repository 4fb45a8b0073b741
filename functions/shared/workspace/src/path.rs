//! Which paths name something inside a workspace.
//!
//! This is the lexical half of the rule; an adapter with a real file system must also make sure that no symbolic
//! link leads out.

use crate::WorkspaceError;

/// The longest path, in bytes.
pub const MAX_PATH: usize = 1024;
const MAX_PART: usize = 255;

/// Brings a path to its one form: no leading `./`, no doubled or trailing `/`. The root is the empty string.
///
/// Refuses with `path_outside_workspace` what is absolute, climbs with `..` or names git's own directory, and with
/// `invalid_path` what can't be a path at all.
pub fn normalize(path: &str) -> Result<String, WorkspaceError> {
    if path.len() > MAX_PATH || path.chars().any(char::is_control) {
        return Err(invalid(
            path,
            "it is too long or contains control characters",
        ));
    }
    if path.starts_with('/') {
        return Err(outside(path, "absolute paths are not accepted"));
    }
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                return Err(outside(
                    path,
                    "`..` is not accepted, even where it would stay inside",
                ));
            }
            part if part.eq_ignore_ascii_case(".git") => {
                return Err(outside(
                    path,
                    "git's own directory is not part of the workspace",
                ));
            }
            part if part.len() > MAX_PART => return Err(invalid(path, "a part of it is too long")),
            part => parts.push(part),
        }
    }
    Ok(parts.join("/"))
}

/// [`normalize`], for a path that must name a file: the root is refused with `invalid_path`.
pub fn normalize_file(path: &str) -> Result<String, WorkspaceError> {
    let normal = normalize(path)?;
    if normal.is_empty() {
        return Err(invalid(path, "it names no file"));
    }
    Ok(normal)
}

fn outside(path: &str, why: &str) -> WorkspaceError {
    WorkspaceError::refused(
        "path_outside_workspace",
        format!("{path:?} is not inside the workspace: {why}; give a path relative to the repository's root"),
    )
    .with("path", path)
}

fn invalid(path: &str, why: &str) -> WorkspaceError {
    let shown: String = path.chars().take(100).collect();
    WorkspaceError::refused(
        "invalid_path",
        format!("{shown:?} is not a usable path: {why}"),
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn paths_have_one_form() {
        assert_eq!(normalize("./src//lib.rs/").unwrap(), "src/lib.rs");
        assert_eq!(normalize("").unwrap(), "");
        assert_eq!(normalize(".").unwrap(), "");
        assert_eq!(normalize_file("a b/ü.txt").unwrap(), "a b/ü.txt");
        assert_eq!(normalize(".gitignore").unwrap(), ".gitignore");
    }

    #[test]
    fn what_leads_out_is_refused() {
        for path in [
            "/etc/passwd",
            "../x",
            "a/../b",
            "a/..",
            ".git/config",
            "sub/.GIT/hooks",
        ] {
            assert_eq!(
                normalize(path).unwrap_err().code,
                "path_outside_workspace",
                "{path}"
            );
        }
        for path in ["a\0b", "a\nb", &"x".repeat(256), &"x/".repeat(600)] {
            assert_eq!(normalize(path).unwrap_err().code, "invalid_path");
        }
        assert_eq!(normalize_file("./").unwrap_err().code, "invalid_path");
    }

    proptest! {
        #[test]
        fn a_normal_path_stays_inside(path in "[./a-z]{0,40}") {
            if let Ok(normal) = normalize(&path) {
                prop_assert!(!normal.starts_with('/') && !normal.ends_with('/'));
                prop_assert!(normal.is_empty() || normal.split('/').all(|p| !p.is_empty() && p != "." && p != ".."));
                prop_assert_eq!(normalize(&normal).unwrap(), normal);
            }
        }
    }
}
