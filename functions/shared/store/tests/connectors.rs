//! Connectors: which events become deliveries, and what becomes of these.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a broken assumption of a test should stop it at once"
)]

mod common;

use common::{World, code};
use loom_domain::{
    connector::{ATTEMPTS, BREAKER, Connector, ConnectorInput, Delivery, DeliveryStatus, Outcome},
    event::{EventKind, NewEvent},
};
use loom_platform::Statements;
use loom_store::connector::{self, Claimed, Recorded};
use serde_json::{Value, json};

async fn connect(world: &World, change: Value) -> Connector {
    let mut body = json!({"name": "Team", "kind": "webhook", "url": "https://example.com/{{secret:t}}", "secret": "sign",
        "events": ["agent.spawned"]});
    for (name, value) in change.as_object().unwrap() {
        body[name] = value.clone();
    }
    let input: ConnectorInput = serde_json::from_value(body).unwrap();
    write!(world, |change| connector::create(
        &change,
        input.create().unwrap()
    ))
    .unwrap()
}

async fn happen(world: &World, kind: EventKind) {
    let event = NewEvent::new(kind).project(&world.project.id);
    write!(world, |change| change.event(event)).unwrap();
}

/// A connector to which so many events are to be sent.
async fn connect_with_due(world: &World, events: i64) -> Connector {
    let connector = connect(world, json!({})).await;
    for _ in 0..events {
        happen(world, EventKind::AgentSpawned).await;
    }
    take_in(world, &connector).await;
    connector
}

/// Looks at all events.
async fn take_in(world: &World, connector: &Connector) {
    while write!(world, |change| connector::take_in(&change, &connector.id)).unwrap() {}
}

async fn logged(
    world: &World,
    connector: &Connector,
    status: Option<DeliveryStatus>,
) -> Vec<Delivery> {
    let log = connector::log(world.db(), &connector.id, status, None, 1000);
    log.await.unwrap()
}

async fn deliveries(
    world: &World,
    connector: &Connector,
) -> Vec<(Option<i64>, DeliveryStatus, i64)> {
    let log = logged(world, connector, None).await.into_iter();
    log.map(|one| (one.sequence, one.status, one.attempts))
        .collect()
}

async fn claim(world: &World, connector: &Connector) -> Option<Claimed> {
    connector::claim(world.db(), &connector.id).await.unwrap()
}

fn result(outcome: Outcome) -> Recorded {
    Recorded {
        outcome,
        response_status: Some(500),
        latency_ms: 3,
    }
}

fn again(retry_after_ms: Option<i64>) -> Recorded {
    result(Outcome::Again {
        code: "server_error",
        message: "The other side answered 500.".into(),
        retry_after_ms,
    })
}

async fn record(world: &World, connector: &Connector, claimed: &Claimed, recorded: &Recorded) {
    write!(world, |change| connector::record(
        &change,
        &connector.id,
        claimed,
        recorded
    ))
    .unwrap();
}

async fn first_id(world: &World) -> String {
    let sql = "SELECT MIN(id) FROM connector_delivery";
    let row = world.db().query_one(sql, vec![]).await.unwrap();
    row.unwrap().text(0).unwrap()
}

/// Has everything be due now.
async fn hurry(world: &World) {
    let sql = "UPDATE connector_delivery SET next_attempt_at = 0 WHERE status = 'pending'";
    world.db().execute(sql, vec![]).await.unwrap();
}

#[tokio::test]
async fn a_new_connector_hears_of_what_happens_from_now_on_and_of_that_once() {
    let world = World::new().await;
    happen(&world, EventKind::AgentSpawned).await;
    let connector = connect(&world, json!({})).await;
    assert!(!connector::is_due(world.db()).await.unwrap());
    take_in(&world, &connector).await;
    assert_eq!(deliveries(&world, &connector).await, []);
    for kind in [
        EventKind::AgentSpawned,
        EventKind::LessonCreated,
        EventKind::AgentSpawned,
    ] {
        happen(&world, kind).await;
    }
    assert!(connector::is_due(world.db()).await.unwrap());
    take_in(&world, &connector).await;
    // A cursor that was lost makes nothing twice.
    let sql = "UPDATE connector SET cursor = 0";
    world.db().execute(sql, vec![]).await.unwrap();
    take_in(&world, &connector).await;
    let sequences: Vec<i64> = deliveries(&world, &connector)
        .await
        .iter()
        .map(|(sequence, ..)| sequence.unwrap() - connector.cursor)
        .collect();
    assert_eq!(sequences.iter().filter(|place| **place > 0).count(), 2);
    let mut unique = sequences.clone();
    unique.sort_unstable();
    unique.dedup();
    assert_eq!(unique.len(), sequences.len());
}

