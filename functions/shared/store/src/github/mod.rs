//! What deliveries of GitHub's do: each in one transaction, so that it is done wholly or not at all, and in any order
//! and number with the same result.

mod attempt;
mod build;
mod checks;
mod command;
mod comment;
mod follower;
mod issue;
mod links;
mod merge;
mod pull_request;
mod pull_review;
mod rate;
mod report;
mod repository;
mod review;
mod told;

use std::{borrow::Cow, collections::BTreeSet};

use loom_domain::{
    Refusal,
    github::{GithubSettings, intent::Intent},
    project::Project,
};
use loom_platform::{Random, Statements};

pub use links::{
    LinkedPullRequest, file_issue, issue_of_bead, link_pull_request, pull_request_of_bead,
    unfiled_issues,
};
pub use merge::{DueMerge, due_merges, forget_merge, merged, rework, take_merge};
pub use report::{
    Notice, Report, due_reports, forget_report, hold_reports, report_later, reported, take_report,
};

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
    pub code: &'static str,
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
    fn note(&mut self, code: &'static str, why: impl Into<String>) {
        self.notes.push(Note {
            code,
            why: why.into(),
        });
    }

    fn add(&mut self, done: Self) {
        self.beads.extend(done.beads);
        self.filed.extend(done.filed);
        self.notes.extend(done.notes);
        self.nudge |= done.nudge;
    }

    fn refused(&mut self, refusal: &Refusal) {
        self.note(refusal.code, refusal.message.clone());
    }
}

/// Does everything that a delivery asks for, in the open transaction of `change`.
///
/// What a rule refuses, such as a command that does not fit the state, is a [`Note`] and not an error: an error means
/// that nothing must be committed, and that trying again may help.
pub async fn apply<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    project: &Project,
    intents: &[Intent],
    facts: &Facts,
) -> Result<Applied, StoreError> {
    let mut applied = Applied::default();
    for intent in intents {
        let mut done = Applied::default();
        match attempt::attempt(change.tx, one(change, project, intent, facts, &mut done)).await? {
            Ok(()) => applied.add(done),
            Err(refusal) => applied.refused(&refusal),
        }
    }
    Ok(applied)
}

async fn one<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    project: &Project,
    intent: &Intent,
    facts: &Facts,
    to: &mut Applied,
) -> Result<(), StoreError> {
    // Boxes, because each of these is large, and only one is needed at a time.
    match intent {
        Intent::Announce(announcement) => {
            Box::pin(told::announce(change, project, announcement)).await
        }
        Intent::Issue(issue) => Box::pin(issue::follow(change, project, issue, to)).await,
        Intent::Comment(said) => Box::pin(comment::take(change, project, said, facts, to)).await,
        Intent::PullRequest(shown) => {
            Box::pin(pull_request::follow(change, project, shown, to)).await
        }
        Intent::Review(review) => Box::pin(review::take(change, project, review, facts, to)).await,
        Intent::ChecksEnded(ended) => Box::pin(checks::ended(change, project, ended, to)).await,
        Intent::Build(build) => Box::pin(build::ended(change, project, build, to)).await,
        Intent::Push(push) => Box::pin(checks::pushed(change, project, push)).await,
        Intent::Repository(what) => Box::pin(repository::changed(change, project, what, to)).await,
    }
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

/// How a project works with GitHub; where it says nothing, as everything is by default.
fn settings(project: &Project) -> Cow<'_, GithubSettings> {
    match &project.github {
        Some(settings) => Cow::Borrowed(settings),
        None => Cow::Owned(GithubSettings::default()),
    }
}

/// What a bead is about, the same in every Loom: `github:<what>:<owner>/<name>#<which>`.
fn fingerprint(project: &Project, what: &str, which: &str) -> String {
    let repository = project
        .repository()
        .map(|repository| repository.key())
        .unwrap_or_default();
    format!("github:{what}:{repository}#{which}")
}

/// Somebody on GitHub who makes a change.
struct Acting(String);

/// The change is made by the person of this login, if it is known, and else by whoever handles the delivery.
fn acting<S, R>(change: &Change<'_, S, R>, login: &str) -> Acting {
    Acting(if login.is_empty() {
        change.actor.to_owned()
    } else {
        format!("github:{login}")
    })
}

impl Acting {
    fn of<'a, S, R>(&'a self, change: &Change<'a, S, R>) -> Change<'a, S, R> {
        Change {
            tx: change.tx,
            random: change.random,
            actor: &self.0,
            now: change.now,
        }
    }
}
