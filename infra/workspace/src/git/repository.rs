use std::path::{Path, PathBuf};

use loom_workspace::{Project, WorkspaceError};

use super::Git;
use crate::config::Config;
use crate::error::{Context, Result};

/// A project's repository on disk.
#[derive(Clone)]
pub(crate) struct Repository {
    /// The git directory that all its worktrees share.
    pub(crate) common_dir: PathBuf,
    /// The base branch.
    pub(crate) base: String,
}

impl Repository {
    /// Finds the project's repository and makes sure that it may be used.
    pub(crate) fn find(project: &Project, config: &Config) -> Result<Self> {
        let given = project
            .repository
            .strip_prefix("file://")
            .unwrap_or(&project.repository);
        if !given.starts_with('/') {
            return Err(refused(
                "repository_not_found",
                project,
                "it must be an absolute path or a file:// URL on the machine of the workspace service",
            ));
        }
        let path = Path::new(given)
            .canonicalize()
            .map_err(|error| refused("repository_not_found", project, &error.to_string()))?;
        allow(&path, project, config)?;

        let mut command = Git::default().command();
        command.arg("-C").arg(&path).args([
            "rev-parse",
            "--path-format=absolute",
            "--git-common-dir",
        ]);
        // A plain directory inside of some other repository is not that repository.
        command.env("GIT_CEILING_DIRECTORIES", path.parent().unwrap_or(&path));
        let found = crate::process::capture(command, super::PATIENCE)
            .doing("start git; is it installed?")?;
        if found.code != Some(0) {
            return Err(refused(
                "repository_not_found",
                project,
                "there is no git repository",
            ));
        }
        let common_dir = Path::new(found.text().trim_end())
            .canonicalize()
            .doing("find the repository")?;
        allow(&common_dir, project, config)?;
        if !is_branch_name(&project.branch) {
            return Err(no_base(&project.branch));
        }
        Ok(Self {
            common_dir,
            base: project.branch.clone(),
        })
    }

    pub(crate) fn git(&self) -> Git {
        Git::new(&self.common_dir)
    }

    /// The commit that the base branch is at.
    pub(crate) fn base_commit(&self) -> Result<String> {
        self.git()
            .branch(&self.base)?
            .ok_or_else(|| no_base(&self.base))
    }

    /// Its name in the journal.
    pub(crate) fn name(&self) -> String {
        self.common_dir.to_string_lossy().into_owned()
    }

    /// Where a lock on it lives: with the repository, so that services with different roots respect it too.
    pub(crate) fn lock_path(&self, what: &str) -> PathBuf {
        self.common_dir.join(format!("loom-{what}.lock"))
    }

    /// The working copy in which the base branch is checked out, if any, and its git directory.
    pub(crate) fn base_checkout(&self) -> Result<Option<(PathBuf, PathBuf)>> {
        self.checkout(&self.base)
    }

    /// The working copy in which a branch is checked out, if any, and its git directory.
    pub(crate) fn checkout(&self, branch: &str) -> Result<Option<(PathBuf, PathBuf)>> {
        let list = self.git().ok(&["worktree", "list", "--porcelain", "-z"])?;
        let wanted = format!("branch refs/heads/{branch}");
        let mut current = None;
        for line in list.split('\0') {
            if let Some(path) = line.strip_prefix("worktree ") {
                current = Some(PathBuf::from(path));
            } else if line == wanted
                && let Some(path) = current.take().filter(|path| path.is_dir())
            {
                let git_dir = git_dir_of(&path)?;
                return Ok(Some((path, git_dir)));
            }
        }
        Ok(None)
    }
}

/// The git directory of a working copy: its `.git`, or where the file of that name points.
fn git_dir_of(checkout: &Path) -> Result<PathBuf> {
    let own = checkout.join(".git");
    if own.is_dir() {
        return Ok(own);
    }
    let pointer = std::fs::read_to_string(&own).doing("find a working copy's git directory")?;
    Ok(checkout.join(
        pointer
            .trim_end()
            .strip_prefix("gitdir: ")
            .unwrap_or_default(),
    ))
}

fn allow(path: &Path, project: &Project, config: &Config) -> Result<()> {
    let inside = |root: &PathBuf| root.canonicalize().is_ok_and(|root| path.starts_with(root));
    if config.allowed_repositories.is_empty() || config.allowed_repositories.iter().any(inside) {
        return Ok(());
    }
    Err(refused(
        "repository_not_allowed",
        project,
        "it is not in one of the directories that the workspace service was started with",
    ))
}

fn refused(code: &str, project: &Project, why: &str) -> WorkspaceError {
    WorkspaceError::refused(
        code,
        format!(
            "the project's repository {:?} can't be used: {why}",
            project.repository
        ),
    )
}

fn no_base(branch: &str) -> WorkspaceError {
    WorkspaceError::refused(
        "base_branch_not_found",
        format!(
            "the repository has no branch {branch:?} with a commit on it; check the project's branch"
        ),
    )
}

/// Whether git would take it for a branch: the rules of `git check-ref-format` that matter here.
pub(crate) fn is_branch_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 250
        && !name.starts_with(['-', '/', '.'])
        && !name.ends_with(['/', '.'])
        && !name.contains("..")
        && !name.contains("@{")
        && !name
            .chars()
            .any(|c| c.is_control() || c.is_whitespace() || "~^:?*[\\".contains(c))
}
