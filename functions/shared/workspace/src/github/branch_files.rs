//! Files of branches that belong to no run: read and committed without a working copy.

use futures_util::future::join_all;
use loom_github::Repository;
use loom_platform::Platform;

use super::{
    Done, branch_commit,
    error::{self, Result},
    mode::is_regular,
    space::head_of,
    tree,
};
use crate::{BranchFile, Call, FileContent, Operation, Outcome, branch_files as limits, path};

/// How many files are fetched at the same time.
const AT_ONCE: usize = 8;

/// Performs an operation on the files of a branch; none when it is another one.
pub(super) async fn perform<P: Platform>(
    platform: &P,
    repository: &Repository<P>,
    call: &Call,
    begun_at: i64,
    plan: &Option<String>,
) -> Option<Result<Done>> {
    let outcome = match &call.operation {
        Operation::ListFiles {
            branch,
            prefix,
            trailers,
        } => list(platform, repository, branch, prefix, trailers).await,
        Operation::ReadFiles { commit, paths } => read(platform, repository, commit, paths).await,
        Operation::CommitFiles { .. } => {
            let plan = plan.as_deref();
            branch_commit::commit(platform, repository, call, begun_at, plan).await
        }
        _ => return None,
    };
    Some(outcome.map(Done::New))
}

async fn list<P: Platform>(
    platform: &P,
    repository: &Repository<P>,
    branch: &str,
    prefix: &str,
    trailers: &[String],
) -> Result<Outcome> {
    let prefix = path::normalize(prefix)?;
    let Some(head) = head_of(repository, &format!("heads/{branch}")).await? else {
        return Ok(Outcome::Listed {
            head: None,
            files: Vec::new(),
            landed: Vec::new(),
        });
    };
    let commit = repository.get_commit(&head).await.map_err(error::github)?;
    let files = files(platform, repository, &commit.tree, &prefix).await?;
    let mut landed = Vec::new();
    if !trailers.is_empty() {
        let log = repository
            .list_commits(&head, None, limits::RECENT)
            .await
            .map_err(error::github)?;
        let messages = log.items.iter().map(|commit| commit.message.as_str());
        landed = limits::landed(messages, trailers);
    }
    Ok(Outcome::Listed {
        head: Some(head),
        files,
        landed,
    })
}

/// The regular files of a tree below a directory.
pub(super) async fn files<P: Platform>(
    platform: &P,
    repository: &Repository<P>,
    root: &str,
    prefix: &str,
) -> Result<Vec<BranchFile>> {
    let items = tree::below(platform, repository, root, prefix).await?;
    Ok(items
        .into_iter()
        .filter(|(_, item)| is_regular(item.mode))
        .map(|(path, item)| BranchFile {
            path,
            blob: item.sha,
            bytes: item.size,
        })
        .collect())
}

async fn read<P: Platform>(
    platform: &P,
    repository: &Repository<P>,
    commit: &str,
    paths: &[String],
) -> Result<Outcome> {
    limits::check_read(commit, paths)?;
    let found = match repository.get_commit(commit).await {
        Err(error) if error.is_not_found() => return Err(limits::no_commit(commit)),
        other => other.map_err(error::github)?,
    };
    let items = tree::below(platform, repository, &found.tree, "").await?;
    let mut wanted = Vec::new();
    let mut total = 0;
    for path in paths {
        let normal = path::normalize_file(path)?;
        let item = items.get(&normal).filter(|item| is_regular(item.mode));
        total += item.map_or(0, |item| usize::try_from(item.size).unwrap_or(usize::MAX));
        limits::check_bytes(total)?;
        wanted.push((path, item));
    }
    let mut files = Vec::new();
    for group in wanted.chunks(AT_ONCE) {
        let contents = join_all(group.iter().map(|(_, item)| async move {
            match item {
                Some(item) => repository.get_blob(&item.sha).await.map(Some),
                None => Ok(None),
            }
        }))
        .await;
        for ((path, _), content) in group.iter().zip(contents) {
            let content = content.map_err(error::github)?;
            files.push(FileContent {
                path: (*path).clone(),
                content: content.and_then(|bytes| String::from_utf8(bytes.to_vec()).ok()),
            });
        }
    }
    Ok(Outcome::Contents { files })
}