#[tokio::test]
async fn more_events_than_a_batch_are_all_taken_in() {
    let world = World::new().await;
    connect_with_due(&world, 450).await;
    assert_eq!(
        world.count("SELECT COUNT(*) FROM connector_delivery").await,
        450
    );
    let sql = "SELECT (SELECT cursor FROM connector) = (SELECT MAX(sequence) FROM event)";
    assert_eq!(world.count(sql).await, 1);
}

#[tokio::test]
async fn of_many_claimers_each_gets_another_one_and_a_dead_one_leaves_it_due_with_the_same_id() {
    let world = World::new().await;
    let connector = connect_with_due(&world, 3).await;
    let claims = futures_util::future::join_all((0..5).map(|_| claim(&world, &connector))).await;
    let mut ids: Vec<String> = claims
        .iter()
        .flatten()
        .map(|claimed| claimed.id.clone())
        .collect();
    assert_eq!(ids.len(), 3);
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 3);
    assert!(!connector::is_due(world.db()).await.unwrap());
    // Nobody records anything.
    hurry(&world).await;
    assert!(connector::is_due(world.db()).await.unwrap());
    let second = claim(&world, &connector).await.unwrap();
    assert!(ids.contains(&second.id));
    assert_eq!(second.attempt, 2);
    let first = claims
        .into_iter()
        .flatten()
        .find(|claimed| claimed.id == second.id)
        .unwrap();
    // The first sender was only slow: its result no longer counts.
    record(&world, &connector, &first, &again(None)).await;
    record(&world, &connector, &second, &result(Outcome::Delivered)).await;
    let delivered = logged(&world, &connector, Some(DeliveryStatus::Delivered)).await;
    assert_eq!((delivered.len(), delivered[0].attempts), (1, 2));
    assert_eq!(delivered[0].code, None);
}

#[tokio::test]
async fn attempts_are_bounded_and_failures_in_a_row_pause_the_connector() {
    let world = World::new().await;
    let connector = connect_with_due(&world, BREAKER + 2).await;
    for attempt in 1..=ATTEMPTS {
        hurry(&world).await;
        let claimed = claim(&world, &connector).await.unwrap();
        // Always the same one, so that only it fails.
        let sql = "UPDATE connector_delivery SET attempts = ?1 WHERE id = (SELECT MIN(id) FROM connector_delivery)";
        let set = world.db().execute(sql, vec![attempt.into()]);
        set.await.unwrap();
        let first = Claimed {
            id: first_id(&world).await,
            attempt,
            ..claimed
        };
        record(&world, &connector, &first, &again(None)).await;
    }
    let failed = logged(&world, &connector, Some(DeliveryStatus::Failed)).await;
    assert_eq!(failed.len(), 1);
    assert!(
        failed[0]
            .message
            .as_ref()
            .unwrap()
            .contains("tried 8 times")
    );
    assert_eq!(failed[0].next_attempt_at, None);
    let never = result(Outcome::Never {
        code: "refused",
        message: "The other side answered 404.".into(),
    });
    for _ in 1..BREAKER {
        hurry(&world).await;
        let claimed = claim(&world, &connector).await.unwrap();
        record(&world, &connector, &claimed, &never).await;
    }
    let paused = connector::get(world.db(), &connector.id).await.unwrap();
    assert_eq!(paused.status.as_str(), "paused");
    assert!(
        paused
            .paused_reason
            .as_ref()
            .unwrap()
            .contains("answered 404")
    );
    let sql = "SELECT COUNT(*) FROM event WHERE kind = 'connector.paused'";
    assert_eq!(world.count(sql).await, 1);
    let sql = "SELECT COUNT(*) FROM connector_delivery WHERE status = 'held'";
    assert_eq!(world.count(sql).await, 2);
    assert!(claim(&world, &connector).await.is_none());
    assert!(!connector::is_due(world.db()).await.unwrap());
}

#[tokio::test]
async fn a_wait_that_is_asked_for_holds_for_all() {
    let world = World::new().await;
    let connector = connect_with_due(&world, 2).await;
    let claimed = claim(&world, &connector).await.unwrap();
    record(&world, &connector, &claimed, &again(Some(600_000))).await;
    happen(&world, EventKind::AgentSpawned).await;
    take_in(&world, &connector).await;
    assert!(claim(&world, &connector).await.is_none());
    assert!(!connector::is_due(world.db()).await.unwrap());
    let sql = "SELECT COUNT(*) FROM connector_delivery WHERE next_attempt_at >= attempted_at + 500000 \
               OR next_attempt_at >= created_at + 500000";
    assert_eq!(world.count(sql).await, 3);
}

