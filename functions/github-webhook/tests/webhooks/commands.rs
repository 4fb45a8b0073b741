//! `/loom` in comments: from people with write access only.

use loom_domain::{bead::BeadStatus, delivery::DeliveryStatus};
use serde_json::json;

use crate::world::{World, comment_event, issue_event};

#[tokio::test]
async fn commands_are_those_of_people_with_write_access() {
    for (permission, obeyed) in [
        (None, false),
        (Some("read"), false),
        (Some("triage"), false),
        (Some("write"), true),
        (Some("maintain"), true),
        (Some("admin"), true),
    ] {
        let world = World::new().await;
        world
            .deliver("issues", "d-1", &issue_event("opened", 1, 0))
            .await;
        if let Some(word) = permission {
            world
                .github
                .with(|state| state.permissions.insert("eve".to_owned(), word));
        }
        let before = world.only_bead().await.priority;
        let command = comment_event(1, 70, "eve", "/loom priority P0\n/loom stop");
        world.deliver("issue_comment", "d-2", &command).await;
        assert_eq!(
            world.delivery("d-2").await.status,
            DeliveryStatus::Processed,
            "{permission:?}"
        );
        let bead = world.only_bead().await;
        let is_obeyed = bead.priority.number() == 0 && bead.status == BeadStatus::Blocked;
        assert_eq!(is_obeyed, obeyed, "{permission:?}: {bead:?}");
        assert!(obeyed || bead.priority == before, "{permission:?}");
        assert_eq!(world.github.calls("/collaborators/eve/permission"), 1);
    }
}

#[tokio::test]
async fn words_need_no_permission_and_looms_own_start_nothing() {
    let world = World::new().await;
    world
        .deliver("issues", "d-1", &issue_event("opened", 1, 0))
        .await;
    let words = comment_event(1, 70, "eve", "I see it too.");
    world.deliver("issue_comment", "d-2", &words).await;
    assert_eq!(world.count("SELECT COUNT(*) FROM comment").await, 1);
    assert_eq!(world.github.calls("/permission"), 0);
    for (guid, by, text, outcome) in [
        ("d-3", "loom-bot", "/loom stop", "own_action"),
        (
            "d-4",
            "eve",
            "<!-- loom:status -->\n/loom stop",
            "marked_comment",
        ),
    ] {
        let own = comment_event(1, 71, by, text);
        world.deliver("issue_comment", guid, &own).await;
        let delivery = world.delivery(guid).await;
        assert_eq!(delivery.status, DeliveryStatus::Ignored);
        assert_eq!(delivery.outcome.as_deref(), Some(outcome));
    }
    assert_eq!(world.count("SELECT COUNT(*) FROM comment").await, 1);
}

#[tokio::test]
async fn without_access_to_github_nobody_commands() {
    let world = World::new().await;
    world.platform_variable("github_token", "");
    world
        .deliver("issues", "d-1", &issue_event("opened", 1, 0))
        .await;
    let command = comment_event(1, 70, "ann", "/loom stop");
    world.deliver("issue_comment", "d-2", &command).await;
    assert_eq!(
        world.delivery("d-2").await.status,
        DeliveryStatus::Processed
    );
    assert_eq!(world.only_bead().await.status, BeadStatus::Open);
    let sweep = world.sweep().await;
    assert_eq!(sweep["reported"], json!(0));
}
