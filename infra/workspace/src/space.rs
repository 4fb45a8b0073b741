//! Where a run works: its branch, its worktree and its private directories.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use loom_workspace::{Call, WorkspaceError, branch};

use crate::error::{Context, Result};
use crate::files::Root;
use crate::git::{Git, Repository};
use crate::journal::{Journal, RunRow};
use crate::lock::Lock;

/// The largest number of runs of a bead whose branches are kept apart by a number.
const MAX_ATTEMPTS: u32 = 1000;

/// The directories of a run below the service's root.
#[derive(Clone)]
pub(crate) struct Places {
    /// The worktree. Its last part names it in `git worktree list`.
    pub(crate) tree: PathBuf,
    /// Build results, caches and temporary files of the run's programs.
    pub(crate) private: PathBuf,
    /// Files on their way into the worktree; on the same file system.
    pub(crate) staging: PathBuf,
    lock: PathBuf,
}

impl Places {
    /// `run` must be a usable file name.
    pub(crate) fn of(root: &Path, run: &str) -> Self {
        let directory = root.join("runs").join(run);
        Self {
            tree: root.join("trees").join(run),
            private: directory.join("private"),
            staging: directory.join("staging"),
            lock: directory.join("lock"),
        }
    }

    /// Waits until nobody else changes anything for this run.
    pub(crate) fn lock(&self) -> Result<Arc<Lock>> {
        for directory in [&self.private, &self.staging] {
            std::fs::create_dir_all(directory).doing("make a run's directory")?;
        }
        Lock::take(&self.lock).map(Arc::new)
    }
}

/// An open workspace.
pub(crate) struct Space {
    pub(crate) repository: Repository,
    pub(crate) places: Places,
    pub(crate) branch: String,
    /// Where the branch left the base branch.
    pub(crate) base_commit: String,
    git_dir: PathBuf,
    author: String,
    lock: Option<Arc<Lock>>,
}

impl Space {
    /// The run's workspace, if it is open.
    pub(crate) fn find(
        call: &Call,
        repository: &Repository,
        places: &Places,
        journal: &Journal,
        lock: Option<&Arc<Lock>>,
    ) -> Result<Option<Self>> {
        let Some(row) = journal.run(&call.run.id)? else {
            return Ok(None);
        };
        if row.repository != repository.name() {
            return Err(WorkspaceError::refused(
                "run_of_other_repository",
                "this run works on another repository; a run never changes its project",
            ));
        }
        let Some(git_dir) = row
            .git_dir
            .map(PathBuf::from)
            .filter(|dir| dir.is_dir() && places.tree.is_dir())
        else {
            return Ok(None);
        };
        Ok(Some(Self {
            repository: repository.clone(),
            places: places.clone(),
            branch: row.branch,
            base_commit: row.base_commit,
            git_dir,
            author: call.run.agent.clone(),
            lock: lock.cloned(),
        }))
    }

    /// The run's workspace, made if need be. The caller holds the run's lock.
    pub(crate) fn open(
        call: &Call,
        repository: &Repository,
        places: &Places,
        journal: &Journal,
        lock: &Arc<Lock>,
    ) -> Result<Self> {
        if let Some(space) = Self::find(call, repository, places, journal, Some(lock))? {
            return Ok(space);
        }
        // Branches and worktrees of a repository are made one at a time, and by git processes that hold this lock.
        let worktrees = Arc::new(Lock::take(&repository.lock_path("worktrees"))?);
        let git = Git {
            lock: Some(worktrees),
            ..repository.git()
        };
        let start = continued(call, &git)?;
        let mut row = match journal.run(&call.run.id)? {
            Some(row) => row,
            None => {
                let base_commit = match &start {
                    // What the run changes is counted from where its branch and the base branch part.
                    Some(start) => git.merge_base(start, &repository.base_commit()?)?,
                    None => repository.base_commit()?,
                };
                let branch = free_branch(call, repository, journal)?;
                let row = RunRow {
                    repository: repository.name(),
                    branch,
                    base_commit,
                    git_dir: None,
                };
                // Before the branch exists, so that a crash in between leaves no branch that nobody owns.
                journal.put_run(&call.run.id, &row)?;
                row
            }
        };
        // Leftovers of an attempt that died.
        clear(repository, &places.tree)?;
        std::fs::create_dir_all(places.tree.parent().unwrap_or(&places.tree))
            .doing("make the worktrees' directory")?;
        let path = places.tree.to_string_lossy().into_owned();
        let mut arguments = vec![
            "worktree",
            "add",
            "--quiet",
            "--lock",
            "--reason",
            "a run of Loom works here",
        ];
        if git.branch(&row.branch)?.is_some() {
            arguments.extend([path.as_str(), &row.branch]);
        } else {
            let start = start.as_ref().unwrap_or(&row.base_commit);
            arguments.extend(["--no-track", "-b", &row.branch, &path, start]);
        }
        git.ok(&arguments)?;
        row.git_dir = Some(
            admin_dir(repository, &places.tree)?
                .to_string_lossy()
                .into_owned(),
        );
        journal.put_run(&call.run.id, &row)?;
        Self::find(call, repository, places, journal, Some(lock))?.ok_or_else(|| {
            WorkspaceError::unavailable(
                "workspace_io",
                "the worktree vanished while it was being made",
            )
        })
    }

