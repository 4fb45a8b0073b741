//! The crate that the demo breaks: real, small, without dependencies, and with many tests of its own. cargo downloads
//! it with Loom's dependencies; nothing of it is in Loom's repository.

use super::command::Program;
use super::model::Knowledge;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Its name in the registry.
pub(super) const NAME: &str = "strsim";
/// Its version; the same as in this package's dependencies.
pub(super) const VERSION: &str = "0.11.1";
/// Under which it may be copied and changed.
pub(super) const LICENCE: &str = "MIT";

/// What is done to it, and how a user would report that.
pub(super) struct Bug {
    /// The file.
    pub(super) file: &'static str,
    /// What stands there as published, once.
    pub(super) right: &'static str,
    /// What the demo puts in its place.
    pub(super) wrong: &'static str,
    /// Under which message the mistake is committed.
    pub(super) commit: &'static str,
    /// The bead's title.
    pub(super) title: &'static str,
    /// The bead's description.
    pub(super) description: &'static str,
    /// What the scripted model knows about it.
    pub(super) knowledge: Knowledge,
}

/// The distance to an empty text is never corrected by the inner loop, so there the wrong start shows.
pub(super) const BUG: Bug = Bug {
    file: "src/lib.rs",
    right: "        result = i + 1;\n        let mut distance_b = i;\n",
    wrong: "        result = i;\n        let mut distance_b = i;\n",
    commit: "Tidy up the loop of generic_levenshtein",
    title: "levenshtein(\"kitten\", \"\") is 5 and should be 6",
    description: "Since the last commit, the distance to an empty text is one too small:\n\n    \
                  strsim::levenshtein(\"kitten\", \"\")   // 5, and was 6\n    \
                  strsim::levenshtein(\"\", \"kitten\")   // 6, as it should be\n\n\
                  The test levenshtein_second_empty fails. Please fix the cause; afterwards all tests must pass \
                  (cargo test).",
    knowledge: Knowledge {
        mistake: "result = i;",
        fix: "result = i + 1;",
        because: "After i + 1 characters of a, the distance to an empty b is i + 1; the row begins with i.",
        commit: "levenshtein: the distance to an empty text counts every character\n\nEach row of the table begins with \
                 the distance between the first i + 1 characters of a and nothing, which is i + 1. It began with i, \
                 and where b is empty nothing corrects that.",
    },
};

/// Files that cargo adds to a package or keeps beside it.
const CARGOS_OWN: [&str; 4] = [
    ".cargo-ok",
    ".cargo_vcs_info.json",
    "Cargo.toml.orig",
    "Cargo.lock",
];

/// Where cargo keeps the crate's source. It downloads it if it has not yet.
///
/// A package of its own asks for it, since the metadata of all of Loom's packages would need each of them downloaded,
/// also those of other platforms.
pub(super) async fn locate(scratch: &Path) -> Result<PathBuf, String> {
    let package = scratch.join("asks-for-the-crate");
    let manifest = format!(
        "[package]\nname = \"demo\"\nversion = \"0.0.0\"\nedition = \"2021\"\n[lib]\npath = \"lib.rs\"\n\
         [dependencies]\n{NAME} = \"={VERSION}\"\n[workspace]\n"
    );
    std::fs::create_dir_all(&package)
        .and_then(|()| std::fs::write(package.join("Cargo.toml"), manifest))
        .and_then(|()| std::fs::write(package.join("lib.rs"), ""))
        .map_err(|error| format!("{}: {error}", package.display()))?;
    let ask = |more: &[&str]| {
        let words = [&["metadata", "--format-version", "1"], more].concat();
        Program::cargo(&package, &scratch.join("target"), &words).output()
    };
    let metadata = match ask(&["--offline"]).await {
        Ok(metadata) => metadata,
        Err(_) => ask(&[]).await?,
    };
    source_in(&metadata).ok_or_else(|| format!("cargo does not say where {NAME} {VERSION} is"))
}

fn source_in(metadata: &str) -> Option<PathBuf> {
    let metadata: Value = serde_json::from_str(metadata).ok()?;
    let package = metadata
        .get("packages")?
        .as_array()?
        .iter()
        .find(|package| package.get("name").and_then(Value::as_str) == Some(NAME))?;
    let manifest = Path::new(package.get("manifest_path")?.as_str()?);
    manifest.parent().map(Path::to_owned)
}

/// Copies the crate's files to `to`.
pub(super) fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let name = entry.file_name();
        if CARGOS_OWN.iter().any(|own| name == *own) {
            continue;
        }
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &to.join(name))?;
        } else {
            // Not `copy`: a registry may be read-only, and with it the permissions.
            std::fs::write(to.join(name), std::fs::read(entry.path())?)?;
        }
    }
    Ok(())
}

impl Bug {
    /// Puts the mistake into the copy in `directory`. Returns its line.
    pub(super) fn plant(&self, directory: &Path) -> Result<usize, String> {
        let path = directory.join(self.file);
        let published = std::fs::read_to_string(&path)
            .map_err(|error| format!("{}: {error}", path.display()))?;
        let (line, broken) = self.applied(&published).ok_or_else(|| {
            format!(
                "{} of {NAME} {VERSION} is not what this demo was written for",
                self.file
            )
        })?;
        std::fs::write(&path, broken).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(line)
    }

    fn applied(&self, published: &str) -> Option<(usize, String)> {
        let (before, after) = published.split_once(self.right)?;
        if after.contains(self.right) {
            return None;
        }
        let line = before.lines().count() + 1;
        Some((line, format!("{before}{}{after}", self.wrong)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_is_true_of_the_published_crate() {
        assert_eq!(strsim::levenshtein("kitten", ""), 6);
        assert_eq!(strsim::levenshtein("", "kitten"), 6);
    }

    #[test]
    fn the_mistake_goes_to_one_place_and_the_model_knows_it() {
        let published = format!("fn a() {{\n{}}}\n", BUG.right);
        let (line, broken) = BUG.applied(&published).unwrap();
        assert_eq!(line, 2);
        let (mistake, fix) = (BUG.knowledge.mistake, BUG.knowledge.fix);
        let at: Vec<&str> = broken
            .lines()
            .filter(|line| line.trim() == mistake)
            .collect();
        assert_eq!(at.len(), 1);
        assert_eq!(
            broken.replace(at[0], &at[0].replace(mistake, fix)),
            published
        );
        assert_eq!(BUG.applied(&format!("{published}{published}")), None);
        assert_eq!(BUG.applied("fn a() {}\n"), None);
    }

    #[test]
    fn the_source_is_read_from_cargos_metadata() {
        let metadata = r#"{"packages":[{"name":"demo","manifest_path":"/d/Cargo.toml"},{"name":"strsim","manifest_path":"/r/strsim-0.11.1/Cargo.toml"}]}"#;
        assert_eq!(source_in(metadata).unwrap(), Path::new("/r/strsim-0.11.1"));
        assert_eq!(source_in("{}"), None);
    }
}
