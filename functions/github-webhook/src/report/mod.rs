//! What GitHub is told: one status comment an issue or pull request, edited and never written anew; and the issue is
//! closed and opened along with its bead.

mod facts;
mod text;

use loom_api::Error;
use loom_domain::{
    bead::BeadStatus,
    github::Repository,
    hex,
    project::Project,
    time::{MINUTE, SECOND, Timestamp},
};
use loom_github::{
    GitHub, GithubError, IssueChange, Repository as GithubRepository, State, StateReason, marker,
};
use loom_platform::{Database, Platform, Transaction};
use loom_store::{
    Change, StoreError,
    delivery::{issue_was_closed, note_issue},
    github::{self, Report},
    project,
};

use crate::ACTOR;
use facts::Told;

/// The hidden mark of a status comment: with it, whoever has to write one finds the one that there is. It stays the same
/// whatever bead the issue has.
pub(crate) const MARKER: &str = "status";

/// How many comments one sweep writes; more wait for the next.
const MOST: i64 = 20;
/// How long one may take to write, in milliseconds: longer than all of its calls.
const LONGEST: i64 = 4 * MINUTE;
/// How soon the same comment is edited again, in milliseconds.
const PAUSE: i64 = 15 * SECOND;
/// When GitHub is tried again that did not answer, in milliseconds.
const LATER: i64 = MINUTE;
/// When it is tried again where somebody must change something first, in milliseconds.
const MUCH_LATER: i64 = 15 * MINUTE;

/// Brings the status comments up to date that are due. Returns how many say something new.
pub(crate) async fn due<P: Platform>(platform: &P) -> Result<usize, Error> {
    let mut written = 0;
    for report in github::due_reports(platform.database(), MOST).await? {
        if take(platform, &report).await? {
            match one(platform, &report).await {
                Ok(is_new) => written += usize::from(is_new),
                // Its lease brings it back; the others need not wait for that.
                Err(error) => {
                    let cause = format!("{error:?}");
                    let message = "a status comment could not be made";
                    loom_api::log("error", message, [("cause", &cause)]);
                }
            }
        }
    }
    Ok(written)
}

async fn take<P: Platform>(platform: &P, report: &Report) -> Result<bool, Error> {
    let tx = platform.database().transaction().await?;
    let change = Change::new(&tx, platform.random(), ACTOR).await?;
    let until = Timestamp(change.now.0 + LONGEST);
    let taken = github::take_report(&change, report, until).await?;
    tx.commit().await?;
    Ok(taken)
}

/// Whether the comment says something new.
async fn one<P: Platform>(platform: &P, report: &Report) -> Result<bool, Error> {
    let database = platform.database();
    let project = match project::get(database, &report.project_id).await {
        Err(StoreError::Refused(_)) => return Ok(false),
        other => other?,
    };
    let Some(repository) = Repository::parse(&project.git_repo) else {
        finish(platform, report, End::Forget).await?;
        return Ok(false);
    };
    let told = facts::gather(platform, report).await?;
    let text = text::write(&told);
    let digest = hex::sha256(&text);
    let written = tell(
        platform,
        report,
        &project,
        &repository,
        &told,
        &text,
        &digest,
    )
    .await;
    let (end, is_new) = match written {
        Ok((comment_id, is_new)) => (End::Said(comment_id, digest), is_new),
        Err(Trouble::Here(error)) => return Err(error),
        Err(Trouble::GitHub(error)) => (after(&error), false),
    };
    finish(platform, report, end).await?;
    Ok(is_new)
}

/// What became of a comment.
enum End {
    /// It says what it should, under this id.
    Said(Option<i64>, String),
    /// It is tried again at this time, and so is everything else that GitHub's limit is for.
    At(Timestamp),
    /// It is tried again so many milliseconds from now.
    In(i64),
    /// There is nothing to write to any more.
    Forget,
}

enum Trouble {
    Here(Error),
    GitHub(GithubError),
}

impl From<GithubError> for Trouble {
    fn from(error: GithubError) -> Self {
        Self::GitHub(error)
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::Here(error.into())
    }
}

