//! A repository that is renamed, transferred, archived or deleted: its project is kept in step.

use loom_domain::{
    event::{EventKind, NewEvent},
    github::{Repository, intent::RepositoryChange},
    project::{Project, ProjectStatus},
};
use loom_platform::{Random, Statements};

use super::{Applied, attempt::attempt};
use crate::{StoreError, change::Change, project};

/// Keeps a project in step with its repository.
pub(super) async fn changed<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    before: &Project,
    what: &RepositoryChange,
    applied: &mut Applied,
) -> Result<(), StoreError> {
    let before = project::get(change.tx, &before.id).await?;
    let word = match what {
        RepositoryChange::Moved(to) => return moved(change, before, to, applied).await,
        RepositoryChange::Archived => "archived",
        RepositoryChange::Deleted => "deleted",
        RepositoryChange::Unarchived => "unarchived",
    };
    let closes = *what != RepositoryChange::Unarchived;
    let is_closed = before.status == ProjectStatus::Closed;
    if closes && is_closed {
        return Ok(());
    }
    tell(change, &before, word, None).await?;
    if closes && let Err(refusal) = attempt(change.tx, project::close(change, before, true)).await?
    {
        applied.refused(&refusal);
    }
    Ok(())
}

async fn moved<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    before: Project,
    to: &Repository,
    applied: &mut Applied,
) -> Result<(), StoreError> {
    let Some(from) = before.repository() else {
        return Ok(());
    };
    if from.owner == to.owner && from.name == to.name {
        return Ok(());
    }
    // Scheme and host stay those by which the project reaches it.
    let there = Repository {
        owner: to.owner.clone(),
        name: to.name.clone(),
        ..from
    };
    let after = Project {
        git_repo: there.url(),
        ..before.clone()
    };
    let updated = project::update(change, after, EventKind::ProjectUpdated);
    match attempt(change.tx, updated).await? {
        Ok(_) => tell(change, &before, "moved", Some(&there.full_name())).await,
        Err(refusal) => {
            applied.refused(&refusal);
            Ok(())
        }
    }
}

async fn tell<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    project: &Project,
    word: &str,
    to: Option<&str>,
) -> Result<(), StoreError> {
    let from = project
        .repository()
        .map(|repository| repository.full_name());
    let event = NewEvent::new(EventKind::GithubRepositoryChanged)
        .project(&project.id)
        .with("change", word)
        .with("repository", from)
        .with("moved_to", to);
    change.event(event).await?;
    Ok(())
}
