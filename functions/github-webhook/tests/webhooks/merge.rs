//! Pull requests that somebody has approved are merged, once, when GitHub and the project allow it.

use futures_util::future::join_all;
use loom_domain::bead::{Bead, BeadStatus};
use loom_platform::Platform;
use serde_json::{Value, json};

use crate::{
    fake::Pull,
    world::{World, issue_event},
};

const SHA: &str = "1111111111111111111111111111111111111111";
const OTHER_SHA: &str = "2222222222222222222222222222222222222222";
const NUMBER: i64 = 9;

impl World {
    /// With a bead whose work was handed over as a pull request, which ann, who may write, has approved.
    async fn with_approved() -> Self {
        let world = Self::with_handed_over().await;
        world.review(1, "ann", "approved").await;
        world
    }

    async fn with_handed_over() -> Self {
        let world = Self::new().await;
        world.github.with(|state| {
            state.permissions.insert("ann".to_owned(), "write");
            state.permissions.insert("eve".to_owned(), "read");
            let pull = Pull {
                head: SHA.to_owned(),
                mergeable_state: "clean",
                checks: vec![("test", Some("success"))],
                ..Pull::default()
            };
            state.pulls.insert(NUMBER, pull);
        });
        world
            .deliver("issues", "d-1", &issue_event("opened", 1, 0))
            .await;
        let opened = world.pull_event("opened", "loom-bot").await;
        world.deliver("pull_request", "d-2", &opened).await;
        world
            .set("UPDATE bead SET status = 'in_progress', in_review = 1")
            .await;
        world
    }

    async fn pull_event(&self, action: &str, by: &str) -> Value {
        let branch = format!("agent/{}/mend-it", self.only_bead().await.id);
        json!({
            "action": action,
            "pull_request": {
                "number": NUMBER, "title": "Mend it", "body": "", "draft": false, "merged": false, "state": "open",
                "html_url": "http://github.test/acme/widget/pull/9", "user": {"login": "loom-bot"},
                "head": {"ref": branch, "sha": SHA, "repo": {"full_name": "acme/widget"}},
                "base": {"ref": "main", "sha": OTHER_SHA}, "updated_at": "2026-11-20T10:05:00Z",
            },
            "repository": {"full_name": "acme/widget", "html_url": "http://github.test/acme/widget"},
            "sender": {"login": by, "type": "User"},
        })
    }

    /// A review that GitHub has and delivers.
    async fn review(&self, id: i64, by: &'static str, state: &'static str) {
        let word = if state == "approved" {
            "APPROVED"
        } else {
            "CHANGES_REQUESTED"
        };
        self.pull(|pull| pull.reviews.push((by, word)));
        let mut event = self.pull_event("submitted", by).await;
        event["review"] = json!({"id": id, "state": state, "body": "So.", "user": {"login": by}, "commit_id": SHA});
        let guid = format!("review-{id}");
        self.deliver("pull_request_review", &guid, &event).await;
    }

    fn pull<T>(&self, change: impl FnOnce(&mut Pull) -> T) -> T {
        self.github
            .with(|state| change(state.pulls.get_mut(&NUMBER).unwrap()))
    }

    /// One sweep, as if it were time to look again: how many it has merged.
    async fn merge_now(&self) -> u64 {
        self.set("UPDATE github_pull_request SET merge_not_before = 0")
            .await;
        self.sweep().await["merged"].as_u64().unwrap()
    }

    async fn wanted(&self) -> i64 {
        self.count("SELECT COUNT(*) FROM github_pull_request WHERE merge_wanted_by IS NOT NULL")
            .await
    }

    async fn assert_merged_once(&self) {
        let merged_as = self.pull(|pull| pull.merged_as.clone());
        assert_eq!(merged_as.len(), 1, "{merged_as:?}");
        let bead = self.only_bead().await;
        assert_eq!(bead.status, BeadStatus::Closed);
        assert_eq!(bead.commit.as_ref(), merged_as.first());
        assert_eq!(self.wanted().await, 0);
    }

