//! What a test does as somebody.

use serde_json::Value;

use super::{FileSpec, ops};
use crate::routes;
use crate::running::Running;
use crate::wire::Failure;

impl Running {
    /// Opens an issue as somebody; returns its number.
    pub fn open_issue(
        &self,
        repo: &str,
        login: &str,
        title: &str,
        body: &str,
        labels: &[&str],
    ) -> u64 {
        let labels: Vec<String> = labels.iter().map(|label| (*label).to_owned()).collect();
        self.change(|world| {
            ops::person(world, login);
            routes::open_issue(
                world,
                repo,
                login,
                title,
                Some(body.to_owned()),
                &labels,
                &[],
            )
            .ok_or_else(Failure::not_found)
        })
    }

    /// Changes an issue or pull request as somebody; `edit` is the body of a PATCH: `title`, `body`, `state`,
    /// `state_reason`, `labels`, `assignees`.
    pub fn edit_issue(&self, repo: &str, login: &str, number: u64, edit: &Value) {
        self.change(|world| {
            ops::person(world, login);
            routes::edit_issue(world, repo, number, routes::Edit::of(edit)?, login);
            Ok(())
        });
    }

    /// Deletes an issue as somebody.
    pub fn delete_issue(&self, repo: &str, login: &str, number: u64) {
        self.change(|world| ops::delete_issue(world, repo, number, login));
    }

    /// Moves an issue to another repository as somebody; returns its number there.
    pub fn transfer_issue(&self, repo: &str, login: &str, number: u64, to: &str) -> u64 {
        self.change(|world| ops::transfer_issue(world, repo, number, to, login))
    }

    /// Comments on an issue or pull request as somebody; returns the comment's id.
    pub fn comment(&self, repo: &str, login: &str, number: u64, body: &str) -> u64 {
        self.change(|world| {
            ops::person(world, login);
            routes::add_comment(world, repo, number, login, body).ok_or_else(Failure::not_found)
        })
    }

    /// Changes a comment as somebody.
    pub fn edit_comment(&self, repo: &str, login: &str, id: u64, body: &str) {
        self.change(|world| {
            routes::change_comment(world, repo, id, login, body);
            Ok(())
        });
    }

    /// Commits files to a branch as somebody's push; a missing branch begins at the default branch.
    pub fn commit(
        &self,
        repo: &str,
        branch: &str,
        login: &str,
        message: &str,
        files: &[FileSpec],
    ) -> String {
        self.change(|world| ops::commit(world, repo, branch, login, message, files, &[]))
    }

    /// Deletes files on a branch as somebody's push.
    pub fn delete_files(
        &self,
        repo: &str,
        branch: &str,
        login: &str,
        message: &str,
        paths: &[&str],
    ) -> String {
        let paths: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
        self.change(|world| ops::commit(world, repo, branch, login, message, &[], &paths))
    }

    /// Tells the double that somebody moved a branch with `git push` to its path, from `before` (empty: it is new).
    pub fn pushed(&self, repo: &str, branch: &str, login: &str, before: &str) {
        self.change(|world| ops::pushed(world, repo, branch, login, before));
    }

    /// Deletes a branch as somebody.
    pub fn delete_branch(&self, repo: &str, login: &str, branch: &str) {
        self.change(|world| ops::delete_branch(world, repo, branch, login));
    }

    /// Opens a pull request as somebody; returns its number.
    pub fn open_pull(
        &self,
        repo: &str,
        login: &str,
        title: &str,
        head: &str,
        base: &str,
        body: &str,
    ) -> u64 {
        let new = routes::NewPull {
            title: title.to_owned(),
            head: head.to_owned(),
            base: base.to_owned(),
            body: Some(body.to_owned()),
            draft: false,
            maintainer_can_modify: false,
        };
        self.change(|world| {
            ops::person(world, login);
            routes::open_pull(world, repo, login, new)
        })
    }

    /// Reviews a pull request as somebody: `event` is `APPROVE`, `REQUEST_CHANGES` or `COMMENT`, and `comments` are
    /// in the form that the API takes (`path`, `line`, `side`, `body`), or `null`.
    pub fn review(
        &self,
        repo: &str,
        login: &str,
        number: u64,
        event: &str,
        body: &str,
        comments: &Value,
    ) -> u64 {
        self.change(|world| super::review(world, repo, login, number, event, body, comments))
    }

    /// Asks somebody for a review, as `by`.
    pub fn request_review(&self, repo: &str, by: &str, number: u64, login: &str) {
        self.change(|world| {
            ops::person(world, login);
            ops::person(world, by);
            routes::request_review(world, repo, number, login, by);
            Ok(())
        });
    }

    /// Merges a pull request as somebody; returns the commit.
    pub fn merge(&self, repo: &str, login: &str, number: u64, method: &str) -> String {
        let wish = routes::Wish {
            method: method.to_owned(),
            ..Default::default()
        };
        self.change(|world| {
            ops::person(world, login);
            routes::merge_pull(world, repo, number, login, wish)
        })
    }

    /// Reports a status for a commit as somebody.
    pub fn status(&self, repo: &str, login: &str, sha: &str, context: &str, state: &str) {
        let body = serde_json::json!({"state": state, "context": context});
        self.change(|world| {
            ops::person(world, login);
            routes::add_status(world, repo, sha, login, &body).map(drop)
        });
    }

    /// Sends any event of a repository: `fields` are what its payload has beside `action`, `repository` and `sender`.
    pub fn send_event(
        &self,
        repo: &str,
        sender: &str,
        event: &str,
        action: Option<&str>,
        fields: Value,
    ) {
        self.change(|world| {
            ops::send_event(world, repo, sender, event, action, fields);
            Ok(())
        });
    }

    /// Makes a pull request a draft or ready for review, as somebody.
    pub fn set_draft(&self, repo: &str, login: &str, number: u64, draft: bool) {
        self.change(|world| {
            ops::person(world, login);
            ops::set_draft(world, repo, number, draft, login)
        });
    }
}
