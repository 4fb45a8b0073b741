//! Work in a repository on GitHub, by GitHub's REST API alone: there is no clone and no git.
//!
//! - **Reads** are those of git trees and blobs, which never change and are therefore cached, with the run's changes on
//!   top. A search fetches a bounded number of files and says how many it did not look into.
//! - **Changes** of a run are kept in the database, together with the answers of the calls that made them. So each is
//!   made once, and nothing is seen of it on GitHub before the commit.
//! - **A commit** is blobs, then a tree, then a commit, then the branch's move. The commit's id is noted before the
//!   branch is moved, so a call that is repeated after a crash moves it to the same commit. When somebody else has moved
//!   the branch, the changes are put on top of that; what can't be is handed to the model with conflict markers.
//! - **Who made a commit**: with a plain token its author and committer is the agent, under an address below
//!   `agents.loom.invalid`. As a GitHub App, Loom names no author, because GitHub signs only what names none: the
//!   author is the App, and the agent is in the trailers `Agent:` and `Co-authored-by:`.
//! - **Build, test and lint** are the repository's own checks of the commit. While they run the answer is
//!   [`Outcome::Awaiting`], and the same call gives their result afterwards.
//! - **Merging** goes through a pull request always, whatever the project's git strategy says: this is where checks and
//!   approvals are. The base branch and other protected branches are never written in another way.

mod branch_commit;
mod branch_files;
mod build;
mod checks;
mod close;
mod commit;
mod diff;
mod dispatch;
mod edit;
mod error;
mod examine;
mod hand_over;
mod history;
mod journal;
mod merge;
mod mode;
mod overlay;
mod pull;
mod read;
mod rebase;
mod review;
mod search;
mod space;
mod text;
mod tree;
mod view;

use loom_domain::github::{GithubSettings, Repository as Name};
use loom_github::{GitHub, Repository};
use loom_platform::Platform;

use self::{
    error::Result,
    journal::{Answer, Known},
    overlay::Changes,
    space::Space,
    view::View,
};
use crate::{Call, ErrorKind, Operation, Outcome, Workspace, WorkspaceError, excerpt};

/// Repositories on GitHub, as the variables of the function say where GitHub is and who Loom is there (see
/// [`loom_github::GitHub::load`]). What runs have changed is in the tables of migration 11.
#[derive(Debug, Clone)]
pub struct GithubWorkspace<P> {
    platform: P,
}

impl<P: Platform> GithubWorkspace<P> {
    /// Sends nothing yet.
    pub fn new(platform: P) -> Self {
        Self { platform }
    }
}

impl<P: Platform> Workspace for GithubWorkspace<P> {
    async fn perform(&self, call: Call) -> Answer {
        perform(&self.platform, &call).await
    }
}

/// A call under way.
struct Task<'t, P: Platform> {
    platform: &'t P,
    repository: &'t Repository<P>,
    call: &'t Call,
    settings: GithubSettings,
    space: Space,
    changes: Changes,
    /// When the call was first made, in milliseconds since the epoch.
    begun_at: i64,
    /// How far an earlier attempt came, as JSON.
    plan: Option<String>,
}

impl<P: Platform> Task<'_, P> {
    fn view(&self) -> View<'_, P> {
        View {
            platform: self.platform,
            repository: self.repository,
            run: &self.call.run.id,
            space: &self.space,
            changes: &self.changes,
        }
    }

    /// Refuses what would leave changes behind.
    fn all_committed(&self) -> Result<()> {
        if self.changes.is_empty() && self.space.merging.is_none() {
            return Ok(());
        }
        let files: Vec<String> = self.changes.keys().cloned().collect();
        Err(WorkspaceError::refused(
            "uncommitted_changes",
            format!(
                "these files have changes that are not committed and would be left out: {}; commit first",
                excerpt::paths(&files)
            ),
        )
        .with("files", files))
    }
}

/// What an operation came to.
enum Done {
    /// The answer was noted together with what was done.
    Recorded(Answer),
    /// It is still to be noted.
    New(Outcome),
}

