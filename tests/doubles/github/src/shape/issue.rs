use serde_json::{Value, json};

use super::node;
use crate::world::{Comment, Issue, Repo, World};

impl World {
    /// `label`; one that the repository does not know is shown grey.
    pub(crate) fn label_json(&self, repo: &Repo, name: &str) -> Value {
        let label = repo
            .labels
            .iter()
            .find(|label| label.name.eq_ignore_ascii_case(name));
        let url = format!(
            "{}/labels/{}",
            self.repo_api(repo),
            super::commit::escape(name)
        );
        json!({
            "id": label.map_or(0, |label| label.id),
            "node_id": node("LA", name),
            "url": url,
            "name": label.map_or(name, |label| &label.name),
            "description": label.and_then(|label| label.description.clone()),
            "color": label.map_or("ededed", |label| &label.color),
            "default": false,
        })
    }

    /// Labels of an issue.
    pub(crate) fn labels_json(&self, repo: &Repo, names: &[String]) -> Value {
        names
            .iter()
            .map(|name| self.label_json(repo, name))
            .collect()
    }

    /// `issue`.
    pub(crate) fn issue_json(&self, repo: &Repo, issue: &Issue) -> Value {
        let api = self.repo_api(repo);
        let page = self.repo_page(repo);
        let number = issue.number;
        let kind = if issue.pull.is_some() {
            "pull"
        } else {
            "issues"
        };
        let assignees: Vec<Value> = issue
            .assignees
            .iter()
            .map(|login| self.user_json(login))
            .collect();
        let mut value = json!({
            "id": issue.id,
            "node_id": node("I", issue.id),
            "url": format!("{api}/issues/{number}"),
            "repository_url": api,
            "labels_url": format!("{api}/issues/{number}/labels{{/name}}"),
            "comments_url": format!("{api}/issues/{number}/comments"),
            "events_url": format!("{api}/issues/{number}/events"),
            "timeline_url": format!("{api}/issues/{number}/timeline"),
            "html_url": format!("{page}/{kind}/{number}"),
            "number": number,
            "state": issue.state(),
            "state_reason": issue.state_reason,
            "title": issue.title,
            "body": issue.body,
            "user": self.user_json(&issue.author),
            "labels": self.labels_json(repo, &issue.labels),
            "assignee": assignees.first(),
            "assignees": assignees,
            "milestone": null,
            "locked": issue.locked,
            "active_lock_reason": null,
            "comments": comments(repo, number),
            "closed_at": issue.closed_at,
            "created_at": issue.created_at,
            "updated_at": issue.updated_at,
            "closed_by": self.user_or_null(issue.closed_by.as_deref()),
            "author_association": repo.association(&issue.author),
            "reactions": reactions(&format!("{api}/issues/{number}/reactions")),
            "performed_via_github_app": null,
        });
        if let Some(pull) = &issue.pull {
            value["draft"] = json!(pull.draft);
            value["pull_request"] = json!({
                "url": format!("{api}/pulls/{number}"),
                "html_url": format!("{page}/pull/{number}"),
                "diff_url": format!("{page}/pull/{number}.diff"),
                "patch_url": format!("{page}/pull/{number}.patch"),
                "merged_at": pull.merged_at,
            });
        }
        value
    }

    /// `issue-comment`.
    pub(crate) fn comment_json(&self, repo: &Repo, comment: &Comment) -> Value {
        let api = self.repo_api(repo);
        let id = comment.id;
        let kind = match repo.issues.get(&comment.issue) {
            Some(issue) if issue.pull.is_some() => "pull",
            _ => "issues",
        };
        json!({
            "id": id,
            "node_id": node("IC", id),
            "url": format!("{api}/issues/comments/{id}"),
            "html_url": format!("{}/{kind}/{}#issuecomment-{id}", self.repo_page(repo), comment.issue),
            "issue_url": format!("{api}/issues/{}", comment.issue),
            "user": self.user_json(&comment.author),
            "created_at": comment.created_at,
            "updated_at": comment.updated_at,
            "body": comment.body,
            "author_association": repo.association(&comment.author),
            "reactions": reactions(&format!("{api}/issues/comments/{id}/reactions")),
            "performed_via_github_app": null,
        })
    }
}

fn comments(repo: &Repo, number: u64) -> usize {
    repo.comments
        .iter()
        .filter(|comment| comment.issue == number)
        .count()
}

/// `reaction-rollup` of something that nobody reacted to.
pub(crate) fn reactions(url: &str) -> Value {
    json!({
        "url": url, "total_count": 0, "+1": 0, "-1": 0, "laugh": 0, "hooray": 0, "confused": 0,
        "heart": 0, "rocket": 0, "eyes": 0,
    })
}
