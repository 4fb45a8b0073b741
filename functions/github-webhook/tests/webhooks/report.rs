//! One status comment an issue, edited and never written anew; and the issue in step with its bead.

use futures_util::future::join_all;
use loom_domain::bead::{BeadInput, BeadStatus};
use loom_platform::{Database, Platform, Transaction};
use loom_store::{Change, bead};

use crate::world::{World, comment_event, issue_event};

impl World {
    async fn with_issue() -> Self {
        let world = Self::new().await;
        world.github.with(|state| {
            state.issues.insert(1, true);
            state.permissions.insert("ann".to_owned(), "write");
        });
        world
            .deliver("issues", "d-1", &issue_event("opened", 1, 0))
            .await;
        world
    }

    async fn put(&self, status: BeadStatus) {
        let tx = self.platform.database().transaction().await.unwrap();
        let change = Change::new(&tx, self.platform.random(), "pat")
            .await
            .unwrap();
        let bead = self.only_bead().await;
        let input = BeadInput {
            status: Some(status),
            close_reason: (status == BeadStatus::Closed).then(|| "Done.".to_owned()),
            ..BeadInput::default()
        };
        bead::update(&change, &bead, input).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// As if the pause between two edits were over.
    async fn report(&self) -> usize {
        self.set("UPDATE github_report SET not_before = 0").await;
        usize::try_from(self.sweep().await["reported"].as_u64().unwrap()).unwrap()
    }

    fn is_open(&self) -> bool {
        self.github.with(|state| state.issues[&1])
    }
}

#[tokio::test]
async fn one_comment_follows_the_bead_and_the_issue_too() {
    let world = World::with_issue().await;
    assert_eq!(world.report().await, 1);
    let bead = world.only_bead().await;
    let comments = world.github.own_comments(1);
    assert_eq!(comments.len(), 1);
    assert!(
        comments[0].contains(&format!("`{}`: open", bead.id)),
        "{}",
        comments[0]
    );
    assert!(comments[0].contains("<!-- loom:status -->"));
    assert!(comments[0].contains("Cost so far"));
    assert_eq!(world.report().await, 0, "nothing has changed");

    world.put(BeadStatus::Closed).await;
    assert_eq!(world.report().await, 1);
    let comments = world.github.own_comments(1);
    assert_eq!(comments.len(), 1);
    assert!(comments[0].contains("closed (Done.)"), "{}", comments[0]);
    assert!(!world.is_open());

    world.put(BeadStatus::Open).await;
    world.report().await;
    assert!(world.is_open());
    assert_eq!(world.github.own_comments(1).len(), 1);
    assert_eq!(
        world
            .github
            .calls("POST /repos/acme/widget/issues/1/comments"),
        1
    );
}

#[tokio::test]
async fn what_people_do_to_the_issue_stays() {
    let world = World::with_issue().await;
    world.put(BeadStatus::Closed).await;
    world.report().await;
    assert!(!world.is_open());
    // Somebody opens it again; the event of that is still on its way.
    world.github.with(|state| state.issues.insert(1, true));
    world
        .set("UPDATE github_report SET changes = changes + 1")
        .await;
    world.report().await;
    assert!(world.is_open());
    let mut reopened = issue_event("reopened", 1, 9);
    reopened["issue"]["state"] = "open".into();
    world.deliver("issues", "d-2", &reopened).await;
    assert_eq!(world.only_bead().await.status, BeadStatus::Open);
    // A person closes it: the bead follows, and nothing opens it again.
    world.github.with(|state| state.issues.insert(1, false));
    world
        .deliver("issues", "d-3", &issue_event("closed", 1, 20))
        .await;
    world.report().await;
    assert_eq!(world.only_bead().await.status, BeadStatus::Closed);
    assert!(!world.is_open());
}

#[tokio::test]
async fn a_reporter_that_dies_leaves_one_comment() {
    let world = World::with_issue().await;
    // It dies after the comment was written and before it is noted.
    world.report().await;
    world
        .set("UPDATE github_report SET comment_id = NULL, text_sha256 = NULL, reported_changes = 0")
        .await;
    world.report().await;
    assert_eq!(world.github.own_comments(1).len(), 1);
    // Somebody deletes the comment: there is another, one.
    world.github.with(|state| state.comments.clear());
    world.put(BeadStatus::Blocked).await;
    world.report().await;
    assert_eq!(world.github.own_comments(1).len(), 1);
}

#[tokio::test]
async fn an_answer_that_is_lost_leaves_one_comment() {
    let world = World::with_issue().await;
    world.github.with(|state| state.loses_answer = true);
    world.report().await;
    world.report().await;
    assert_eq!(world.github.own_comments(1).len(), 1);
}

#[tokio::test]
async fn others_comments_with_the_mark_are_left_alone() {
    let world = World::with_issue().await;
    let theirs = (1, "eve".to_owned(), "<!-- loom:status -->".to_owned());
    world
        .github
        .with(|state| state.comments.insert(5, theirs.clone()));
    world.report().await;
    assert_eq!(world.github.own_comments(1).len(), 1);
    assert_eq!(
        world.github.with(|state| state.comments[&5].clone()),
        theirs
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_reporters_at_once_write_one_comment() {
    let world = World::with_issue().await;
    join_all((0..5).map(|_| world.sweep())).await;
    assert_eq!(world.github.own_comments(1).len(), 1);
}

#[tokio::test]
async fn a_command_is_answered_in_the_comment() {
    let world = World::with_issue().await;
    world.report().await;
    for (guid, id, by, text) in [
        ("d-2", 70, "ann", "/loom status"),
        ("d-3", 71, "eve", "/loom stop"),
    ] {
        world
            .deliver("issue_comment", guid, &comment_event(1, id, by, text))
            .await;
    }
    assert_eq!(world.report().await, 1);
    let comments = world.github.own_comments(1);
    assert_eq!(comments.len(), 1);
    assert!(
        comments[0].contains("`/loom status` by ann"),
        "{}",
        comments[0]
    );
    assert!(
        comments[0].contains("by eve: eve may not write"),
        "{}",
        comments[0]
    );
}

#[tokio::test]
async fn a_rate_limit_puts_it_off_and_a_locked_issue_ends_it() {
    let world = World::with_issue().await;
    world
        .github
        .with(|state| state.failing = Some(("/comments", 429, 1)));
    world
        .deliver("issues", "d-2", &issue_event("opened", 2, 0))
        .await;
    assert_eq!(world.report().await, 0);
    let waits = "SELECT COUNT(*) FROM github_report WHERE not_before > unixepoch('subsec') * 1000";
    assert_eq!(world.count(waits).await, 2, "and so does the next, untried");
    assert_eq!(world.sweep().await["reported"], 0);
    world
        .github
        .with(|state| state.failing = Some(("/comments", 403, 2)));
    assert_eq!(world.report().await, 0);
    assert_eq!(world.count("SELECT COUNT(*) FROM github_report").await, 0);
}