#[tokio::test]
async fn what_was_held_goes_on_or_is_skipped() {
    for (skip, status, later) in [
        (false, DeliveryStatus::Pending, 2),
        (true, DeliveryStatus::Skipped, 0),
    ] {
        let world = World::new().await;
        let connector = connect_with_due(&world, 1).await;
        let on_its_way = claim(&world, &connector).await.unwrap();
        let paused = write!(world, |change| connector::pause(
            &change,
            connector.clone(),
            "test"
        ))
        .unwrap();
        // It was being sent when the connector was paused, and is to be sent again.
        record(&world, &connector, &on_its_way, &again(None)).await;
        happen(&world, EventKind::AgentSpawned).await;
        take_in(&world, &connector).await;
        assert_eq!(
            deliveries(&world, &connector).await,
            [(Some(on_its_way.sequence), DeliveryStatus::Held, 1)]
        );
        write!(world, |change| connector::resume(
            &change,
            paused.clone(),
            skip
        ))
        .unwrap();
        assert_eq!(deliveries(&world, &connector).await[0].1, status);
        take_in(&world, &connector).await;
        let pending = "SELECT COUNT(*) FROM connector_delivery WHERE status = 'pending'";
        assert_eq!(world.count(pending).await, later, "skip = {skip}");
        let active = connector::get(world.db(), &connector.id).await.unwrap();
        let refused = write!(world, |change| connector::resume(&change, active, skip));
        assert_eq!(code(refused), "connector_active");
    }
}

#[tokio::test]
async fn names_and_projects_are_looked_at_and_a_deleted_project_takes_its_connectors_along() {
    let world = World::new().await;
    let first = connect(&world, json!({"project_id": world.project.id})).await;
    for (name, project, expected) in [
        ("Team", None, "connector_exists"),
        ("Other", Some("none"), "invalid_fields"),
    ] {
        let mut twin = first.clone();
        twin.name = name.to_owned();
        twin.project_id = project.map(str::to_owned);
        let refused = write!(world, |change| connector::create(&change, twin));
        assert_eq!(code(refused), expected);
    }
    let renamed = Connector {
        name: "Renamed".into(),
        ..first.clone()
    };
    let renamed = write!(world, |change| connector::update(&change, renamed)).unwrap();
    assert_eq!((renamed.version, renamed.name.as_str()), (2, "Renamed"));
    let stale = write!(world, |change| connector::update(&change, first));
    assert_eq!(code(stale), "version_conflict");
    write!(world, |change| loom_store::project::delete(
        &change,
        &world.project.id
    ))
    .unwrap();
    assert_eq!(world.count("SELECT COUNT(*) FROM connector").await, 0);
}

#[tokio::test]
async fn old_deliveries_are_forgotten_and_open_ones_are_not() {
    let world = World::new().await;
    let connector = connect_with_due(&world, 2).await;
    let claimed = claim(&world, &connector).await.unwrap();
    record(&world, &connector, &claimed, &result(Outcome::Delivered)).await;
    let sql = "UPDATE connector_delivery SET created_at = 1";
    world.db().execute(sql, vec![]).await.unwrap();
    assert_eq!(connector::forget_old(world.db()).await.unwrap(), 1);
    assert_eq!(deliveries(&world, &connector).await.len(), 1);
}

#[tokio::test]
async fn the_tick_s_question_is_answered_from_indexes() {
    let world = World::new().await;
    connect(&world, json!({})).await;
    let sql = "EXPLAIN QUERY PLAN SELECT 1 WHERE EXISTS (SELECT 1 FROM connector_delivery WHERE status = 'pending' \
               AND next_attempt_at <= 7) OR EXISTS (SELECT 1 FROM connector WHERE status = 'active' \
               AND cursor < (SELECT MAX(sequence) FROM event))";
    let plan: Vec<String> = world
        .db()
        .query(sql, vec![])
        .await
        .unwrap()
        .iter()
        .map(|row| row.text(3).unwrap())
        .collect();
    let plan = plan.join("\n");
    for index in ["connector_delivery_due", "connector_behind"] {
        assert!(plan.contains(index), "{plan}");
    }
    assert!(!plan.contains("SCAN connector"), "{plan}");
}
