use loom_domain::time::Timestamp;
use loom_platform::Platform;
use serde::Deserialize;

use crate::{
    GithubError, Listed, Repository,
    actor::{moment, or_default},
    call::{Call, segment},
};

/// How far a check, a workflow run or a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckStatus {
    /// It waits for a machine.
    Queued,
    /// It runs.
    InProgress,
    /// It has a conclusion.
    Completed,
    /// It waits for something else: an approval, another run, a schedule.
    #[serde(other)]
    Waiting,
}

/// How a check, a workflow run or a job ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Conclusion {
    /// Well.
    Success,
    /// Badly.
    Failure,
    /// Neither.
    Neutral,
    /// Somebody stopped it.
    Cancelled,
    /// It did not have to run.
    Skipped,
    /// It took too long.
    TimedOut,
    /// A person has to do something.
    ActionRequired,
    /// GitHub gave up on it.
    Stale,
    /// It could not be started.
    StartupFailure,
    /// A kind that this client does not know.
    #[serde(other)]
    Other,
}

impl Conclusion {
    /// Whether a merge may go ahead: what GitHub itself accepts for a required check.
    pub fn is_passing(self) -> bool {
        matches!(self, Self::Success | Self::Neutral | Self::Skipped)
    }
}

/// A check of a commit.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct CheckRun {
    /// Its id; that of a job of GitHub Actions is the job's.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// How far it is.
    pub status: CheckStatus,
    /// How it ended.
    #[serde(default)]
    pub conclusion: Option<Conclusion>,
    /// The commit.
    pub head_sha: String,
    /// Its page; may be empty.
    #[serde(default, deserialize_with = "or_default")]
    pub html_url: String,
    /// The checking program's own page.
    #[serde(default)]
    pub details_url: Option<String>,
    /// What it found.
    #[serde(default, deserialize_with = "or_default")]
    pub output: CheckOutput,
    /// When it ended.
    #[serde(default, deserialize_with = "moment")]
    pub completed_at: Option<Timestamp>,
    #[serde(default)]
    app: Option<Slug>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Slug {
    #[serde(default)]
    slug: Option<String>,
}

impl CheckRun {
    /// The App that checks: `github-actions`, …
    pub fn app(&self) -> Option<&str> {
        self.app.as_ref()?.slug.as_deref()
    }
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct CheckOutput {
    /// A headline.
    pub title: Option<String>,
    /// A summary, in Markdown.
    pub summary: Option<String>,
    /// The details, in Markdown.
    pub text: Option<String>,
    /// How many annotations there are.
    pub annotations_count: u32,
}

/// What a check found at a line.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Annotation {
    /// The file.
    #[serde(default, deserialize_with = "or_default")]
    pub path: String,
    /// The first line.
    #[serde(default)]
    pub start_line: Option<u32>,
    /// `notice`, `warning` or `failure`.
    #[serde(rename = "annotation_level", default, deserialize_with = "or_default")]
    pub level: String,
    /// What was found.
    #[serde(default, deserialize_with = "or_default")]
    pub message: String,
}

/// How a commit stands by the statuses that older programs set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StatusState {
    /// Something is not finished, or nothing was ever set.
    Pending,
    /// Everything is well.
    Success,
    /// Something is not.
    Failure,
    /// Something could not be found out.
    Error,
}

/// A status of a commit.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct CommitStatus {
    /// What it is about: `ci/build`, …
    pub context: String,
    /// How it stands.
    pub state: StatusState,
    /// A sentence.
    #[serde(default, deserialize_with = "or_default")]
    pub description: String,
    /// The program's own page.
    #[serde(default)]
    pub target_url: Option<String>,
}

/// The statuses of a commit, the latest of each context.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct CombinedStatus {
    /// How they stand together. `Pending` where there are none.
    pub state: StatusState,
    /// The commit.
    pub sha: String,
    /// At most 100.
    #[serde(default)]
    pub statuses: Vec<CommitStatus>,
}

#[derive(Deserialize)]
struct Page {
    check_runs: Vec<CheckRun>,
}

impl<P: Platform> Repository<P> {
    /// The latest checks of a commit, branch or tag, at most 1,000. Asked for conditionally.
    pub async fn check_runs(&self, name: &str) -> Result<Listed<CheckRun>, GithubError> {
        let call =
            Call::get(self.at(&format!("/commits/{}/check-runs", segment(name)))).conditional();
        self.list_in(call, 10, |page: Page| page.check_runs).await
    }

    /// The check with an id; for GitHub Actions also the id of a job.
    pub async fn check_run(&self, id: i64) -> Result<CheckRun, GithubError> {
        self.get(Call::get(self.at(&format!("/check-runs/{id}"))))
            .await
    }

    /// What a check found at lines, at most 200.
    pub async fn annotations(&self, check_run_id: i64) -> Result<Listed<Annotation>, GithubError> {
        let call = Call::get(self.at(&format!("/check-runs/{check_run_id}/annotations")));
        self.list(call, 2).await
    }

    /// The statuses of a commit, branch or tag. Asked for conditionally.
    pub async fn combined_status(&self, name: &str) -> Result<CombinedStatus, GithubError> {
        let call = Call::get(self.at(&format!("/commits/{}/status", segment(name))))
            .query("per_page", "100")
            .conditional();
        self.get(call).await
    }
}
