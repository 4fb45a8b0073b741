use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use loom_workspace::{Call, ErrorKind, Operation, Outcome, WorkspaceError};

use crate::config::Config;
use crate::error::{Context, Result};
use crate::git::Repository;
use crate::journal::{Answer, Journal, Known};
use crate::operations::{self, Task, branch_commit, branch_files};
use crate::sandbox::{Sandbox, Toolchain};
use crate::space::{Places, Space};

/// The service itself, without its HTTP edge. Its calls block.
pub(crate) struct Service {
    config: Config,
    /// Where the directories of all runs are.
    home: PathBuf,
    journal: Journal,
    sandbox: Sandbox,
    /// Repositories that were looked at already, by what projects call them.
    repositories: Mutex<HashMap<(String, String), Repository>>,
}

impl Service {
    pub(crate) fn open(mut config: Config) -> Result<Self> {
        std::fs::create_dir_all(&config.root).doing("make its root directory")?;
        config.root = config
            .root
            .canonicalize()
            .doing("find its root directory")?;
        let home = crate::home::of(&config.root)?;
        crate::git::require()?;
        let journal = Journal::open(&config.root.join("journal.sqlite"))?;
        let sandbox = Sandbox::new(Toolchain::discover(&config.toolchains), config.sandbox);
        Ok(Self {
            config,
            home,
            journal,
            sandbox,
            repositories: Mutex::default(),
        })
    }

    /// Ends every program that is running, and lets none start any more.
    pub(crate) fn end(&self) {
        self.sandbox.end();
    }

    /// Performs a call; one that changes something at most once per key.
    pub(crate) fn perform(&self, call: &Call) -> Answer {
        call.check()?;
        self.check_fence(call)?;
        let places = Places::of(&self.home, &call.run.id);
        if call.operation.is_write() {
            self.write(call, &places)
        } else {
            self.read(call, &places)
        }
    }

    fn read(&self, call: &Call, places: &Places) -> Answer {
        let repository = self.repository(call)?;
        match &call.operation {
            Operation::ListFiles {
                branch,
                prefix,
                trailers,
            } => return branch_files::list(&repository, branch, prefix, trailers),
            Operation::ReadFiles { commit, paths } => {
                return branch_files::read(&repository, commit, paths);
            }
            _ => {}
        }
        let space = match Space::find(call, &repository, places, &self.journal, None)? {
            Some(space) => space,
            None => {
                let lock = places.lock()?;
                Space::open(call, &repository, places, &self.journal, &lock)?
            }
        };
        operations::read(&space, &call.operation)
    }

    fn write(&self, call: &Call, places: &Places) -> Answer {
        // A repeated call waits here for the first one, and then finds its answer.
        let lock = places.lock()?;
        // The run may have been taken over while we waited.
        self.check_fence(call)?;
        let begun = match self.journal.begin(call)? {
            Known::Answered(answer) => return answer,
            Known::Other => {
                return Err(WorkspaceError::refused(
                    "key_reused",
                    format!(
                        "the key {} was already used for another operation; use a new one",
                        call.key
                    ),
                ));
            }
            Known::Begun(plan) => Some(plan),
            Known::New => None,
        };
        let answer = self.act(call, places, &lock, begun);
        match &answer {
            // Worth another attempt, so the key stays open.
            Err(error) if error.kind != ErrorKind::Refused => {}
            _ => self.journal.finish(call, &answer)?,
        }
        answer
    }

    fn act(
        &self,
        call: &Call,
        places: &Places,
        lock: &std::sync::Arc<crate::lock::Lock>,
        begun: Option<Option<serde_json::Value>>,
    ) -> Answer {
        let repository = self.repository(call)?;
        if call.operation == Operation::Close {
            if let Some(space) = Space::find(call, &repository, places, &self.journal, Some(lock))?
            {
                space.close(call, &self.journal)?;
            }
            return Ok(Outcome::Done);
        }
        if matches!(call.operation, Operation::CommitFiles { .. }) {
            return branch_commit::commit(&repository, call, begun.is_some());
        }
        let space = Space::open(call, &repository, places, &self.journal, lock)?;
        space.unlock()?;
        operations::write(&Task {
            call,
            space: &space,
            journal: &self.journal,
            sandbox: &self.sandbox,
            is_repeated: begun.is_some(),
            plan: begun.flatten(),
        })
    }

    fn check_fence(&self, call: &Call) -> Result<()> {
        let current = self.journal.raise_fence(&call.run.id, call.run.fence)?;
        if current > call.run.fence {
            Err(WorkspaceError::stale_fence(call.run.fence, current))
        } else {
            Ok(())
        }
    }

    fn repository(&self, call: &Call) -> Result<Repository> {
        let name = (call.project.repository.clone(), call.project.branch.clone());
        let known = self
            .repositories
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&name)
            .cloned();
        if let Some(repository) = known.filter(|repository| repository.common_dir.is_dir()) {
            return Ok(repository);
        }
        let found = Repository::find(&call.project, &self.config)?;
        self.repositories
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(name, found.clone());
        Ok(found)
    }
}
