//! What stands in the way of a merge: conflicts, and what the protection of the base asks for.

use serde_json::{Value, json};

use crate::git::Merged;
use crate::world::{CommitStatus, Issue, Permission, Pull, Repo, World};

impl Repo {
    /// The newest status of each context on a commit.
    pub(crate) fn newest_statuses(&self, sha: &str) -> Vec<&CommitStatus> {
        let mut newest: Vec<&CommitStatus> = Vec::new();
        for status in self
            .statuses
            .iter()
            .rev()
            .filter(|status| status.sha == sha)
        {
            if !newest.iter().any(|seen| seen.context == status.context) {
                newest.push(status);
            }
        }
        newest
    }

    /// How a required check stands: `success`, `failure`, `pending` or `expected`.
    fn check_state(&self, sha: &str, name: &str) -> &'static str {
        let check = self
            .checks
            .iter()
            .rfind(|check| check.sha == sha && check.name == name);
        if let Some(check) = check {
            return match check.conclusion.as_deref() {
                None => "pending",
                Some("success" | "neutral" | "skipped") => "success",
                Some(_) => "failure",
            };
        }
        let statuses = self.newest_statuses(sha);
        match statuses.iter().find(|status| status.context == name) {
            None => "expected",
            Some(status) if status.state == "success" => "success",
            Some(status) if status.state == "pending" => "pending",
            Some(_) => "failure",
        }
    }

    /// Who approves and who asks for changes: the last word of each that may push.
    fn verdicts(&self, pull: &Pull) -> (usize, usize) {
        let mut last: Vec<(&str, &str)> = Vec::new();
        for review in &pull.reviews {
            if matches!(review.state, "COMMENTED" | "PENDING")
                || self.permission(&review.author) < Permission::Write
            {
                continue;
            }
            last.retain(|(author, _)| *author != review.author);
            last.push((&review.author, review.state));
        }
        let count = |state| last.iter().filter(|(_, found)| *found == state).count();
        (count("APPROVED"), count("CHANGES_REQUESTED"))
    }

    /// What the protection of the base still asks for.
    pub(crate) fn missing(&self, pull: &Pull) -> Option<String> {
        let protection = self.protections.get(&pull.base)?;
        for name in &protection.required_checks {
            match self.check_state(&pull.head_sha, name) {
                "success" => {}
                "failure" => return Some(format!("Required status check \"{name}\" is failing.")),
                state => return Some(format!("Required status check \"{name}\" is {state}.")),
            }
        }
        if protection.required_approvals > 0 {
            let (approvals, refusals) = self.verdicts(pull);
            if refusals > 0 {
                return Some(String::from("Changes have been requested."));
            }
            let needed = protection.required_approvals;
            if approvals < needed {
                let verb = if needed == 1 {
                    "review is"
                } else {
                    "reviews are"
                };
                return Some(format!(
                    "At least {needed} approving {verb} required by reviewers with write access."
                ));
            }
        }
        if protection.up_to_date && !self.git.is_ancestor(&pull.base_sha, &pull.head_sha) {
            return Some(String::from(
                "The head branch is not up to date with the base branch.",
            ));
        }
        None
    }
}

impl World {
    /// `mergeable` and `mergeable_state` of a pull request.
    pub(crate) fn mergeability(
        &self,
        repo: &Repo,
        issue: &Issue,
        pull: &Pull,
    ) -> (Value, &'static str) {
        if issue.closed {
            return (Value::Null, "unknown");
        }
        let clean = matches!(
            repo.git.merge(&pull.base_sha, &pull.head_sha, None),
            Ok(Merged::Clean(_))
        );
        if !clean {
            return (json!(false), "dirty");
        }
        let checks = repo
            .checks
            .iter()
            .filter(|check| check.sha == pull.head_sha);
        let unstable = checks.clone().any(|check| {
            !matches!(
                check.conclusion.as_deref(),
                Some("success" | "neutral" | "skipped")
            )
        }) || repo
            .newest_statuses(&pull.head_sha)
            .iter()
            .any(|status| status.state != "success");
        let state = if pull.draft {
            "draft"
        } else if repo
            .missing(pull)
            .is_some_and(|why| why.contains("up to date"))
        {
            "behind"
        } else if repo.missing(pull).is_some() {
            "blocked"
        } else if unstable {
            "unstable"
        } else {
            "clean"
        };
        (json!(true), state)
    }
}
