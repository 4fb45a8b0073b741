use serde_json::{Value, json};

use super::node;
use crate::world::{CheckRun, CommitStatus, Repo, Suite, World};

impl World {
    /// `check-run`.
    pub(crate) fn check_json(&self, repo: &Repo, check: &CheckRun) -> Value {
        let api = self.repo_api(repo);
        let id = check.id;
        json!({
            "id": id,
            "name": check.name,
            "node_id": node("CR", id),
            "head_sha": check.sha,
            "external_id": "",
            "url": format!("{api}/check-runs/{id}"),
            "html_url": format!("{}/runs/{id}", self.repo_page(repo)),
            "details_url": check.details_url,
            "status": check.status,
            "conclusion": check.conclusion,
            "started_at": check.started_at,
            "completed_at": check.completed_at,
            "output": {
                "title": check.title, "summary": check.summary, "text": null, "annotations_count": 0,
                "annotations_url": format!("{api}/check-runs/{id}/annotations"),
            },
            "check_suite": {"id": check.suite},
            "app": self.actions_app_json(),
            "pull_requests": self.pulls_of_head_json(repo, &check.sha),
        })
    }

    /// `check-suite`.
    pub(crate) fn suite_json(&self, repo: &Repo, suite: &Suite) -> Value {
        let url = format!("{}/check-suites/{}", self.repo_api(repo), suite.id);
        let runs = repo.checks.iter().filter(|check| check.suite == suite.id);
        let commit = repo.git.commit(&suite.sha).ok();
        json!({
            "id": suite.id,
            "node_id": node("CS", suite.id),
            "head_branch": suite.branch,
            "head_sha": suite.sha,
            "status": suite.status,
            "conclusion": suite.conclusion,
            "url": url,
            "before": suite.before,
            "after": suite.sha,
            "pull_requests": self.pulls_of_head_json(repo, &suite.sha),
            "app": self.actions_app_json(),
            "repository": self.small_repo_json(repo),
            "created_at": suite.created_at,
            "updated_at": suite.updated_at,
            "head_commit": commit.map(|commit| self.head_commit_json(&commit)),
            "latest_check_runs_count": runs.count(),
            "check_runs_url": format!("{url}/check-runs"),
            "rerequestable": true,
            "runs_rerequestable": false,
        })
    }

    /// `status`.
    pub(crate) fn status_json(&self, repo: &Repo, status: &CommitStatus) -> Value {
        let mut value = self.simple_status_json(repo, status);
        value["creator"] = self.user_json(&status.creator);
        value
    }

    fn simple_status_json(&self, repo: &Repo, status: &CommitStatus) -> Value {
        json!({
            "url": format!("{}/statuses/{}", self.repo_api(repo), status.sha),
            "avatar_url": format!("{}/avatars/oa/1", self.address),
            "id": status.id,
            "node_id": node("SC", status.id),
            "state": status.state,
            "description": status.description,
            "target_url": status.target_url,
            "context": status.context,
            "created_at": status.created_at,
            "updated_at": status.created_at,
        })
    }

    /// `combined-commit-status`: the newest status of each context.
    pub(crate) fn combined_status_json(&self, repo: &Repo, sha: &str) -> Value {
        let newest = repo.newest_statuses(sha);
        let state = if newest
            .iter()
            .any(|status| matches!(status.state.as_str(), "failure" | "error"))
        {
            "failure"
        } else if newest.is_empty() || newest.iter().any(|status| status.state == "pending") {
            "pending"
        } else {
            "success"
        };
        let statuses: Vec<Value> = newest
            .iter()
            .map(|status| self.simple_status_json(repo, status))
            .collect();
        let api = self.repo_api(repo);
        json!({
            "state": state,
            "statuses": statuses,
            "sha": sha,
            "total_count": newest.len(),
            "repository": self.small_repo_json(repo),
            "commit_url": format!("{api}/commits/{sha}"),
            "url": format!("{api}/commits/{sha}/status"),
        })
    }
}
