use loom_domain::{bead::BeadStatus, event::EventKind};
use serde_json::{Value, json};

use super::{Hub, OTHER_SHA, SHA, at, by, merged, permutations};

fn run(second: u32, conclusion: &str, sha: &str) -> Value {
    let payload = json!({"action": "completed", "workflow_run": {"name": "CI", "head_branch": "main", "head_sha": sha,
        "conclusion": conclusion, "event": "push", "updated_at": at(second),
        "html_url": "https://github.com/acme/widget/actions/runs/1", "head_repository": {"full_name": "acme/widget"}},
        "repository": {"full_name": "acme/widget"}});
    merged(payload, by("loom[bot]"))
}

async fn deliver(hub: &Hub, payload: &Value) {
    hub.deliver("workflow_run", payload).await.unwrap();
}

#[tokio::test]
async fn a_broken_base_branch_is_one_bug_per_workflow() {
    let hub = Hub::new().await;
    for second in 1..=5 {
        deliver(&hub, &run(second, "failure", SHA)).await;
        deliver(&hub, &run(second, "failure", SHA)).await;
    }
    let bead = hub.only_bead().await;
    assert_eq!(
        (bead.kind.as_str(), bead.title.as_str()),
        ("bug", "CI fails on main")
    );
    assert_eq!(
        bead.fingerprint.as_deref(),
        Some("github:ci:acme/widget:CI")
    );
    assert_eq!(hub.comments(&bead).await.len(), 0);
    let other = merged(
        run(9, "timed_out", SHA),
        json!({"workflow_run": {"name": "Docs"}}),
    );
    deliver(&hub, &other).await;
    assert_eq!(hub.beads().await.len(), 2);
}

#[tokio::test]
async fn a_later_success_closes_it_if_nobody_has_begun() {
    let results = [run(1, "failure", SHA), run(2, "success", OTHER_SHA)];
    for order in permutations(&results) {
        let hub = Hub::new().await;
        for payload in order.iter().chain(&order) {
            deliver(&hub, payload).await;
        }
        let open = hub
            .beads()
            .await
            .into_iter()
            .filter(|bead| bead.status != BeadStatus::Closed);
        assert_eq!(open.count(), 0, "{order:?}");
    }
    let hub = Hub::new().await;
    deliver(&hub, &run(1, "failure", SHA)).await;
    let agent = hub.world.agent("one").await;
    let bead = hub.only_bead().await;
    hub.world.claim(&bead.id, &agent.id).await.unwrap();
    deliver(&hub, &run(2, "success", OTHER_SHA)).await;
    let working = hub.only_bead().await;
    assert_eq!(working.status, BeadStatus::InProgress);
    assert_eq!(hub.comments(&working).await.len(), 1);
}

#[tokio::test]
async fn a_branch_that_breaks_again_is_a_new_bug() {
    let hub = Hub::new().await;
    for (second, conclusion) in [(1, "failure"), (2, "success"), (3, "failure")] {
        deliver(&hub, &run(second, conclusion, SHA)).await;
    }
    let beads = hub.beads().await;
    let open = beads
        .iter()
        .filter(|bead| bead.status == BeadStatus::Open)
        .count();
    assert_eq!((beads.len(), open), (2, 1));
}

#[tokio::test]
async fn a_push_to_the_base_branch_is_told() {
    let hub = Hub::new().await;
    let push = |reference: &str| json!({"ref": reference, "after": SHA, "repository": {"full_name": "acme/widget"}, "sender": {"login": "ann"}});
    hub.deliver("push", &push("refs/heads/main")).await.unwrap();
    hub.deliver("push", &push("refs/heads/topic"))
        .await
        .unwrap();
    assert_eq!(hub.events(EventKind::GithubPushed).await, 1);
    assert_eq!(hub.events(EventKind::WebhookReceived).await, 2);
}
