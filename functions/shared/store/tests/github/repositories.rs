use loom_domain::{event::EventKind, project::ProjectStatus};
use serde_json::{Value, json};

use super::{Hub, by, merged};

fn changed(action: &str, full_name: &str, over: Value) -> Value {
    let url = format!("https://github.com/{full_name}");
    let payload =
        json!({"action": action, "repository": {"full_name": full_name, "html_url": url}});
    merged(merged(payload, by("ann")), over)
}

#[tokio::test]
async fn a_project_keeps_its_repository_when_that_is_renamed_or_transferred() {
    let hub = Hub::new().await;
    let renamed = changed(
        "renamed",
        "acme/gadget",
        json!({"changes": {"repository": {"name": {"from": "widget"}}}}),
    );
    for _ in 0..3 {
        hub.deliver("repository", &renamed).await.unwrap();
    }
    assert_eq!(
        hub.project().await.git_repo,
        "https://github.com/acme/gadget"
    );
    let from = json!({"changes": {"owner": {"from": {"user": {"login": "Acme"}}}}});
    hub.deliver("repository", &changed("transferred", "other/gadget", from))
        .await
        .unwrap();
    assert_eq!(
        hub.project().await.git_repo,
        "https://github.com/other/gadget"
    );
    assert_eq!(hub.events(EventKind::GithubRepositoryChanged).await, 2);
    let issue = super::issue(
        "opened",
        1,
        json!({"repository": {"full_name": "other/gadget"}}),
    );
    hub.deliver("issues", &issue).await.unwrap();
    assert_eq!(hub.beads().await.len(), 1);
}

#[tokio::test]
async fn a_repository_that_is_archived_or_gone_closes_its_project() {
    for action in ["archived", "deleted"] {
        let hub = Hub::new().await;
        hub.issue("opened", 1, json!({})).await;
        for _ in 0..3 {
            hub.deliver("repository", &changed(action, "acme/widget", json!({})))
                .await
                .unwrap();
        }
        assert_eq!(hub.project().await.status, ProjectStatus::Closed);
        assert_eq!(hub.events(EventKind::GithubRepositoryChanged).await, 1);
        let applied = hub
            .deliver(
                "issues",
                &super::issue("opened", 2, json!({"issue": {"number": 8}})),
            )
            .await;
        assert_eq!(super::codes(&applied.unwrap()), ["project_closed"]);
    }
}

#[tokio::test]
async fn a_release_is_told_once() {
    let hub = Hub::new().await;
    let release = changed(
        "published",
        "acme/widget",
        json!({"release": {"id": 1, "tag_name": "v1"}}),
    );
    for _ in 0..5 {
        hub.deliver("release", &release).await.unwrap();
    }
    assert_eq!(hub.events(EventKind::ReleasePublished).await, 1);
    let by_bot = merged(release, by("github-actions[bot]"));
    assert_eq!(
        hub.deliver("release", &by_bot).await.unwrap_err(),
        "bot_action"
    );
}

#[tokio::test]
async fn everything_else_is_recorded_and_changes_nothing() {
    let hub = Hub::new().await;
    for event in ["star", "create", "delete", "installation", "no_such_event"] {
        let applied = hub
            .deliver(event, &changed("created", "acme/widget", json!({})))
            .await
            .unwrap();
        assert_eq!(
            (applied.beads.len(), applied.notes.len(), applied.nudge),
            (0, 0, false),
            "{event}"
        );
    }
    assert_eq!(hub.events(EventKind::WebhookReceived).await, 5);
    assert_eq!(hub.beads().await.len(), 0);
}