async fn perform<P: Platform>(platform: &P, call: &Call) -> Answer {
    call.check()?;
    let name = Name::parse(&call.project.repository).ok_or_else(|| {
        WorkspaceError::refused(
            "not_on_github",
            format!(
                "the project's repository {:?} is not one on GitHub",
                call.project.repository
            ),
        )
    })?;
    journal::raise_fence(platform, call).await?;
    if call.operation == Operation::Close {
        return close::close(platform, call).await;
    }
    let mut begun_at = 0;
    let mut plan = None;
    if call.operation.is_write() {
        match journal::begin(platform, call).await? {
            Known::Answered(answer) => return answer,
            Known::Begun { at, plan: earlier } => (begun_at, plan) = (at, earlier),
        }
    }
    let done = act(platform, &name, call, begun_at, plan).await;
    let answer = match done {
        Ok(Done::Recorded(answer)) => return answer,
        Ok(Done::New(outcome)) => Ok(outcome),
        Err(error) => Err(error),
    };
    let is_final = match &answer {
        // The same call is made again when the checks are over.
        Ok(outcome) => !matches!(outcome, Outcome::Awaiting { .. }),
        // The others are worth another attempt.
        Err(error) => error.kind == ErrorKind::Refused,
    };
    if is_final && call.operation.is_write() {
        journal::finish(platform, call, &answer).await?;
    }
    answer
}

async fn act<P: Platform>(
    platform: &P,
    name: &Name,
    call: &Call,
    begun_at: i64,
    plan: Option<String>,
) -> Result<Done> {
    let settings = call.project.github.clone().unwrap_or_default();
    let github = GitHub::load(platform).await.map_err(error::github)?;
    let repository = github.repository(&name.owner, &name.name, settings.installation_id);
    if let Some(done) = branch_files::perform(platform, &repository, call, begun_at, &plan).await {
        return done;
    }
    let space = Space::open(platform, &repository, name, call).await?;
    let changes = overlay::load(platform.database(), &call.run.id).await?;
    let task = Task {
        platform,
        repository: &repository,
        call,
        settings,
        space,
        changes,
        begun_at,
        plan,
    };
    if call.operation.is_write() {
        write(task).await
    } else {
        read(&task).await.map(Done::New)
    }
}

/// Performs an operation that only looks.
async fn read<P: Platform>(task: &Task<'_, P>) -> Answer {
    let view = task.view();
    match &task.call.operation {
        Operation::ReadTree { path, depth, limit } => read::tree(&view, path, *depth, *limit).await,
        Operation::ReadFile {
            path,
            first_line,
            last_line,
        } => read::lines(&view, path, *first_line, *last_line).await,
        Operation::Instructions => read::instructions(&view).await,
        Operation::Search {
            pattern,
            path,
            limit,
            regex,
        } => {
            let path = path.as_deref().unwrap_or_default();
            search::search(&view, pattern, path, *limit, *regex).await
        }
        Operation::Status => Ok(history::status(&view)),
        Operation::Diff => history::diff(&view).await,
        Operation::Log { limit } => history::log(&view, *limit).await,
        Operation::Checks { commit } => checks::look(task, commit.as_deref()).await,
        other => Err(misplaced(other)),
    }
}

/// Performs an operation that may change something.
async fn write<P: Platform>(task: Task<'_, P>) -> Result<Done> {
    let call = task.call;
    match &call.operation {
        Operation::Open => Ok(Done::New(Outcome::Opened {
            branch: task.space.branch.clone(),
            base: call.project.branch.clone(),
            base_commit: task.space.base_commit.clone(),
        })),
        Operation::EditFile {
            path,
            old_text,
            new_text,
        } => edit::edit(&task, path, old_text, new_text).await,
        Operation::WriteFile { path, content } => edit::write(&task, path, content).await,
        Operation::DeleteFile { path } => edit::delete(&task, path).await,
        Operation::MoveFile { from, to } => edit::rename(&task, from, to).await,
        Operation::RunCommand { .. } => Err(WorkspaceError::refused(
            "no_commands",
            "no programs can be started here: this repository is on GitHub, and there is no copy of it; read and \
             search the files, and after a commit use build, test or lint, which give the result of the repository's \
             own checks",
        )),
        Operation::Build | Operation::Test { .. } | Operation::Lint => {
            checks::run(&task).await.map(Done::New)
        }
        Operation::Commit { message } => commit::commit(task, message).await,
        Operation::Push if !task.space.is_published => Err(WorkspaceError::refused(
            "nothing_to_push",
            "nothing was committed yet, so there is no branch to publish",
        )),
        // A commit is there for everybody to see.
        Operation::Push => Ok(Done::New(Outcome::Pushed {
            branch: task.space.branch.clone(),
            commit: task.space.head.clone(),
        })),
        Operation::Merge => merge::merge(task).await,
        Operation::OpenPullRequest { .. } => pull::open(task).await.map(Done::New),
        Operation::Review { .. } => review::review(&task).await.map(Done::New),
        other => Err(misplaced(other)),
    }
}

fn misplaced(operation: &Operation) -> WorkspaceError {
    WorkspaceError::unavailable(
        "workspace_failed",
        format!("nothing is known of the operation {}", operation.name()),
    )
}
