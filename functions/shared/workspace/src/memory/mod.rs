//! A workspace in memory, for tests and the simulator: deterministic, never fails by itself, and keeps a record of
//! everything it did.
//!
//! It honours keys and fences as a real one does: a repeated key answers with the recorded outcome and changes
//! nothing, and a stale fence is refused. A call is one step without an await, so a crash of the caller comes either
//! before it or after it; a simulator that wants the answer lost calls [`Workspace::perform`] and drops the result.

mod branches;
mod files;
mod history;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::{Call, Operation, Outcome, Workspace, WorkspaceError};

/// The files of a repository, by path.
pub type Files = BTreeMap<String, String>;

/// Decides what a program does: takes its arguments and the run's files, gives the exit code and the output.
pub type Commands = Arc<dyn Fn(&[String], &Files) -> (i32, String) + Send + Sync>;

/// A commit that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// Its id, 40 hexadecimal digits.
    pub id: String,
    /// The run that made it.
    pub run: String,
    /// The key of the call that made it.
    pub key: String,
    /// The bead.
    pub bead: String,
    /// The fence that the call carried.
    pub fence: i64,
    /// The whole message.
    pub message: String,
    /// The files it changed, sorted.
    pub files: Vec<String>,
}

/// A merge that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merge {
    /// The base branch's new commit.
    pub id: String,
    /// The run whose branch was merged.
    pub run: String,
    /// The key of the call that made it.
    pub key: String,
    /// The bead.
    pub bead: String,
    /// The fence that the call carried.
    pub fence: i64,
    /// The repository.
    pub repository: String,
}

/// A call that reached the workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Performed {
    /// The run.
    pub run: String,
    /// The key.
    pub key: String,
    /// The fence that the call carried.
    pub fence: i64,
    /// The operation's name.
    pub operation: &'static str,
    /// Whether the key was known and the call therefore did nothing.
    pub repeated: bool,
}

/// Repositories in memory. A clone is another handle to the same ones.
#[derive(Clone)]
pub struct MemoryWorkspace {
    state: Arc<Mutex<State>>,
}

struct State {
    repositories: BTreeMap<String, Files>,
    /// Branches besides the base branch, by repository and name.
    branches: BTreeMap<(String, String), Files>,
    /// The messages of commits on branches that no run made, by repository and branch, oldest first.
    messages: BTreeMap<(String, String), Vec<String>>,
    runs: BTreeMap<String, RunState>,
    commits: Vec<Commit>,
    merges: Vec<Merge>,
    performed: Vec<Performed>,
    commands: Commands,
}

#[derive(Default)]
struct RunState {
    fence: i64,
    branch: String,
    /// What the base branch and the run's branch have in common: where the latter began, or was last merged.
    base: Files,
    committed: Files,
    files: Files,
    answers: BTreeMap<String, (Operation, Result<Outcome, WorkspaceError>)>,
}

impl Default for MemoryWorkspace {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryWorkspace {
    /// A workspace without repositories: each comes into being, empty, when it is first used. Every program succeeds
    /// and prints nothing.
    pub fn new() -> Self {
        let commands: Commands = Arc::new(|_, _| (0, String::new()));
        let state = State {
            repositories: BTreeMap::new(),
            branches: BTreeMap::new(),
            messages: BTreeMap::new(),
            runs: BTreeMap::new(),
            commits: Vec::new(),
            merges: Vec::new(),
            performed: Vec::new(),
            commands,
        };
        Self {
            state: Arc::new(Mutex::new(state)),
        }
    }

    /// Puts a file on the base branch of a repository.
    #[must_use]
    pub fn with_file(self, repository: &str, path: &str, content: &str) -> Self {
        self.lock()
            .repositories
            .entry(repository.to_owned())
            .or_default()
            .insert(path.to_owned(), content.to_owned());
        self
    }

    /// Says what programs do, for run_command, build, test, lint and the tests before a merge. Builds, tests and
    /// lints without a command of the project's own come as `["build"]`, `["test"]` and `["lint"]`.
    #[must_use]
    pub fn with_commands(
        self,
        commands: impl Fn(&[String], &Files) -> (i32, String) + Send + Sync + 'static,
    ) -> Self {
        self.lock().commands = Arc::new(commands);
        self
    }

    /// Every commit, in the order they were made.
    pub fn commits(&self) -> Vec<Commit> {
        self.lock().commits.clone()
    }

