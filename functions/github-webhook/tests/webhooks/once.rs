//! Invariant I8: a delivery is handled once, whoever sends it how often, and whoever dies meanwhile.

use futures_util::future::join_all;
use loom_domain::delivery::DeliveryStatus;
use loom_platform::{Database, Platform, Transaction};
use loom_store::{Change, delivery};
use serde_json::json;

use crate::world::{World, comment_event, issue_event};

const FILED: &str = "SELECT COUNT(*) FROM event WHERE kind = 'bead.created'";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i8_the_same_five_times_at_once_is_handled_once() {
    let world = World::new().await;
    world.hire().await;
    let body = issue_event("opened", 1, 0).to_string();
    let answers = join_all((0..5).map(|_| world.send(world.signed("issues", "d-1", &body)))).await;
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 200, 200, 200, 202]);
    world.platform.tasks().finished().await;
    let delivery = world.delivery("d-1").await;
    assert_eq!(
        (delivery.status, delivery.repeats),
        (DeliveryStatus::Processed, 4)
    );
    assert_eq!(delivery.attempts, 1);
    assert_eq!(world.count(FILED).await, 1);
    assert_eq!(delivery.bead_id, Some(world.only_bead().await.id));
    assert_eq!(world.nudges(), 1);
}

#[tokio::test]
async fn where_many_are_in_hand_their_handlers_take_the_next() {
    let world = World::new().await;
    world.hire().await;
    let insert = "INSERT INTO delivery (id, guid, sha256, event, status, size, received_at, due_at) \
                  SELECT value, value, value, 'star', 'processing', 2, 1, 9e15 FROM json_each('[\"1\", \"2\"]')";
    world.set(insert).await;
    let payload = issue_event("opened", 1, 0);
    assert_eq!(world.deliver("issues", "d-1", &payload).await.status, 202);
    assert_eq!(
        world.delivery("d-1").await.status,
        DeliveryStatus::Received,
        "it is left to those that are at work"
    );
    // One of them has died, so there is room: the next that comes takes what was left too.
    world
        .set("UPDATE delivery SET due_at = 1, event = 'fork' WHERE id = '1'")
        .await;
    let payload = issue_event("opened", 2, 0);
    assert_eq!(world.deliver("issues", "d-2", &payload).await.status, 202);
    for guid in ["d-1", "d-2"] {
        let status = world.delivery(guid).await.status;
        assert_eq!(status, DeliveryStatus::Processed, "{guid}");
    }
    assert_eq!(world.count(FILED).await, 2);
    assert_eq!(world.nudges(), 1, "once for all that it took");
}

#[tokio::test]
async fn an_issue_is_no_reason_for_a_tick_while_nobody_is_free() {
    let world = World::new().await;
    for (number, nudges) in [(1, 0), (2, 1), (3, 1)] {
        if number == 2 {
            world.hire().await;
        } else {
            world.set("UPDATE agent SET status = 'stuck'").await;
        }
        let guid = format!("d-{number}");
        let payload = issue_event("opened", number, 0);
        world.deliver("issues", &guid, &payload).await;
        assert_eq!(
            world.delivery(&guid).await.outcome.as_deref(),
            Some("filed")
        );
        assert_eq!(world.nudges(), nudges, "issue {number}");
    }
}

#[tokio::test]
async fn i8_a_delivery_that_is_replayed_under_another_guid_is_a_duplicate() {
    let world = World::new().await;
    let payload = issue_event("opened", 1, 0);
    assert_eq!(world.deliver("issues", "d-1", &payload).await.status, 202);
    for (event, guid) in [("issues", "d-2"), ("issues", "d-1"), ("star", "d-3")] {
        let answer = world.deliver(event, guid, &payload).await;
        assert_eq!(
            (answer.status, &answer.json()["status"]),
            (200, &json!("duplicate")),
            "{event} {guid}"
        );
    }
    assert_eq!(world.count("SELECT COUNT(*) FROM delivery").await, 1);
    assert_eq!(world.count(FILED).await, 1);
}

#[tokio::test]
async fn i8_a_host_that_dies_between_keeping_and_handling_loses_nothing() {
    let world = World::new().await;
    // Its task dies with the host: all that is left is the row.
    world
        .deliver("issues", "d-1", &issue_event("opened", 1, 0))
        .await;
    world
        .set("UPDATE delivery SET status = 'received', due_at = 1, attempts = 0, processed_at = NULL")
        .await;
    assert_eq!(world.sweep().await["handled"], 1);
    assert_eq!(
        world.delivery("d-1").await.status,
        DeliveryStatus::Processed
    );
    // And one that dies while it handles: nobody takes over before its lease is over.
    world
        .set("UPDATE delivery SET status = 'processing', due_at = unixepoch('subsec') * 1000 + 60000")
        .await;
    assert_eq!(world.sweep().await["handled"], 0);
    world.set("UPDATE delivery SET due_at = 1").await;
    assert_eq!(world.sweep().await["handled"], 1);
    assert_eq!(
        world.delivery("d-1").await.status,
        DeliveryStatus::Processed
    );
    assert_eq!(world.count(FILED).await, 1);
}

