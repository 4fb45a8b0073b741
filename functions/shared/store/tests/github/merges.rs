use loom_domain::{
    bead::{Bead, BeadStatus},
    run::EndReason,
    time::Timestamp,
};
use loom_store::github::{self, DueMerge};
use serde_json::{Value, json};

use super::{Hub, OTHER_SHA, SHA, by, head, merged, pull_request};
use crate::write;

/// A bead whose work was handed over by a pull request.
async fn handed_over() -> (Hub, Bead) {
    let hub = Hub::new().await;
    let bead = hub.world.bead("Mend it").await;
    let opened = merged(branch(&bead), by("loom[bot]"));
    hub.deliver("pull_request", &pull_request("opened", 1, opened))
        .await
        .unwrap();
    let agent = hub.world.agent("one").await;
    let commit = SHA.to_owned();
    hub.work(&bead, &agent.id, EndReason::HandedToReview { commit })
        .await;
    (hub, bead)
}

fn branch(bead: &Bead) -> Value {
    head(&format!("agent/{}/mend-it", bead.id))
}

async fn review(hub: &Hub, bead: &Bead, id: i64, login: &str, state: &str) {
    let review = json!({"review": {"id": id, "state": state, "body": "So.", "user": {"login": login}, "commit_id": SHA}});
    let payload = merged(pull_request("submitted", 2, by(login)), review);
    let payload = merged(payload, branch(bead));
    hub.deliver("pull_request_review", &payload).await.unwrap();
}

async fn due(hub: &Hub) -> Vec<DueMerge> {
    github::due_merges(hub.world.db(), 10).await.unwrap()
}

#[tokio::test]
async fn what_was_handed_over_is_merged_when_somebody_approves_who_may() {
    let (hub, bead) = handed_over().await;
    review(&hub, &bead, 1, "mallory", "approved").await;
    assert_eq!(due(&hub).await, []);
    review(&hub, &bead, 2, "ann", "approved").await;
    let all = due(&hub).await;
    let [first] = all.as_slice() else {
        panic!("{all:?}")
    };
    assert_eq!((first.number, first.head_sha.as_str()), (9, SHA));
    assert_eq!(first.approved_by, "ann");

    // One takes it, and who comes second finds it taken.
    let taken = || async {
        write!(hub.world, |change| {
            let until = Timestamp(change.now.0 + 60_000);
            github::take_merge(&change, first, until)
        })
        .unwrap()
    };
    assert!(taken().await);
    assert!(!taken().await);
    assert_eq!(due(&hub).await, []);

    let project = hub.project().await;
    for _ in 0..2 {
        write!(hub.world, |change| github::merged(
            &change, &project, first, OTHER_SHA
        ))
        .unwrap();
    }
    let closed = hub.world.read(&bead.id).await;
    assert_eq!(closed.status, BeadStatus::Closed);
    assert_eq!(closed.commit.as_deref(), Some(OTHER_SHA));
    let reason = closed.close_reason.unwrap();
    assert!(
        reason.contains("Loom after ann had approved it"),
        "{reason}"
    );
}

#[tokio::test]
async fn an_approval_ends_with_a_new_commit_or_another_verdict() {
    let (hub, bead) = handed_over().await;
    review(&hub, &bead, 1, "ann", "approved").await;
    let pushed = merged(
        branch(&bead),
        json!({"pull_request": {"head": {"sha": OTHER_SHA}}}),
    );
    hub.deliver("pull_request", &pull_request("synchronize", 3, pushed))
        .await
        .unwrap();
    assert_eq!(due(&hub).await, []);

    let (hub, bead) = handed_over().await;
    review(&hub, &bead, 1, "ann", "approved").await;
    review(&hub, &bead, 2, "ann", "changes_requested").await;
    assert_eq!(due(&hub).await, []);
}

#[tokio::test]
async fn what_cannot_be_merged_goes_back_to_its_agent_with_the_reason() {
    let (hub, bead) = handed_over().await;
    review(&hub, &bead, 1, "ann", "approved").await;
    let first = due(&hub).await.remove(0);
    let project = hub.project().await;
    write!(hub.world, |change| github::rework(
        &change,
        &project,
        &first,
        "These checks have failed: test."
    ))
    .unwrap();
    assert_eq!(due(&hub).await, []);
    let open = hub.world.read(&bead.id).await;
    assert_eq!((open.status, open.in_review), (BeadStatus::Open, false));
    let said = hub.comments(&bead).await;
    assert!(
        said.iter()
            .any(|(_, text)| text.contains("These checks have failed: test."))
    );
}