    /// Removes the worktree and the private files; the branch stays.
    pub(crate) fn close(self, call: &Call, journal: &Journal) -> Result<()> {
        let _worktrees = Lock::take(&self.repository.lock_path("worktrees"))?;
        let row = RunRow {
            repository: self.repository.name(),
            branch: self.branch,
            base_commit: self.base_commit,
            git_dir: None,
        };
        journal.put_run(&call.run.id, &row)?;
        clear(&self.repository, &self.places.tree)?;
        remove(&self.places.private)?;
        remove(&self.places.staging)
    }

    /// git for this worktree.
    pub(crate) fn git(&self) -> Git {
        Git {
            git_dir: self.git_dir.clone(),
            work_tree: Some(self.places.tree.clone()),
            index: None,
            author: author(&self.author),
            lock: self.lock.clone(),
        }
    }

    /// Removes locks that git left when it was killed: whoever holds the run's lock is alone in this worktree.
    pub(crate) fn unlock(&self) -> Result<()> {
        let branch = format!("refs/heads/{}.lock", self.branch);
        for lock in [
            self.git_file("index.lock"),
            self.git_file("HEAD.lock"),
            self.repository.common_dir.join(branch),
        ] {
            match std::fs::remove_file(lock) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(error).doing("remove a lock that git left");
                }
                _ => {}
            }
        }
        Ok(())
    }

    pub(crate) fn files(&self) -> Result<Root> {
        Root::open(&self.places.tree)
    }

    /// A file in the worktree's git directory.
    pub(crate) fn git_file(&self, name: &str) -> PathBuf {
        self.git_dir.join(name)
    }
}

/// An agent's name as git accepts it: at least one letter or digit, and nothing that delimits an address.
fn author(agent: &str) -> Option<String> {
    let name: String = agent
        .chars()
        .filter(|c| !c.is_control() && !"<>".contains(*c))
        .take(100)
        .collect();
    name.chars().any(char::is_alphanumeric).then_some(name)
}

/// A branch name that no earlier run has.
fn free_branch(call: &Call, repository: &Repository, journal: &Journal) -> Result<String> {
    let git = repository.git();
    for attempt in 1..=MAX_ATTEMPTS {
        let name = branch::name(&call.run.bead_id, &call.run.bead_title, attempt);
        if !journal.is_taken(&repository.name(), &name)? && git.branch(&name)?.is_none() {
            return Ok(name);
        }
    }
    Err(WorkspaceError::refused(
        "too_many_branches",
        format!(
            "the bead {} has {MAX_ATTEMPTS} branches already; delete those that are not needed",
            call.run.bead_id
        ),
    ))
}

/// The commit of the branch that the run goes on with, if there is one. Only an agent's branch can be gone on with.
fn continued(call: &Call, git: &Git) -> Result<Option<String>> {
    match &call.run.continues {
        Some(branch) if branch.starts_with("agent/") => git.branch(branch),
        _ => Ok(None),
    }
}

/// Removes a worktree by hand: git itself refuses when its files were tampered with.
fn clear(repository: &Repository, tree: &Path) -> Result<()> {
    while let Ok(admin) = admin_dir(repository, tree) {
        remove(&admin)?;
    }
    remove(tree)
}

/// The git directory of the worktree at `tree`.
fn admin_dir(repository: &Repository, tree: &Path) -> Result<PathBuf> {
    let parent = repository.common_dir.join("worktrees");
    let wanted = tree.join(".git");
    let entries = std::fs::read_dir(&parent).doing("list the worktrees")?;
    for entry in entries.flatten() {
        let points_to = std::fs::read_to_string(entry.path().join("gitdir")).unwrap_or_default();
        if Path::new(points_to.trim_end()) == wanted {
            return Ok(entry.path());
        }
    }
    Err(WorkspaceError::unavailable(
        "workspace_io",
        format!("git knows no worktree at {}", tree.display()),
    ))
}

fn remove(path: &Path) -> Result<()> {
    match std::fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).doing("remove a directory")
        }
        _ => Ok(()),
    }
}
