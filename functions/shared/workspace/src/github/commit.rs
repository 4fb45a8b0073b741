//! From a run's changes to a commit on its branch.

use loom_domain::time::Timestamp;
use loom_github::{GithubError, NewCommit, NewEntry, Person};
use loom_platform::{Clock, Platform, Transaction};
use serde::{Deserialize, Serialize};

use super::{
    Done, Task, build,
    error::{self, Result, database},
    examine, journal,
    overlay::{self, Now},
    rebase,
};
use crate::{Outcome, WorkspaceError, branch, message};

/// How often the changes are put on top of what somebody else has pushed meanwhile.
const ATTEMPTS: usize = 5;
/// How far back a commit is looked for that somebody has put on another base.
const LOOK_BACK: usize = 50;

/// A commit that exists, perhaps without any branch that leads to it.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Plan {
    commit: String,
    tree: String,
    files: Vec<String>,
}

/// Where the branch is after the attempt to move it.
enum Branch {
    /// It has the commit.
    Has(Plan),
    /// Somebody has moved it to this commit.
    Moved(String),
}

pub(super) async fn commit<P: Platform>(mut task: Task<'_, P>, text: &str) -> Result<Done> {
    if branch::is_protected(&task.space.branch, &task.call.project.branch) {
        return Err(WorkspaceError::refused(
            "protected_branch",
            format!(
                "{} is protected; agents only commit to branches of their own",
                task.space.branch
            ),
        ));
    }
    let mut plan: Option<Plan> = journal::planned(task.plan.as_deref())?;
    for _ in 0..ATTEMPTS {
        let made = match plan.take() {
            Some(plan) => plan,
            None => make(&task, text).await?,
        };
        match publish(&task, made).await? {
            Branch::Has(plan) => return settle(task, plan).await,
            Branch::Moved(head) => {
                if let Some(refused) = rebase::follow(&mut task, head).await? {
                    return Ok(refused);
                }
            }
        }
    }
    Err(WorkspaceError::unavailable(
        "branch_busy",
        format!(
            "somebody else moved the branch {ATTEMPTS} times while the commit was being made; try again later"
        ),
    ))
}

/// Makes the commit and notes it, before any branch leads to it.
async fn make<P: Platform>(task: &Task<'_, P>, text: &str) -> Result<Plan> {
    examine::examine(task).await?;
    let entries = entries(task).await?;
    let tree = build::tree(task.repository, Some(&task.space.tree), entries)
        .await?
        .unwrap_or_else(|| task.space.tree.clone());
    let mut parents = vec![task.space.head.clone()];
    parents.extend(task.space.merging.clone());
    let author = author(task);
    let mut message = message::compose(text, &task.call.run, &task.call.key);
    let is_app = task.repository.github().is_app();
    if is_app {
        message.push_str(&format!(
            "Co-authored-by: {} <{}>\n",
            author.name, author.email
        ));
    }
    let commit = task
        .repository
        .create_commit(&NewCommit {
            message: &message,
            tree: &tree,
            parents: &parents,
            author: (!is_app).then_some(&author),
        })
        .await
        .map_err(error::github)?;
    let plan = Plan {
        commit: commit.sha,
        tree,
        files: task.changes.keys().cloned().collect(),
    };
    // From here on a repeated call moves the branch to this very commit.
    journal::plan(task.platform, task.call, &plan).await?;
    Ok(plan)
}

/// The changes as those of a tree; blobs are made on the way.
async fn entries<P: Platform>(task: &Task<'_, P>) -> Result<Vec<NewEntry>> {
    let mut entries = Vec::new();
    for (path, change) in &task.changes {
        let (path, mode) = (path.clone(), change.mode);
        let entry = match &change.now {
            // Nothing is removed that is not there.
            Now::Deleted if change.base_blob.is_none() => continue,
            Now::Deleted => NewEntry::Remove { path },
            Now::Blob(sha) => NewEntry::Put {
                path,
                mode,
                sha: sha.clone(),
            },
            Now::Content(_) => {
                let database = task.platform.database();
                let bytes = overlay::content(database, &task.call.run.id, &path).await?;
                build::entry(task.repository, path, mode, bytes.unwrap_or_default()).await?
            }
        };
        entries.push(entry);
    }
    Ok(entries)
}

