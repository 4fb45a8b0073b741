use std::collections::BTreeMap;

use loom_domain::time::Timestamp;
use loom_platform::Platform;
use serde::Deserialize;
use serde_json::json;

use crate::{
    CheckStatus, Conclusion, GithubError, Listed, Repository,
    actor::{moment, or_default},
    call::{Call, segment},
};

/// A run of a workflow of GitHub Actions.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct WorkflowRun {
    /// Its id.
    pub id: i64,
    /// The workflow's name.
    #[serde(default, deserialize_with = "or_default")]
    pub name: String,
    /// The workflow's file: `.github/workflows/ci.yml`.
    #[serde(default, deserialize_with = "or_default")]
    pub path: String,
    /// The commit that it runs on.
    pub head_sha: String,
    /// The branch.
    #[serde(default)]
    pub head_branch: Option<String>,
    /// What started it: `push`, `pull_request`, `workflow_dispatch`, …
    #[serde(default, deserialize_with = "or_default")]
    pub event: String,
    /// How far it is.
    pub status: CheckStatus,
    /// How it ended.
    #[serde(default)]
    pub conclusion: Option<Conclusion>,
    /// Which attempt it is, from 1.
    #[serde(default)]
    pub run_attempt: u32,
    /// Its page.
    #[serde(default, deserialize_with = "or_default")]
    pub html_url: String,
    /// When it was started.
    #[serde(default, deserialize_with = "moment")]
    pub created_at: Option<Timestamp>,
}

impl WorkflowRun {
    /// Whether it runs the workflow in the file `workflow` (`ci.yml`, or its whole path).
    pub fn is_of(&self, workflow: &str) -> bool {
        // GitHub appends `@branch` in some answers.
        let path = self.path.split('@').next().unwrap_or_default();
        path == workflow || path.rsplit('/').next() == Some(workflow)
    }
}

/// A job of a workflow run.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Job {
    /// Its id, which is also that of its check.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// How far it is.
    pub status: CheckStatus,
    /// How it ended.
    #[serde(default)]
    pub conclusion: Option<Conclusion>,
    /// Its page.
    #[serde(default, deserialize_with = "or_default")]
    pub html_url: String,
    /// Its steps.
    #[serde(default, deserialize_with = "or_default")]
    pub steps: Vec<JobStep>,
}

/// A step of a job.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct JobStep {
    /// Its name.
    pub name: String,
    /// How it ended.
    #[serde(default)]
    pub conclusion: Option<Conclusion>,
}

/// A workflow to start.
#[derive(Debug, Clone, Copy)]
pub struct Dispatch<'a> {
    /// The workflow's file name: `ci.yml`.
    pub workflow: &'a str,
    /// The branch to run it on.
    pub branch: &'a str,
    /// The commit that the branch points to.
    pub head_sha: &'a str,
    /// Its inputs.
    pub inputs: &'a BTreeMap<String, String>,
}

/// What became of a [`Dispatch`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Dispatched {
    /// GitHub was asked, and will start a run in some seconds.
    Requested,
    /// A run on that commit was started before.
    Before(Box<WorkflowRun>),
}

#[derive(Deserialize)]
struct Runs {
    workflow_runs: Vec<WorkflowRun>,
}

#[derive(Deserialize)]
struct Jobs {
    jobs: Vec<Job>,
}

impl<P: Platform> Repository<P> {
    /// The workflow runs on a commit, newest first, at most 200. Asked for conditionally.
    pub async fn workflow_runs(&self, head_sha: &str) -> Result<Listed<WorkflowRun>, GithubError> {
        let call = Call::get(self.at("/actions/runs"))
            .query("head_sha", head_sha)
            .conditional();
        self.list_in(call, 2, |page: Runs| page.workflow_runs).await
    }

    /// The jobs of the latest attempt of a workflow run, at most 200. Asked for conditionally.
    pub async fn jobs(&self, run_id: i64) -> Result<Listed<Job>, GithubError> {
        let call = Call::get(self.at(&format!("/actions/runs/{run_id}/jobs"))).conditional();
        self.list_in(call, 2, |page: Jobs| page.jobs).await
    }

    /// Starts a workflow that can be dispatched on the head of a branch.
    ///
    /// Idempotent by commit: a run of that file on that commit that was dispatched before is returned. Looks before it
    /// asks, and again after a lost answer. A run appears some seconds after it was asked for: until then a repetition
    /// could ask twice, so on [`GithubError::Unavailable`] wait before calling again.
    pub async fn dispatch_workflow(
        &self,
        dispatch: &Dispatch<'_>,
    ) -> Result<Dispatched, GithubError> {
        if let Some(run) = self.find_dispatched(dispatch).await? {
            return Ok(Dispatched::Before(Box::new(run)));
        }
        let target = self.at(&format!(
            "/actions/workflows/{}/dispatches",
            segment(dispatch.workflow)
        ));
        let body = json!({"ref": dispatch.branch, "inputs": dispatch.inputs});
        match self.send(Call::post(target, &body)).await {
            Ok(_) => Ok(Dispatched::Requested),
            Err(error) if error.may_have_acted() => {
                let run = self.find_dispatched(dispatch).await?.ok_or(error)?;
                Ok(Dispatched::Before(Box::new(run)))
            }
            Err(error) => Err(error),
        }
    }

    async fn find_dispatched(
        &self,
        dispatch: &Dispatch<'_>,
    ) -> Result<Option<WorkflowRun>, GithubError> {
        let listed = self.workflow_runs(dispatch.head_sha).await?;
        Ok(listed.items.into_iter().find(|run| {
            run.event == "workflow_dispatch"
                && run.head_sha == dispatch.head_sha
                && run.is_of(dispatch.workflow)
        }))
    }

    /// Runs a finished workflow run again, wholly or only its failed jobs.
    ///
    /// After a lost answer look at [`WorkflowRun::run_attempt`] before calling again: GitHub refuses to start a run
    /// that has not finished, so a hasty repetition fails with [`GithubError::Forbidden`] and does no harm.
    pub async fn rerun(&self, run_id: i64, only_failed: bool) -> Result<(), GithubError> {
        let what = if only_failed {
            "rerun-failed-jobs"
        } else {
            "rerun"
        };
        let target = self.at(&format!("/actions/runs/{run_id}/{what}"));
        self.send(Call::post(target, &json!({}))).await?;
        Ok(())
    }
}
