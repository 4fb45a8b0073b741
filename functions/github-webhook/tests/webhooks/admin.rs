//! What admins see of deliveries, and the replay.

use loom_domain::delivery::DeliveryStatus;
use loom_platform::Platform;
use serde_json::json;

use crate::world::{World, comment_event, issue_event};

impl World {
    /// Takes in one delivery that files a bead, and one that nothing comes of.
    async fn take_two(&self) {
        self.deliver("issues", "d-1", &issue_event("opened", 1, 0))
            .await;
        self.deliver("star", "d-2", &json!({"action": "created"}))
            .await;
    }
}

#[tokio::test]
async fn deliveries_are_listed_narrowed_and_read() {
    let world = World::new().await;
    world.take_two().await;
    world
        .deliver("issues", "d-3", &issue_event("edited", 1, 1))
        .await;
    // All three may have come within one millisecond.
    world
        .set("UPDATE delivery SET received_at = received_at + 10 * substr(guid, 3)")
        .await;
    let base = "/api/v1/webhooks/deliveries";
    let guids = |answer: loom_api::testing::Answer| -> Vec<String> {
        let list = answer.json();
        let list = list.as_array().unwrap();
        list.iter()
            .map(|one| one["guid"].as_str().unwrap().to_owned())
            .collect()
    };
    let project = world.delivery("d-1").await.project_id.unwrap();
    for (query, expected) in [
        (String::new(), vec!["d-3", "d-2", "d-1"]),
        ("?event=issues".to_owned(), vec!["d-3", "d-1"]),
        ("?status=ignored".to_owned(), vec!["d-2"]),
        (
            format!("?project_id={project}&status=processed"),
            vec!["d-3", "d-1"],
        ),
        ("?project_id=none".to_owned(), vec![]),
    ] {
        let answer = world.as_admin("GET", &format!("{base}{query}")).await;
        assert_eq!(guids(answer), expected, "{query}");
    }
    let first = world.as_admin("GET", &format!("{base}?limit=2")).await;
    let link = first.header("link").to_owned();
    assert_eq!(guids(first), ["d-3", "d-2"]);
    let next = link.trim_start_matches('<').split('>').next().unwrap();
    assert_eq!(guids(world.as_admin("GET", next).await), ["d-1"]);
    assert_eq!(
        world
            .as_admin("GET", &format!("{base}?status=gone"))
            .await
            .status,
        422
    );

    let read = world.as_admin("GET", &format!("{base}/d-1")).await.json();
    assert_eq!(read["payload"], issue_event("opened", 1, 0));
    assert_eq!(read["headers"]["x-github-event"], "issues");
    assert_eq!(read["status"], "processed");
    assert_eq!(read["repository"], "acme/widget");
    assert!(read["headers"].get("x-hub-signature-256").is_none());
    let by_id = format!("{base}/{}", read["id"].as_str().unwrap());
    assert_eq!(world.as_admin("GET", &by_id).await.json(), read);
    assert_eq!(
        world.as_admin("GET", &format!("{base}/none")).await.code(),
        "delivery_not_found"
    );
}

#[tokio::test]
async fn a_replay_does_nothing_twice() {
    let world = World::new().await;
    world
        .github
        .with(|state| state.permissions.insert("ann".to_owned(), "write"));
    world
        .deliver("issues", "d-1", &issue_event("opened", 1, 0))
        .await;
    let command = comment_event(1, 70, "ann", "Please.\n/loom priority P0");
    world.deliver("issue_comment", "d-2", &command).await;
    let mut release = issue_event("published", 1, 2);
    release["release"] = json!({"id": 5, "tag_name": "v1", "html_url": "http://github.test/r"});
    world.deliver("release", "d-3", &release).await;
    let told = "SELECT COUNT(*) FROM event WHERE kind NOT IN ('webhook.status_change', 'webhook.accepted')";
    let (beads, events) = (world.only_bead().await, world.count(told).await);
    for guid in ["d-1", "d-2", "d-3"] {
        let path = format!("/api/v1/webhooks/deliveries/{guid}/replay");
        let answer = world.as_admin("POST", &path).await;
        assert_eq!(
            (answer.status, &answer.json()["status"]),
            (202, &json!("received")),
            "{guid}"
        );
        world.platform.tasks().finished().await;
        assert_eq!(
            world.delivery(guid).await.status,
            DeliveryStatus::Processed,
            "{guid}"
        );
    }
    assert_eq!(world.only_bead().await, beads);
    assert_eq!(world.count(told).await, events);
    assert_eq!(world.count("SELECT COUNT(*) FROM comment").await, 1);
}

#[tokio::test]
async fn what_cannot_be_replayed_says_why() {
    let world = World::new().await;
    world
        .deliver("issues", "d-1", &issue_event("opened", 1, 0))
        .await;
    let path = "/api/v1/webhooks/deliveries/d-1/replay";
    world
        .set("UPDATE delivery SET status = 'received', due_at = unixepoch('subsec') * 1000 + 60000")
        .await;
    let answer = world.as_admin("POST", path).await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (409, "delivery_not_over")
    );
    world
        .set("UPDATE delivery SET status = 'processed', due_at = NULL")
        .await;
    world.set("DELETE FROM delivery_payload").await;
    let answer = world.as_admin("POST", path).await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (409, "payload_gone")
    );
    let answer = world
        .as_admin("POST", "/api/v1/webhooks/deliveries/none/replay")
        .await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (404, "delivery_not_found")
    );
}

#[tokio::test]
async fn the_status_says_what_came_and_whether_more_can() {
    let world = World::new().await;
    let path = "/api/v1/webhooks/status";
    let status = world.as_admin("GET", path).await.json();
    assert_eq!(status["configured"], true);
    assert_eq!(status["github_access"], true);
    assert_eq!(status["last_delivery"], json!(null));
    world.take_two().await;
    world
        .send(world.signed("star", "d-3", "{}").body("x"))
        .await;
    world.platform_variable("github_webhook_secrets", "");
    world.platform_variable("github_token", "");
    let status = world.as_admin("GET", path).await.json();
    assert_eq!(status["configured"], false);
    assert_eq!(status["github_access"], false);
    assert_eq!(status["last_delivery"]["guid"], "d-2");
    assert_eq!(
        status["deliveries"],
        json!({"received": 0, "processing": 0, "processed": 1, "ignored": 1, "failed": 0})
    );
    assert!(status["last_refused_at"].is_string());
    assert!(!status.to_string().contains(&world.secret));
}
