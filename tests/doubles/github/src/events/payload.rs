//! The payloads of the events.

use serde_json::{Value, json};

use super::Event;
use crate::git::FileChange;
use crate::time;
use crate::world::{Repo, User, World};

impl World {
    /// The repository as it is in payloads: two of its instants are numbers in a push, which the caller sets.
    pub(crate) fn event_repo_json(&self, repo: &Repo) -> Value {
        let mut value = self.repo_json(repo);
        value["custom_properties"] = json!({});
        value
    }

    /// `issues`, with more fields if the action has some (`label`, `changes`).
    pub(crate) fn tell_issue(
        &mut self,
        repo: &str,
        number: u64,
        action: &'static str,
        sender: &str,
        more: Value,
    ) {
        let Some(found) = self.repo(repo) else { return };
        let Some(issue) = found.issues.get(&number) else {
            return;
        };
        let event = if issue.pull.is_some() {
            let action = match action {
                "opened" | "closed" | "reopened" | "edited" | "labeled" | "unlabeled"
                | "assigned" | "unassigned" => action,
                _ => return,
            };
            return self.tell_pull(repo, number, action, sender, more);
        } else {
            Event::new(
                "issues",
                Some(action),
                json!({"issue": self.issue_json(found, issue)}),
            )
        };
        self.emit(repo, sender, event.with(more));
    }

    /// `pull_request`.
    pub(crate) fn tell_pull(
        &mut self,
        repo: &str,
        number: u64,
        action: &'static str,
        sender: &str,
        more: Value,
    ) {
        let Some(found) = self.repo(repo) else { return };
        let Some(issue) = found.issues.get(&number) else {
            return;
        };
        let Some(pull) = &issue.pull else { return };
        let event = Event::new(
            "pull_request",
            Some(action),
            json!({"number": number, "pull_request": self.whole_pull_json(found, issue, pull)}),
        );
        self.emit(repo, sender, event.with(more));
    }

    /// `issue_comment`.
    pub(crate) fn tell_comment(
        &mut self,
        repo: &str,
        id: u64,
        action: &'static str,
        sender: &str,
        more: Value,
    ) {
        let Some(found) = self.repo(repo) else { return };
        let Some(comment) = found.comments.iter().find(|comment| comment.id == id) else {
            return;
        };
        let Some(issue) = found.issues.get(&comment.issue) else {
            return;
        };
        let event = Event::new(
            "issue_comment",
            Some(action),
            json!({
                "issue": self.issue_json(found, issue), "comment": self.comment_json(found, comment),
            }),
        );
        self.emit(repo, sender, event.with(more));
    }

    /// `push`, and before it `create` or after it `delete` of a branch or tag.
    pub(crate) fn tell_push(
        &mut self,
        repo: &str,
        name: &str,
        before: &str,
        after: &str,
        sender: &str,
    ) {
        let zero = "0".repeat(40);
        let created = before.is_empty();
        let deleted = after.is_empty();
        let (before, after) = (
            if created { zero.as_str() } else { before },
            if deleted { zero.as_str() } else { after },
        );
        let kind = if name.starts_with("refs/tags/") {
            "tag"
        } else {
            "branch"
        };
        let short = name
            .trim_start_matches("refs/heads/")
            .trim_start_matches("refs/tags/")
            .to_owned();
        let Some(found) = self.repo(repo) else { return };
        let master = found.default_branch.clone();
        let push = self.push_fields(found, name, before, after, sender);
        if created {
            let fields = json!({
                "ref": short, "ref_type": kind, "full_ref": name, "master_branch": master,
                "description": null, "pusher_type": "user",
            });
            self.emit(repo, sender, Event::new("create", None, fields));
        }
        self.emit(repo, sender, Event::new("push", None, push));
        if deleted {
            let fields = json!({
                "ref": short, "ref_type": kind, "full_ref": name, "pusher_type": "user",
            });
            self.emit(repo, sender, Event::new("delete", None, fields));
        }
    }

    fn push_fields(
        &self,
        repo: &Repo,
        name: &str,
        before: &str,
        after: &str,
        sender: &str,
    ) -> Value {
        let created = before.starts_with("0000000000");
        let deleted = after.starts_with("0000000000");
        let base = if created {
            repo.git.branch(&repo.default_branch).filter(|base| {
                name != format!("refs/heads/{}", repo.default_branch) && base != after
            })
        } else {
            Some(before.to_owned())
        };
        let shas = match (&base, deleted) {
            (_, true) => Vec::new(),
            (Some(base), false) => repo.git.between(base, after).unwrap_or_default(),
            (None, false) => vec![after.to_owned()],
        };
        let commits: Vec<Value> = shas
            .iter()
            .filter_map(|sha| self.pushed_commit_json(repo, sha))
            .collect();
        let page = self.repo_page(repo);
        let email = self.users.get(&sender.to_lowercase()).map(User::email);
        let forced = !created && !deleted && !repo.git.is_ancestor(before, after);
        json!({
            "ref": name,
            "before": before,
            "after": after,
            "base_ref": null,
            "created": created,
            "deleted": deleted,
            "forced": forced,
            "compare": format!(
                "{page}/compare/{}...{}",
                before.get(..12).unwrap_or(before), after.get(..12).unwrap_or(after)
            ),
            "commits": commits,
            "head_commit": if deleted { None } else { self.pushed_commit_json(repo, after) },
            "pusher": {"name": sender, "email": email},
        })
    }

    fn pushed_commit_json(&self, repo: &Repo, sha: &str) -> Option<Value> {
        let commit = repo.git.commit(sha).ok()?;
        let changes = repo
            .git
            .diff(commit.parents.first().map(String::as_str), sha)
            .ok()?;
        let names = |wanted: &str| -> Vec<&String> {
            changes
                .iter()
                .filter(|change: &&FileChange| change.status == wanted)
                .map(|change| &change.path)
                .collect()
        };
        let mut value = self.head_commit_json(&commit);
        value["distinct"] = json!(true);
        value["timestamp"] = json!(time::rfc3339(commit.committer.seconds));
        value["url"] = json!(format!("{}/commit/{sha}", self.repo_page(repo)));
        value["added"] = json!(names("added"));
        value["removed"] = json!(names("removed"));
        value["modified"] = json!(names("modified"));
        Some(value)
    }
}
