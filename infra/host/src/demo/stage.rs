//! The repository with the broken crate.

use super::command::Program;
use super::evidence::Tests;
use super::paint::{row, say};
use super::specimen::{self, BUG};
use std::path::{Path, PathBuf};

/// The base branch.
pub(super) const BRANCH: &str = "main";

/// A repository of two commits: the crate as published, and the mistake.
pub(super) struct Repository {
    pub(super) path: PathBuf,
    /// The commit with the mistake.
    pub(super) broken: String,
    /// The file that was broken, as published.
    published: String,
}

impl Repository {
    /// Makes it in `folder`. With `check`, the crate's tests must pass before the mistake and fail after it.
    pub(super) async fn make(folder: &Path, scratch: &Path, check: bool) -> Result<Self, String> {
        let source = specimen::locate(scratch).await?;
        let path = folder.join(specimen::NAME);
        specimen::copy(&source, &path)
            .map_err(|error| format!("{} can't be copied: {error}", source.display()))?;
        let file = path.join(BUG.file);
        let published = std::fs::read_to_string(&file)
            .map_err(|error| format!("{}: {error}", file.display()))?;
        let mut repository = Self {
            path,
            broken: String::new(),
            published,
        };
        let (name, version, licence) = (specimen::NAME, specimen::VERSION, specimen::LICENCE);
        row(
            "crate",
            &format!("{name} {version} ({licence}), from the cargo registry"),
        );
        let branch = format!("--initial-branch={BRANCH}");
        repository.git(&["init", "--quiet", &branch]).await?;
        repository.commit(&format!("{name} {version}")).await?;
        row("repository", &format!("{}, new", repository.path.display()));
        if check {
            let tests = Tests::of(&repository.path, scratch).await?;
            if !tests.all_pass {
                let told = tests.told;
                return Err(format!(
                    "the crate is not sound here before it is broken: {told}"
                ));
            }
            row("tests", &format!("{} as published", tests.told));
        }

        let line = BUG.plant(&repository.path)?;
        repository.commit(BUG.commit).await?;
        repository.broken = repository
            .git(&["rev-parse", "HEAD"])
            .await?
            .trim()
            .to_owned();
        let (right, wrong) = (BUG.knowledge.fix, BUG.knowledge.mistake);
        row(
            "broken",
            &format!("{} line {line}: `{right}` became `{wrong}`", BUG.file),
        );
        if check {
            let tests = Tests::of(&repository.path, scratch).await?;
            if tests.all_pass {
                return Err("the crate's tests don't notice that it is broken".to_owned());
            }
            row("tests", &format!("{} now", tests.told));
        }
        Ok(repository)
    }

    /// Runs git in it.
    pub(super) async fn git(&self, words: &[&str]) -> Result<String, String> {
        Program::git(&self.path, words).output().await
    }

    async fn commit(&self, message: &str) -> Result<(), String> {
        self.git(&["add", "--all"]).await?;
        let words = ["commit", "--quiet", "--no-verify", "--message", message];
        self.git(&words).await.map(|_| ())
    }

    /// What the broken file is now on the base branch.
    pub(super) async fn state(&self) -> Result<State, String> {
        let now = self
            .git(&["show", &format!("{BRANCH}:{}", BUG.file)])
            .await?;
        let before = self
            .git(&["show", &format!("{}:{}", self.broken, BUG.file)])
            .await?;
        Ok(if now == self.published {
            State::AsPublished
        } else if now == before {
            State::Broken
        } else {
            State::Different
        })
    }

    /// Prints what git says to `words`, under the command itself.
    pub(super) async fn show(&self, words: &[&str], heading: &str) -> Result<(), String> {
        say(&format!("\n{heading}"));
        for line in self.git(words).await?.lines() {
            say(&format!("  {}", line.trim_end()));
        }
        Ok(())
    }
}

/// What became of the broken file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Byte for byte what was published.
    AsPublished,
    /// As the demo broke it.
    Broken,
    /// Neither.
    Different,
}