fn after(error: &GithubError) -> End {
    let cause = error.to_string();
    loom_api::log(
        "warn",
        "a status comment could not be written",
        [("code", error.code()), ("cause", &cause)],
    );
    match error {
        GithubError::RateLimited { until, .. } => End::At(*until),
        GithubError::Unavailable { .. } => End::In(LATER),
        // The issue is gone or locked, or holds so many comments that Loom's own is not to be found.
        GithubError::NotFound { .. }
        | GithubError::Forbidden { .. }
        | GithubError::Unprocessable { .. }
        | GithubError::TooLarge { .. } => End::Forget,
        _ => End::In(MUCH_LATER),
    }
}

/// Writes the comment if it has to say something new, and closes or opens the issue.
async fn tell<P: Platform>(
    platform: &P,
    report: &Report,
    project: &Project,
    repository: &Repository,
    told: &Told,
    text: &str,
    digest: &str,
) -> Result<(Option<i64>, bool), Trouble> {
    let installation = project
        .github
        .as_ref()
        .and_then(|settings| settings.installation_id);
    let github = GitHub::load(platform).await?;
    let repository = github.repository(&repository.owner, &repository.name, installation);
    if told.issue == Some(report.number) {
        keep_in_step(platform, report, &repository, told).await?;
    }
    if report.comment_id.is_some() && report.text_sha256.as_deref() == Some(digest) {
        return Ok((report.comment_id, false));
    }
    if let Some(id) = report.comment_id {
        let body = format!("{text}\n\n{}", marker::hidden(MARKER));
        match repository.update_comment(id, &body).await {
            Ok(comment) => return Ok((Some(comment.id), true)),
            // Somebody has deleted it.
            Err(error) if error.is_not_found() => {}
            Err(error) => return Err(error.into()),
        }
    }
    let number = report.number;
    let (comment, _) = repository
        .upsert_marked_comment(number, MARKER, text)
        .await?;
    Ok((Some(comment.id), true))
}

/// An issue is closed when its bead is, once, and opened again when that is. What people do to it between is theirs.
async fn keep_in_step<P: Platform>(
    platform: &P,
    report: &Report,
    repository: &GithubRepository<P>,
    told: &Told,
) -> Result<(), Trouble> {
    let database = platform.database();
    let Some(bead) = &told.bead else {
        return Ok(());
    };
    let is_closed = bead.status == BeadStatus::Closed;
    let (project_id, number) = (&report.project_id, report.number);
    if issue_was_closed(database, project_id, number).await? == is_closed {
        return Ok(());
    }
    let shown = repository.get_issue(number).await?;
    let wanted = if is_closed {
        State::Closed
    } else {
        State::Open
    };
    if shown.is_some_and(|issue| issue.state != wanted) {
        let change = IssueChange {
            state: Some(wanted),
            state_reason: Some(if is_closed {
                StateReason::Completed
            } else {
                StateReason::Reopened
            }),
            ..IssueChange::default()
        };
        repository.update_issue(number, &change).await?;
    }
    note_issue(database, project_id, number, is_closed).await?;
    Ok(())
}

async fn finish<P: Platform>(platform: &P, report: &Report, end: End) -> Result<(), Error> {
    // GitHub counts the calls of a token together, and those of an App by its installation.
    let github = GitHub::load(platform).await;
    let whose = github
        .is_ok_and(|github| github.is_app())
        .then(|| report.project_id.clone());
    let tx = platform.database().transaction().await?;
    let change = Change::new(&tx, platform.random(), ACTOR).await?;
    match end {
        End::Said(comment_id, digest) => {
            let next_at = Timestamp(change.now.0 + PAUSE);
            github::reported(&change, report, comment_id, &digest, next_at).await?;
        }
        End::At(at) => {
            github::report_later(&change, report, at).await?;
            github::hold_reports(&change, whose.as_deref(), at).await?;
        }
        End::In(milliseconds) => {
            let at = Timestamp(change.now.0 + milliseconds);
            github::report_later(&change, report, at).await?;
        }
        End::Forget => github::forget_report(&change, report).await?,
    }
    tx.commit().await?;
    Ok(())
}
