//! Where a run works: its branch and the commit that its changes belong on.

use loom_domain::github::Repository as Name;
use loom_github::{GitRef, Repository};
use loom_platform::{Platform, Row, Statements, Transaction};

use super::{
    error::{self, Result, corrupt, database},
    journal,
};
use crate::{Call, WorkspaceError, branch};

/// The largest number of runs of a bead whose branches are kept apart by a number.
const MOST_ATTEMPTS: u32 = 1000;

/// An open workspace.
#[derive(Debug, Clone)]
pub(super) struct Space {
    /// The run's branch.
    pub(super) branch: String,
    /// Where the branch left the base branch.
    pub(super) base_commit: String,
    /// The commit that the changes belong on top of.
    pub(super) head: String,
    /// When the run itself last made a commit, in milliseconds since the epoch.
    pub(super) committed_at: Option<i64>,
    /// Whether the branch was made on GitHub.
    pub(super) is_published: bool,
    /// The tree that the changes lie on.
    pub(super) tree: String,
    /// The commit of the base branch that is being merged into the branch.
    pub(super) merging: Option<String>,
    /// The files in which conflicts were left.
    pub(super) conflicts: Vec<String>,
    /// The number of the branch's pull request, once it is known.
    pub(super) pull: Option<i64>,
    /// The commit for which a workflow was last started, and when, in milliseconds since the epoch.
    pub(super) dispatched: Option<(String, i64)>,
}

/// Where a run starts.
struct Start {
    /// The branch of an earlier run of the same bead, on which this run goes on.
    branch: Option<String>,
    head: String,
    base_commit: String,
}

impl Space {
    /// The run's workspace, made if need be.
    pub(super) async fn open<P: Platform>(
        platform: &P,
        repository: &Repository<P>,
        name: &Name,
        call: &Call,
    ) -> Result<Self> {
        if let Some(space) = Self::find(platform.database(), name, call).await? {
            return Ok(space);
        }
        let start = start(repository, call).await?;
        let tree = repository
            .get_commit(&start.head)
            .await
            .map_err(error::github)?
            .tree;
        let taken = taken(repository, call).await?;
        let transaction = journal::owned(platform, call).await?;
        let is_published = start.branch.is_some();
        let branch = match start.branch {
            Some(branch) => branch,
            None => free_branch(&transaction, name, call, &taken).await?,
        };
        transaction
            .execute(
                "UPDATE github_space SET repository = ?2, branch = ?3, base_commit = ?4, head = ?5, tree = ?6,
                   is_published = ?7 WHERE run_id = ?1 AND branch IS NULL",
                vec![
                    (&call.run.id).into(),
                    name.key().into(),
                    branch.into(),
                    start.base_commit.into(),
                    start.head.into(),
                    tree.into(),
                    is_published.into(),
                ],
            )
            .await
            .map_err(database)?;
        transaction.commit().await.map_err(database)?;
        Self::find(platform.database(), name, call)
            .await?
            .ok_or_else(|| corrupt("this run", "it vanished while it was being opened"))
    }

    /// The run's workspace, if it is open.
    pub(super) async fn find<S: Statements>(
        statements: &S,
        name: &Name,
        call: &Call,
    ) -> Result<Option<Self>> {
        let row = statements
            .query_one(
                "SELECT repository, branch, base_commit, head, committed_at, is_published, tree, merging, conflicts,
                   pull, dispatched, dispatched_at
                 FROM github_space WHERE run_id = ?1 AND branch IS NOT NULL",
                vec![(&call.run.id).into()],
            )
            .await
            .map_err(database)?;
        let Some(row) = row else { return Ok(None) };
        if row.text(0).map_err(database)? != name.key() {
            return Err(WorkspaceError::refused(
                "run_of_other_repository",
                "this run works on another repository; a run never changes its project",
            ));
        }
        Self::read(&row).map(Some)
    }

    fn read(row: &Row) -> Result<Self> {
        let text = |index| row.text(index).map_err(database);
        Ok(Self {
            branch: text(1)?,
            base_commit: text(2)?,
            head: text(3)?,
            committed_at: row.optional_integer(4).map_err(database)?,
            is_published: row.boolean(5).map_err(database)?,
            tree: text(6)?,
            merging: row.optional_text(7).map_err(database)?,
            conflicts: serde_json::from_str(&text(8)?)
                .map_err(|error| corrupt("this run", error))?,
            pull: row.optional_integer(9).map_err(database)?,
            dispatched: row
                .optional_text(10)
                .map_err(database)?
                .zip(row.optional_integer(11).map_err(database)?),
        })
    }

