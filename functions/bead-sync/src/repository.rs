//! The branch, through the workspace port.

use loom_domain::project::Project;
use loom_store::bead_sync::Lease;
use loom_workspace::{
    BranchFile, Call, FileChange, FileContent, Operation, Outcome, Run, Workspace, WorkspaceError,
};

use crate::stop::Stop;

/// What is read at once: files, and bytes.
const MOST_PATHS: usize = 500;
const MOST_BYTES: u64 = 8 * 1024 * 1024;

/// A branch as it was listed.
pub(crate) struct Listing {
    pub(crate) head: Option<String>,
    pub(crate) files: Vec<BranchFile>,
    pub(crate) landed: Vec<String>,
}

/// The branch that beads are kept in.
pub(crate) struct Branch<'a, W> {
    workspace: &'a W,
    project: &'a Project,
    name: &'a str,
    lease: &'a Lease,
    /// How many calls were made: each has a key of its own.
    calls: u32,
}

impl<'a, W: Workspace> Branch<'a, W> {
    pub(crate) fn new(
        workspace: &'a W,
        project: &'a Project,
        name: &'a str,
        lease: &'a Lease,
    ) -> Self {
        Self {
            workspace,
            project,
            name,
            lease,
            calls: 0,
        }
    }

    async fn perform(&mut self, operation: Operation) -> Result<Outcome, Stop> {
        self.calls += 1;
        let project = self.project;
        let call = Call {
            project: loom_workspace::Project {
                id: project.id.clone(),
                repository: project.git_repo.clone(),
                branch: project.branch.clone(),
                github: project.github.clone(),
                ..loom_workspace::Project::default()
            },
            run: Run {
                id: format!("bead-sync-{}", project.id),
                bead_id: "beads".to_owned(),
                bead_title: "Sync beads".to_owned(),
                agent: "Loom".to_owned(),
                fence: self.lease.fence,
                continues: None,
            },
            key: format!("bead-sync:{}:{}", self.lease.fence, self.calls),
            operation,
        };
        Ok(self.workspace.perform(call).await?)
    }

    /// Everything below `.beads`, and which of `trailers` stand in recent commits.
    pub(crate) async fn list(&mut self, trailers: Vec<String>) -> Result<Listing, Stop> {
        let operation = Operation::ListFiles {
            branch: self.name.to_owned(),
            prefix: ".beads".to_owned(),
            trailers,
        };
        match self.perform(operation).await? {
            Outcome::Listed {
                head,
                files,
                landed,
            } => Ok(Listing {
                head,
                files,
                landed,
            }),
            other => Err(unexpected(&other)),
        }
    }

    /// Reads files of a commit, as many at once as fit into an answer.
    pub(crate) async fn read(
        &mut self,
        commit: &str,
        files: &[&BranchFile],
    ) -> Result<Vec<FileContent>, Stop> {
        let mut contents = Vec::with_capacity(files.len());
        let mut rest = files;
        while !rest.is_empty() {
            let mut bytes = 0;
            let fits = rest.iter().take(MOST_PATHS).take_while(|file| {
                bytes += file.bytes;
                bytes <= MOST_BYTES
            });
            let count = fits.count().max(1);
            let (now, later) = rest.split_at(count.min(rest.len()));
            rest = later;
            let operation = Operation::ReadFiles {
                commit: commit.to_owned(),
                paths: now.iter().map(|file| file.path.clone()).collect(),
            };
            match self.perform(operation).await? {
                Outcome::Contents { files } => contents.extend(files),
                other => return Err(unexpected(&other)),
            }
        }
        Ok(contents)
    }

    /// Commits on top of `head`. Returns the commit and the files' contents by id.
    pub(crate) async fn commit(
        &mut self,
        head: Option<&str>,
        files: Vec<FileChange>,
        message: String,
    ) -> Result<(String, Vec<BranchFile>), Stop> {
        let operation = Operation::CommitFiles {
            branch: self.name.to_owned(),
            expected_head: head.map(str::to_owned),
            files,
            message,
        };
        match self.perform(operation).await? {
            Outcome::FilesCommitted { commit, files } => Ok((commit, files)),
            other => Err(unexpected(&other)),
        }
    }
}

fn unexpected(outcome: &Outcome) -> Stop {
    let shown: String = format!("{outcome:?}").chars().take(100).collect();
    Stop::Workspace(WorkspaceError::unavailable(
        "workspace_garbled",
        format!("the workspace answered with something else than expected: {shown}"),
    ))
}
