use serde_json::{Value, json};

use super::node;
use crate::world::{Job, Repo, Run, World};

impl World {
    /// `workflow-run`.
    pub(crate) fn run_json(&self, repo: &Repo, run: &Run) -> Value {
        let api = self.repo_api(repo);
        let url = format!("{api}/actions/runs/{}", run.id);
        let commit = repo.git.commit(&run.sha).ok();
        let title = commit
            .as_ref()
            .and_then(|commit| commit.message.lines().next())
            .unwrap_or_default()
            .to_owned();
        json!({
            "id": run.id,
            "name": run.name,
            "node_id": node("WFR", run.id),
            "check_suite_id": run.suite,
            "check_suite_node_id": node("CS", run.suite),
            "head_branch": run.branch,
            "head_sha": run.sha,
            "path": run.path,
            "run_number": run.number,
            "run_attempt": run.attempt,
            "event": run.event,
            "display_title": title,
            "status": run.status,
            "conclusion": run.conclusion,
            "workflow_id": run.workflow,
            "url": url,
            "html_url": format!("{}/actions/runs/{}", self.repo_page(repo), run.id),
            "pull_requests": self.pulls_of_head_json(repo, &run.sha),
            "created_at": run.created_at,
            "updated_at": run.updated_at,
            "run_started_at": run.started_at,
            "actor": self.user_json(&run.actor),
            "triggering_actor": self.user_json(&run.actor),
            "jobs_url": format!("{url}/jobs"),
            "logs_url": format!("{url}/logs"),
            "check_suite_url": format!("{api}/check-suites/{}", run.suite),
            "artifacts_url": format!("{url}/artifacts"),
            "cancel_url": format!("{url}/cancel"),
            "rerun_url": format!("{url}/rerun"),
            "previous_attempt_url": null,
            "workflow_url": format!("{api}/actions/workflows/{}", run.workflow),
            "head_commit": commit.map(|commit| self.head_commit_json(&commit)),
            "repository": self.small_repo_json(repo),
            "head_repository": self.small_repo_json(repo),
            "referenced_workflows": [],
        })
    }

    /// The `workflow` of a webhook.
    pub(crate) fn workflow_json(&self, repo: &Repo, run: &Run) -> Value {
        let api = self.repo_api(repo);
        let page = self.repo_page(repo);
        let created = repo
            .workflows
            .iter()
            .find(|workflow| workflow.id == run.workflow)
            .map(|workflow| workflow.created_at.clone());
        json!({
            "id": run.workflow,
            "node_id": node("W", run.workflow),
            "name": run.name,
            "path": run.path,
            "state": "active",
            "created_at": created,
            "updated_at": created,
            "url": format!("{api}/actions/workflows/{}", run.workflow),
            "html_url": format!("{page}/blob/{}/{}", repo.default_branch, run.path),
            "badge_url": format!("{page}/workflows/{}/badge.svg", super::commit::escape(&run.name)),
        })
    }

    /// `job`.
    pub(crate) fn job_json(&self, repo: &Repo, run: &Run, job: &Job) -> Value {
        let api = self.repo_api(repo);
        let step = json!({
            "name": "Run the tests", "status": job.status, "conclusion": job.conclusion, "number": 1,
            "started_at": job.started_at, "completed_at": job.completed_at,
        });
        json!({
            "id": job.id,
            "run_id": job.run,
            "workflow_name": run.name,
            "head_branch": run.branch,
            "run_url": format!("{api}/actions/runs/{}", job.run),
            "run_attempt": job.attempt,
            "node_id": node("CR", job.id),
            "head_sha": run.sha,
            "url": format!("{api}/actions/jobs/{}", job.id),
            "html_url": format!("{}/actions/runs/{}/job/{}", self.repo_page(repo), job.run, job.id),
            "status": job.status,
            "conclusion": job.conclusion,
            "created_at": job.created_at,
            "started_at": job.started_at,
            "completed_at": job.completed_at,
            "name": job.name,
            "steps": [step],
            "check_run_url": format!("{api}/check-runs/{}", job.id),
            "labels": ["ubuntu-latest"],
            "runner_id": 1,
            "runner_name": "GitHub Actions 1",
            "runner_group_id": 0,
            "runner_group_name": "GitHub Actions",
        })
    }
}