#[tokio::test]
async fn i8_a_handler_that_lost_its_lease_changes_nothing() {
    let world = World::new().await;
    world
        .deliver("star", "d-1", &json!({"action": "created"}))
        .await;
    world
        .set("UPDATE delivery SET status = 'received', due_at = 1, processed_at = NULL")
        .await;
    let database = world.platform.database();
    let slow = delivery::claim(database, &world.delivery("d-1").await.id)
        .await
        .unwrap()
        .unwrap();
    world.set("UPDATE delivery SET due_at = 1").await;
    assert_eq!(world.sweep().await["handled"], 1);
    let tx = database.transaction().await.unwrap();
    let change = Change::new(&tx, world.platform.random(), "test")
        .await
        .unwrap();
    let end = delivery::End {
        status: DeliveryStatus::Processed,
        outcome: "late",
        why: None,
        bead_id: None,
    };
    let refused = delivery::finish(&change, &slow, end).await.unwrap_err();
    assert!(refused.to_string().contains("another handler"), "{refused}");
    let released = delivery::release(&change, &slow, "late", "late", None)
        .await
        .unwrap();
    assert_eq!(released, None);
    tx.commit().await.unwrap();
    assert_ne!(world.delivery("d-1").await.outcome.as_deref(), Some("late"));
}

#[tokio::test]
async fn i8_one_that_failed_is_given_back_tried_again_and_handled_once() {
    let world = World::new().await;
    world
        .deliver("issues", "d-1", &issue_event("opened", 1, 0))
        .await;
    world.github.with(|state| {
        state.permissions.insert("ann".to_owned(), "write");
        state.failing = Some(("/permission", 500, usize::MAX));
    });
    let command = comment_event(1, 70, "ann", "/loom priority P0");
    assert_eq!(
        world.deliver("issue_comment", "d-2", &command).await.status,
        202
    );
    let waiting = world.delivery("d-2").await;
    assert_eq!(
        (waiting.status, waiting.attempts),
        (DeliveryStatus::Received, 1)
    );
    assert_eq!(waiting.outcome.as_deref(), Some("github_unavailable"));
    assert!(waiting.due_at.unwrap() > waiting.received_at);
    assert!(waiting.error.unwrap().contains("GitHub did not answer"));
    // Not before it is due.
    assert_eq!(world.sweep().await["handled"], 0);
    for attempts in 2..=6 {
        world
            .set("UPDATE delivery SET due_at = 1 WHERE due_at IS NOT NULL")
            .await;
        assert_eq!(world.sweep().await["handled"], 1);
        assert_eq!(world.delivery("d-2").await.attempts, attempts);
    }
    assert_eq!(
        world.delivery("d-2").await.status,
        DeliveryStatus::Failed,
        "it has been tried enough"
    );
    // GitHub is well again, and sends it again.
    world.github.with(|state| state.failing = None);
    let answer = world.deliver("issue_comment", "d-2", &command).await;
    assert_eq!(
        (answer.status, &answer.json()["status"]),
        (202, &json!("accepted"))
    );
    assert_eq!(
        world.delivery("d-2").await.status,
        DeliveryStatus::Processed
    );
    assert_eq!(world.only_bead().await.priority.number(), 0);
    let answer = world.deliver("issue_comment", "d-2", &command).await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn a_rate_limit_is_waited_for_and_is_no_attempt() {
    let world = World::new().await;
    world
        .deliver("issues", "d-1", &issue_event("opened", 1, 0))
        .await;
    world
        .github
        .with(|state| state.failing = Some(("/permission", 429, 1)));
    let command = comment_event(1, 70, "ann", "/loom status");
    world.deliver("issue_comment", "d-2", &command).await;
    let waiting = world.delivery("d-2").await;
    assert_eq!(
        (waiting.status, waiting.attempts),
        (DeliveryStatus::Received, 0)
    );
    assert_eq!(waiting.outcome.as_deref(), Some("github_rate_limited"));
    world
        .set("UPDATE delivery SET due_at = 1 WHERE due_at IS NOT NULL")
        .await;
    assert_eq!(world.sweep().await["handled"], 1);
    assert_eq!(
        world.delivery("d-2").await.status,
        DeliveryStatus::Processed
    );
}

#[tokio::test]
async fn one_that_kills_its_handler_each_time_fails_at_last() {
    let world = World::new().await;
    world
        .deliver("issues", "d-1", &issue_event("opened", 1, 0))
        .await;
    world
        .set("UPDATE delivery SET status = 'processing', due_at = 1, attempts = 6, processed_at = NULL")
        .await;
    world.sweep().await;
    let delivery = world.delivery("d-1").await;
    assert_eq!(delivery.status, DeliveryStatus::Failed);
    assert_eq!(delivery.outcome.as_deref(), Some("handler_died"));
}

#[tokio::test]
async fn i12_the_tick_asks_for_the_sweep_when_something_is_due() {
    let world = World::new().await;
    let database = world.platform.database();
    world
        .set("UPDATE redelivery_sweep SET due_at = unixepoch('subsec') * 1000 + 60000")
        .await;
    assert!(!delivery::sweep_is_due(database).await.unwrap());
    world
        .deliver("star", "d-1", &json!({"action": "created"}))
        .await;
    assert!(
        !delivery::sweep_is_due(database).await.unwrap(),
        "it was handled"
    );
    world
        .set("UPDATE delivery SET status = 'received', due_at = 1, processed_at = NULL")
        .await;
    assert!(delivery::sweep_is_due(database).await.unwrap());
    world.sweep().await;
    assert!(!delivery::sweep_is_due(database).await.unwrap());
    world
        .deliver("issues", "d-2", &issue_event("opened", 1, 0))
        .await;
    assert!(
        delivery::sweep_is_due(database).await.unwrap(),
        "a status comment is due"
    );
}