    async fn assert_waiting(&self) {
        assert_eq!(self.pull(|pull| pull.merged_as.len()), 0);
        assert!(self.only_bead().await.in_review);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_approved_and_green_is_merged_once_by_sweeps_at_once() {
    let world = World::with_approved().await;
    let sweeps = join_all((0..2).map(|_| world.sweep())).await;
    let merged: u64 = sweeps
        .iter()
        .map(|sweep| sweep["merged"].as_u64().unwrap())
        .sum();
    assert_eq!(merged, 1);
    world.assert_merged_once().await;
    assert_eq!(world.merge_now().await, 0);
    world.assert_merged_once().await;
}

#[tokio::test]
async fn a_merge_whose_answer_is_lost_is_found_and_not_made_again() {
    let world = World::with_approved().await;
    world.pull(|pull| pull.loses_answer = true);
    assert_eq!(world.merge_now().await, 0);
    assert_eq!(world.pull(|pull| pull.merged_as.len()), 1);
    assert!(world.only_bead().await.in_review, "nobody knows of it yet");
    world.github.with(|state| state.failing = None);
    assert_eq!(world.merge_now().await, 1);
    world.assert_merged_once().await;
}

#[tokio::test]
async fn checks_that_are_not_over_are_waited_for() {
    let world = World::with_approved().await;
    world.pull(|pull| pull.checks = vec![("lint", Some("failure")), ("test", None)]);
    assert_eq!(world.merge_now().await, 0);
    world.assert_waiting().await;
    // It is not looked at again at once.
    let looks = world.github.calls("/check-runs");
    assert_eq!(world.sweep().await["merged"], 0);
    assert_eq!(world.github.calls("/check-runs"), looks);
    world.pull(|pull| pull.checks = vec![("lint", Some("skipped")), ("test", Some("success"))]);
    assert_eq!(world.merge_now().await, 1);
    world.assert_merged_once().await;
}

#[tokio::test]
async fn what_fails_or_conflicts_goes_back_to_the_agent_with_the_reason() {
    type Spoil = fn(&mut Pull);
    let spoils: [(Spoil, &str); 2] = [
        (
            |pull| pull.checks = vec![("lint", Some("failure")), ("test", Some("success"))],
            "These checks have failed: lint.",
        ),
        (
            |pull| pull.mergeable_state = "dirty",
            "It conflicts with the base branch",
        ),
    ];
    for (spoil, why) in spoils {
        let world = World::with_approved().await;
        world.pull(spoil);
        assert_eq!(world.merge_now().await, 0, "{why}");
        assert_eq!(world.pull(|pull| pull.merged_as.len()), 0, "{why}");
        let bead: Bead = world.only_bead().await;
        assert_eq!((bead.status, bead.in_review), (BeadStatus::Open, false));
        let said = loom_store::bead::comments(world.platform.database(), &bead.id, 100)
            .await
            .unwrap();
        assert!(
            said.iter().any(|comment| comment.content.contains(why)),
            "{said:?}"
        );
        assert_eq!(world.wanted().await, 0, "{why}");
    }
}

#[tokio::test]
async fn a_new_commit_ends_the_approval_before_its_delivery_comes() {
    let world = World::with_approved().await;
    world.pull(|pull| pull.head = OTHER_SHA.to_owned());
    assert_eq!(world.merge_now().await, 0);
    world.assert_waiting().await;
    assert_eq!(world.wanted().await, 0);
}

#[tokio::test]
async fn reviewers_without_write_access_do_not_count() {
    let world = World::with_handed_over().await;
    world.review(1, "eve", "approved").await;
    assert_eq!(world.wanted().await, 0, "it is no reason to merge");
    world.review(2, "ann", "approved").await;
    world
        .set("UPDATE project SET github = json_set(coalesce(github, '{}'), '$.required_approvals', 2)")
        .await;
    assert_eq!(world.merge_now().await, 0);
    world.assert_waiting().await;
    assert_eq!(world.wanted().await, 1);
    world
        .github
        .with(|state| state.permissions.insert("eve".to_owned(), "write"));
    assert_eq!(world.merge_now().await, 1);
    world.assert_merged_once().await;
}

#[tokio::test]
async fn who_may_not_write_cannot_keep_it_from_being_merged() {
    let world = World::with_approved().await;
    world.review(2, "eve", "changes_requested").await;
    assert_eq!(world.merge_now().await, 1);
    world.assert_merged_once().await;
}