    /// Every merge, in the order they were made.
    pub fn merges(&self) -> Vec<Merge> {
        self.lock().merges.clone()
    }

    /// Every call that was let in, in the order they came. Calls with a stale fence are not among them.
    pub fn performed(&self) -> Vec<Performed> {
        self.lock().performed.clone()
    }

    /// The files on the base branch of a repository.
    pub fn base_files(&self, repository: &str) -> Files {
        self.lock()
            .repositories
            .get(repository)
            .cloned()
            .unwrap_or_default()
    }

    /// The files on any branch of a repository, the base branch under its own name.
    pub fn branch_files(&self, repository: &str, base: &str, branch: &str) -> Files {
        let state = self.lock();
        let files = state.files_of(repository, base, branch);
        files.cloned().unwrap_or_default()
    }

    /// Changes a file on a branch as somebody else would, with `git push`; `None` removes it.
    pub fn push_file(&self, repository: &str, branch: &str, path: &str, content: Option<&str>) {
        let mut state = self.lock();
        let files = state
            .branches
            .entry((repository.to_owned(), branch.to_owned()))
            .or_default();
        match content {
            Some(content) => files.insert(path.to_owned(), content.to_owned()),
            None => files.remove(path),
        };
    }

    /// The highest fence seen for a run.
    pub fn fence(&self, run: &str) -> Option<i64> {
        self.lock().runs.get(run).map(|run| run.fence)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Workspace for MemoryWorkspace {
    async fn perform(&self, call: Call) -> Result<Outcome, WorkspaceError> {
        self.lock().perform(&call)
    }
}

impl State {
    fn perform(&mut self, call: &Call) -> Result<Outcome, WorkspaceError> {
        let base = self
            .repositories
            .entry(call.project.repository.clone())
            .or_default()
            .clone();
        let attempt = 1 + self
            .runs
            .values()
            .filter(|run| run.branch.starts_with(&branch_of(call, 1)))
            .count();
        let continued = self
            .runs
            .values()
            .find(|run| call.run.continues.as_ref() == Some(&run.branch))
            .map(|run| (run.base.clone(), run.committed.clone()));
        let (base, committed) = continued.unwrap_or_else(|| (base.clone(), base));
        let run = self
            .runs
            .entry(call.run.id.clone())
            .or_insert_with(|| RunState {
                fence: call.run.fence,
                branch: branch_of(call, u32::try_from(attempt).unwrap_or(u32::MAX)),
                files: committed.clone(),
                committed,
                base,
                answers: BTreeMap::new(),
            });
        if call.run.fence < run.fence {
            return Err(WorkspaceError::stale_fence(call.run.fence, run.fence));
        }
        run.fence = call.run.fence;
        let known = run
            .answers
            .get(&call.key)
            .cloned()
            .filter(|_| call.operation.is_write());
        self.performed.push(Performed {
            run: call.run.id.clone(),
            key: call.key.clone(),
            fence: call.run.fence,
            operation: call.operation.name(),
            repeated: known.is_some(),
        });
        match known {
            Some((operation, answer)) if operation == call.operation => answer,
            Some(_) => Err(WorkspaceError::refused(
                "key_reused",
                format!(
                    "the key {} was already used for another operation; use a new one",
                    call.key
                ),
            )),
            None => {
                let answer = self.act(call);
                if call.operation.is_write()
                    && let Some(run) = self.runs.get_mut(&call.run.id)
                {
                    run.answers
                        .insert(call.key.clone(), (call.operation.clone(), answer.clone()));
                }
                answer
            }
        }
    }

    fn act(&mut self, call: &Call) -> Result<Outcome, WorkspaceError> {
        match &call.operation {
            Operation::ListFiles { .. }
            | Operation::ReadFiles { .. }
            | Operation::CommitFiles { .. } => self.branch_files(call),
            Operation::Commit { message } => self.commit(call, message),
            Operation::Merge => self.merge(call),
            operation => {
                let commands = self.commands.clone();
                let Some(run) = self.runs.get_mut(&call.run.id) else {
                    return Ok(Outcome::Done);
                };
                run.act(&call.project, operation, &commands)
            }
        }
    }
}

fn branch_of(call: &Call, attempt: u32) -> String {
    crate::branch::name(&call.run.bead_id, &call.run.bead_title, attempt)
}
