use serde_json::{Value, json};

use super::node;
use crate::world::{Issue, Pull, Repo, World};

impl World {
    /// `pull-request-simple`.
    pub(crate) fn pull_json(&self, repo: &Repo, issue: &Issue, pull: &Pull) -> Value {
        let api = self.repo_api(repo);
        let page = self.repo_page(repo);
        let number = issue.number;
        let url = format!("{api}/pulls/{number}");
        let side = |name: &str, sha: &str| {
            json!({
                "label": format!("{}:{name}", repo.owner),
                "ref": name,
                "sha": sha,
                "user": self.user_json(&repo.owner),
                "repo": self.repo_json(repo),
            })
        };
        let users = |logins: &[String]| -> Vec<Value> {
            logins.iter().map(|login| self.user_json(login)).collect()
        };
        let assignees = users(&issue.assignees);
        json!({
            "url": url,
            "id": pull.id,
            "node_id": node("PR", pull.id),
            "html_url": format!("{page}/pull/{number}"),
            "diff_url": format!("{page}/pull/{number}.diff"),
            "patch_url": format!("{page}/pull/{number}.patch"),
            "issue_url": format!("{api}/issues/{number}"),
            "commits_url": format!("{url}/commits"),
            "review_comments_url": format!("{url}/comments"),
            "review_comment_url": format!("{api}/pulls/comments{{/number}}"),
            "comments_url": format!("{api}/issues/{number}/comments"),
            "statuses_url": format!("{api}/statuses/{}", pull.head_sha),
            "number": number,
            "state": issue.state(),
            "locked": issue.locked,
            "active_lock_reason": null,
            "title": issue.title,
            "user": self.user_json(&issue.author),
            "body": issue.body,
            "labels": self.labels_of_pull(repo, &issue.labels),
            "milestone": null,
            "created_at": issue.created_at,
            "updated_at": issue.updated_at,
            "closed_at": issue.closed_at,
            "merged_at": pull.merged_at,
            "merge_commit_sha": pull.merge_commit,
            "assignee": assignees.first(),
            "assignees": assignees,
            "requested_reviewers": users(&pull.requested),
            "requested_teams": [],
            "head": side(&pull.head, &pull.head_sha),
            "base": side(&pull.base, &pull.base_sha),
            "_links": {
                "self": {"href": url},
                "html": {"href": format!("{page}/pull/{number}")},
                "issue": {"href": format!("{api}/issues/{number}")},
                "comments": {"href": format!("{api}/issues/{number}/comments")},
                "review_comments": {"href": format!("{url}/comments")},
                "review_comment": {"href": format!("{api}/pulls/comments{{/number}}")},
                "commits": {"href": format!("{url}/commits")},
                "statuses": {"href": format!("{api}/statuses/{}", pull.head_sha)},
            },
            "author_association": repo.association(&issue.author),
            "auto_merge": null,
            "draft": pull.draft,
        })
    }

    /// The labels of a pull request: their description is a text always.
    fn labels_of_pull(&self, repo: &Repo, names: &[String]) -> Value {
        let mut labels = self.labels_json(repo, names);
        for label in labels.as_array_mut().into_iter().flatten() {
            if label["description"].is_null() {
                label["description"] = json!("");
            }
        }
        labels
    }

    /// `pull-request`.
    pub(crate) fn whole_pull_json(&self, repo: &Repo, issue: &Issue, pull: &Pull) -> Value {
        let mut value = self.pull_json(repo, issue, pull);
        let base = repo
            .git
            .merge_base(&pull.base_sha, &pull.head_sha)
            .unwrap_or_else(|| pull.base_sha.clone());
        let files = repo
            .git
            .diff(Some(&base), &pull.head_sha)
            .unwrap_or_default();
        let commits = repo
            .git
            .between(&pull.base_sha, &pull.head_sha)
            .map_or(0, |commits| commits.len());
        let (mergeable, state) = self.mergeability(repo, issue, pull);
        let comments = repo
            .comments
            .iter()
            .filter(|comment| comment.issue == issue.number)
            .count();
        let more = json!({
            "merged": pull.merged_at.is_some(),
            "mergeable": mergeable,
            "rebaseable": mergeable,
            "mergeable_state": state,
            "merged_by": self.user_or_null(pull.merged_by.as_deref()),
            "comments": comments,
            "review_comments": pull.comments.len(),
            "maintainer_can_modify": pull.maintainer_can_modify,
            "commits": commits,
            "additions": files.iter().map(|file| file.additions).sum::<u64>(),
            "deletions": files.iter().map(|file| file.deletions).sum::<u64>(),
            "changed_files": files.len(),
        });
        if let (Value::Object(fields), Value::Object(more)) = (&mut value, more) {
            fields.extend(more);
        }
        value
    }

    /// `pull-request-minimal` of the open pull requests with this head.
    pub(crate) fn pulls_of_head_json(&self, repo: &Repo, sha: &str) -> Value {
        repo.issues
            .values()
            .filter(|issue| issue.open())
            .filter_map(|issue| Some((issue, issue.pull.as_ref()?)))
            .filter(|(_, pull)| pull.head_sha == sha)
            .map(|(issue, pull)| {
                let name = json!({"id": repo.id, "url": self.repo_api(repo), "name": repo.name});
                json!({
                    "id": pull.id,
                    "number": issue.number,
                    "url": format!("{}/pulls/{}", self.repo_api(repo), issue.number),
                    "head": {"ref": pull.head, "sha": pull.head_sha, "repo": name},
                    "base": {"ref": pull.base, "sha": pull.base_sha, "repo": name},
                })
            })
            .collect()
    }
}