/// The agent as git names people. The date is that of the first attempt, so that the same call makes the same commit.
fn author<P: Platform>(task: &Task<'_, P>) -> Person {
    let agent = &task.call.run.agent;
    let name: String = agent
        .chars()
        .filter(|c| !c.is_control() && !"<>".contains(*c))
        .take(100)
        .collect();
    let name = if name.chars().any(char::is_alphanumeric) {
        name.trim().to_owned()
    } else {
        "agent".to_owned()
    };
    let local: String = name
        .chars()
        .map(|c| match c {
            c if c.is_ascii_alphanumeric() => c.to_ascii_lowercase(),
            _ => '-',
        })
        .collect();
    let local = local.trim_matches('-');
    let local = if local.is_empty() { "agent" } else { local };
    Person {
        email: format!("{local}@agents.loom.invalid"),
        name,
        date: Timestamp(task.begun_at),
    }
}

/// Moves the branch to the commit, or makes it there.
async fn publish<P: Platform>(task: &Task<'_, P>, plan: Plan) -> Result<Branch> {
    let (name, commit) = (task.space.git_ref(), plan.commit.clone());
    let repository = task.repository;
    let mut outcome = if task.space.is_published {
        repository.update_ref(&name, &commit).await
    } else {
        repository.create_ref(&name, &commit).await
    };
    match outcome {
        // It was made by an attempt that died before it was noted.
        Err(GithubError::Conflict { .. }) if !task.space.is_published => {
            outcome = repository.update_ref(&name, &commit).await;
        }
        // Somebody has deleted it.
        Err(GithubError::Unprocessable { .. } | GithubError::NotFound { .. })
            if task.space.is_published && repository.get_ref(&name).await == Ok(None) =>
        {
            outcome = repository.create_ref(&name, &commit).await;
        }
        _ => {}
    }
    match outcome {
        Ok(_) => Ok(Branch::Has(plan)),
        Err(error @ GithubError::Conflict { .. }) => {
            let found = repository.get_ref(&name).await.map_err(error::github)?;
            let head = found.ok_or_else(|| error::github(error))?.sha;
            moved(task, plan, head).await
        }
        Err(error) => Err(error::github(error)),
    }
}

/// Somebody has moved the branch; perhaps the commit is on it all the same, on another base.
async fn moved<P: Platform>(task: &Task<'_, P>, plan: Plan, head: String) -> Result<Branch> {
    let latest = task
        .repository
        .list_commits(&head, None, LOOK_BACK)
        .await
        .map_err(error::github)?;
    let key = message::key_line(&task.call.key);
    let ours = latest
        .items
        .into_iter()
        .find(|commit| commit.message.lines().any(|line| line == key));
    Ok(match ours {
        Some(commit) => Branch::Has(Plan {
            commit: commit.sha,
            tree: commit.tree,
            ..plan
        }),
        None => Branch::Moved(head),
    })
}

/// The changes are committed: notes that, and the answer with it.
async fn settle<P: Platform>(task: Task<'_, P>, plan: Plan) -> Result<Done> {
    let run = &task.call.run.id;
    let mut space = task.space;
    space.head = plan.commit.clone();
    space.tree = plan.tree;
    space.committed_at = Some(task.platform.clock().now());
    space.is_published = true;
    space.conflicts.clear();
    if let Some(merged) = space.merging.take() {
        space.base_commit = merged;
    }
    let answer = Ok(Outcome::Committed {
        commit: plan.commit,
        files: plan.files,
    });
    let transaction = journal::guarded(task.platform, task.call).await?;
    overlay::clear(&transaction, run).await?;
    space.save(&transaction, run).await?;
    journal::answer(&transaction, task.call, &answer).await?;
    transaction.commit().await.map_err(database)?;
    Ok(Done::Recorded(answer))
}
