use serde_json::json;

use super::pulls::{all, find};
use crate::world::{Repo, World};

/// What becomes of pull requests when a branch moved; an empty `new` is a branch that was deleted.
pub(crate) fn follow(world: &mut World, repo: &str, branch: &str, new: &str, sender: &str) {
    let now = world.stamp();
    let Some(found) = world.repo_mut(repo) else {
        return;
    };
    let git = found.git.clone();
    let dismiss = |protected: &Repo, base: &str| {
        protected
            .protections
            .get(base)
            .is_some_and(|protection| protection.dismiss_stale_reviews)
    };
    let numbers: Vec<u64> = all(found)
        .filter(|(issue, pull)| issue.open() && (pull.head == branch || pull.base == branch))
        .map(|(issue, _)| issue.number)
        .rev()
        .collect();
    for number in numbers {
        let Some(found) = world.repo_mut(repo) else {
            return;
        };
        let stale = find(found, number).is_ok_and(|(_, pull)| dismiss(found, &pull.base));
        let Some(issue) = found.issues.get_mut(&number) else {
            continue;
        };
        let Some(pull) = issue.pull.as_mut() else {
            continue;
        };
        issue.updated_at.clone_from(&now);
        if new.is_empty() {
            issue.closed = true;
            issue.closed_at = Some(now.clone());
            issue.closed_by = Some(sender.to_owned());
            world.tell_pull(repo, number, "closed", sender, json!({}));
        } else if pull.head == branch {
            let before = std::mem::replace(&mut pull.head_sha, new.to_owned());
            if stale {
                for review in &mut pull.reviews {
                    if review.state == "APPROVED" {
                        review.state = "DISMISSED";
                    }
                }
            }
            let reference = format!("refs/pull/{number}/head");
            let _ = git.update_ref(&reference, new, &before);
            let more = json!({"before": before, "after": new});
            world.tell_pull(repo, number, "synchronize", sender, more);
            world.start_runs(repo, "pull_request", branch, &before, new, sender);
        } else {
            pull.base_sha = new.to_owned();
            // What was pushed to the base by hand counts as merged.
            if git.is_ancestor(&pull.head_sha, new) {
                pull.merged_at = Some(now.clone());
                pull.merged_by = Some(sender.to_owned());
                pull.merge_commit = Some(new.to_owned());
                issue.closed = true;
                issue.closed_at = Some(now.clone());
                issue.closed_by = Some(sender.to_owned());
                world.tell_pull(repo, number, "closed", sender, json!({}));
            }
        }
    }
}
