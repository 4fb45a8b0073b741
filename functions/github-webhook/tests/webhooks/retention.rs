//! What came is kept for a week, and that it came for a month.

use serde_json::json;

use crate::world::{World, issue_event};

#[tokio::test]
async fn payloads_are_forgotten_after_a_week_and_deliveries_after_a_month() {
    let world = World::new().await;
    let payload = issue_event("opened", 1, 0);
    world.deliver("issues", "d-1", &payload).await;
    world
        .deliver("star", "d-2", &json!({"action": "created"}))
        .await;
    let age = |days: i64| format!("received_at = (unixepoch('subsec') - {days} * 86400) * 1000");
    world
        .set(&format!("UPDATE delivery_payload SET {}", age(6)))
        .await;
    assert_eq!(world.sweep().await["payloads_forgotten"], 0);
    for table in ["delivery", "delivery_payload"] {
        world
            .set(&format!("UPDATE {table} SET {} WHERE rowid = 1", age(8)))
            .await;
    }
    assert_eq!(world.sweep().await["payloads_forgotten"], 1);
    let read = world
        .as_admin("GET", "/api/v1/webhooks/deliveries/d-1")
        .await
        .json();
    assert_eq!(
        (&read["payload"], &read["headers"]),
        (&json!(null), &json!(null))
    );
    // It is still known.
    assert_eq!(world.deliver("issues", "d-9", &payload).await.status, 200);
    world
        .set(&format!(
            "UPDATE delivery SET {} WHERE guid = 'd-1'",
            age(31)
        ))
        .await;
    assert_eq!(world.sweep().await["deliveries_forgotten"], 1);
    assert_eq!(world.count("SELECT COUNT(*) FROM delivery").await, 1);
}

#[tokio::test]
async fn what_still_waits_is_not_forgotten() {
    let world = World::new().await;
    world
        .deliver("star", "d-1", &json!({"action": "created"}))
        .await;
    world
        .set("UPDATE delivery SET status = 'received', received_at = 1, due_at = unixepoch('subsec') * 1000 + 60000")
        .await;
    world
        .set("UPDATE delivery_payload SET received_at = 1")
        .await;
    let sweep = world.sweep().await;
    assert_eq!(
        (&sweep["payloads_forgotten"], &sweep["deliveries_forgotten"]),
        (&json!(0), &json!(0))
    );
}

#[tokio::test]
async fn a_payload_is_kept_packed() {
    let world = World::new().await;
    let mut payload = issue_event("opened", 1, 0);
    payload["issue"]["body"] = "The same again. ".repeat(500).into();
    world.deliver("issues", "d-1", &payload).await;
    let sql = "SELECT length(body) FROM delivery_payload WHERE encoding = 'deflate'";
    assert!(world.count(sql).await < 2000);
    let read = world
        .as_admin("GET", "/api/v1/webhooks/deliveries/d-1")
        .await
        .json();
    assert_eq!(read["payload"], payload);
}
