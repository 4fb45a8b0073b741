//! What deliveries of GitHub's do: each in one transaction, so that it is done wholly or not at all, and in any order
//! and number with the same result.

mod checks;

use std::collections::BTreeSet;

use loom_domain::{github::intent::Intent, project::Project};
use loom_platform::{Random, Statements};

use crate::{StoreError, change::Change, project};

/// What was looked up on GitHub before the transaction.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// The logins, of those that the intents need permission for, who may write to the repository.
    pub writers: BTreeSet<String>,
}

impl Facts {
    /// Whether somebody may write to the repository.
    fn may_write(&self, login: &str) -> bool {
        self.writers
            .iter()
            .any(|writer| writer.eq_ignore_ascii_case(login))
    }
}

/// Something that a delivery asked for and that was not done, or not wholly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Stable, `snake_case`.
    pub code: String,
    /// A sentence for people.
    pub why: String,
}

/// What became of a delivery.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Applied {
    /// The beads that it filed or changed.
    pub beads: BTreeSet<String>,
    /// Those of them that are new.
    pub filed: Vec<String>,
    /// What was not done, and why.
    pub notes: Vec<Note>,
    /// There may be work to dispatch, or a run to resume: nudge the dispatcher after the commit.
    pub nudge: bool,
}

impl Applied {
    fn note(&mut self, code: &str, why: impl Into<String>) {
        self.notes.push(Note {
            code: code.to_owned(),
            why: why.into(),
        });
    }
}

/// Does everything that a delivery asks for, in the open transaction of `change`.
///
/// What a rule refuses, such as a command that does not fit the state, is a [`Note`] and not an error: an error means
/// that nothing was done, and that trying again may help.
pub async fn apply<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    project: &Project,
    intents: &[Intent],
    facts: &Facts,
) -> Result<Applied, StoreError> {
    let mut applied = Applied::default();
    for intent in intents {
        match intent {
            Intent::ChecksEnded(ended) => {
                checks::ended(change, project, ended, &mut applied).await?;
            }
            Intent::Push(push) => checks::pushed(change, project, push).await?,
            _ => {
                let _ = facts.may_write("");
                applied.note("not_handled", "");
            }
        }
    }
    Ok(applied)
}

/// The project of a delivery: `names` are those that its repository goes by, as
/// [`repositories`](loom_domain::github::intent::repositories) reads them.
pub async fn project_of<S: Statements>(
    statements: &S,
    names: &[(String, String)],
) -> Result<Option<Project>, StoreError> {
    for (owner, name) in names {
        if let Some(found) = project::by_repository(statements, owner, name).await? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}