    /// Notes everything about it that changes.
    pub(super) async fn save<S: Statements>(&self, statements: &S, run: &str) -> Result<()> {
        let conflicts =
            serde_json::to_string(&self.conflicts).map_err(|error| corrupt("this run", error))?;
        let (commit, at) = self.dispatched.clone().unzip();
        statements
            .execute(
                "UPDATE github_space SET base_commit = ?2, head = ?3, committed_at = ?4, is_published = ?5,
                   tree = ?6, merging = ?7, conflicts = ?8, pull = ?9, dispatched = ?10, dispatched_at = ?11
                 WHERE run_id = ?1",
                vec![
                    run.into(),
                    (&self.base_commit).into(),
                    (&self.head).into(),
                    self.committed_at.into(),
                    self.is_published.into(),
                    (&self.tree).into(),
                    self.merging.clone().into(),
                    conflicts.into(),
                    self.pull.into(),
                    commit.into(),
                    at.into(),
                ],
            )
            .await
            .map(|_| ())
            .map_err(database)
    }

    /// The branch's name among the refs.
    pub(super) fn git_ref(&self) -> String {
        format!("heads/{}", self.branch)
    }
}

/// The commit of the base branch.
pub(super) async fn base<P: Platform>(repository: &Repository<P>, call: &Call) -> Result<String> {
    let branch = &call.project.branch;
    head_of(repository, &format!("heads/{branch}"))
        .await?
        .ok_or_else(|| {
            WorkspaceError::refused(
                "base_branch_not_found",
                format!(
                    "{} has no branch {branch:?} with a commit on it, or Loom may not see it; check the project's \
                     repository and branch, and Loom's access to it",
                    repository.full_name()
                ),
            )
        })
}

/// Where the run starts: at the commit of the branch that it goes on with, if there is one, or at the base branch.
///
/// What it goes on with is the branch of an earlier run, or the head of a pull request from outside, which is
/// `pull/<number>/head` where its branch lies in another repository. On an agent's branch of the same bead it goes on
/// working, so that a bead has one branch and one pull request however often its work is sent back; otherwise it gets a
/// branch of its own, with the first commit.
async fn start<P: Platform>(repository: &Repository<P>, call: &Call) -> Result<Start> {
    let base = base(repository, call).await?;
    let Some(continues) = call.run.continues.as_deref() else {
        return Ok(Start {
            branch: None,
            head: base.clone(),
            base_commit: base,
        });
    };
    let is_pull = pull_number(continues).is_some();
    let name = if is_pull {
        continues.to_owned()
    } else {
        format!("heads/{continues}")
    };
    let Some(head) = head_of(repository, &name).await? else {
        return Ok(Start {
            branch: None,
            head: base.clone(),
            base_commit: base,
        });
    };
    // What the run changes is counted from where its branch and the base branch part.
    let comparison = repository
        .compare(&base, &head)
        .await
        .map_err(error::github)?;
    let is_own = continues.starts_with(&directory(call))
        && !branch::is_protected(continues, &call.project.branch);
    Ok(Start {
        branch: is_own.then(|| continues.to_owned()),
        head,
        base_commit: comparison.merge_base,
    })
}

/// What the names of all branches of a bead begin with.
fn directory(call: &Call) -> String {
    let first = branch::name(&call.run.bead_id, &call.run.bead_title, 1);
    let directory = first
        .rsplit_once('/')
        .map_or("agent", |(directory, _)| directory);
    format!("{directory}/")
}

/// The number in `pull/<number>/head`.
pub(super) fn pull_number(name: &str) -> Option<u64> {
    name.strip_prefix("pull/")?
        .strip_suffix("/head")?
        .parse()
        .ok()
}

pub(super) async fn head_of<P: Platform>(
    repository: &Repository<P>,
    name: &str,
) -> Result<Option<String>> {
    let found: Option<GitRef> = repository.get_ref(name).await.map_err(error::github)?;
    Ok(found.map(|found| found.sha))
}

/// The branches of the bead that are on GitHub already.
async fn taken<P: Platform>(repository: &Repository<P>, call: &Call) -> Result<Vec<String>> {
    let found = repository
        .matching_refs(&format!("heads/{}", directory(call)))
        .await
        .map_err(error::github)?;
    Ok(found
        .items
        .into_iter()
        .filter_map(|found| found.name.strip_prefix("heads/").map(str::to_owned))
        .collect())
}

/// A branch name that no other run has.
async fn free_branch<S: Statements>(
    statements: &S,
    name: &Name,
    call: &Call,
    taken: &[String],
) -> Result<String> {
    for attempt in 1..=MOST_ATTEMPTS {
        let branch = branch::name(&call.run.bead_id, &call.run.bead_title, attempt);
        if taken.contains(&branch) {
            continue;
        }
        let other = statements
            .query_one(
                "SELECT 1 FROM github_space WHERE repository = ?1 AND branch = ?2",
                vec![name.key().into(), (&branch).into()],
            )
            .await
            .map_err(database)?;
        if other.is_none() {
            return Ok(branch);
        }
    }
    Err(WorkspaceError::refused(
        "too_many_branches",
        format!(
            "the bead {} has {MOST_ATTEMPTS} branches already; delete those that are not needed",
            call.run.bead_id
        ),
    ))
}
