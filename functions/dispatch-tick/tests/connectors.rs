//! The tick has connectors served when there is something to tell, and only then.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a broken assumption of a test should stop it at once"
)]

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use loom_api::testing::{builder, call};
use loom_domain::{
    connector::ConnectorInput,
    event::{EventKind, NewEvent},
};
use loom_platform::native::handler;
use loom_platform::{Database, Platform, Transaction, body_from};
use loom_store::{Change, connector, migrate::migrate};

#[tokio::test]
async fn i12_connectors_are_served_when_they_are_behind() {
    let platform = builder().build().unwrap();
    let database = platform.database();
    migrate(database).await.unwrap();
    let sweeps = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&sweeps);
    let count = handler(move |request: http::Request<bytes::Bytes>| {
        assert_eq!(request.uri().path(), "/internal/sweep");
        counter.fetch_add(1, Ordering::SeqCst);
        async { http::Response::new(body_from("{}")) }
    });
    platform.http().route("connectors.spin.internal", count);
    let ticked = async || {
        let answer = call("POST", "/internal/tick")
            .send(&platform, loom_dispatch_tick::handle)
            .await;
        assert_eq!(answer.status, 200, "{}", answer.json());
        platform.tasks().finished().await;
        sweeps.load(Ordering::SeqCst)
    };
    assert_eq!(ticked().await, 0, "there is no connector");

    let tx = database.transaction().await.unwrap();
    let change = Change::new(&tx, platform.random(), "ann").await.unwrap();
    let input = serde_json::json!({"name": "Team", "kind": "slack", "url": "{{secret:team}}"});
    let input: ConnectorInput = serde_json::from_value(input).unwrap();
    connector::create(&change, input.create().unwrap())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(ticked().await, 0, "nothing has happened since");

    let tx = database.transaction().await.unwrap();
    let change = Change::new(&tx, platform.random(), "ann").await.unwrap();
    let happened = NewEvent::new(EventKind::LessonCreated);
    change.event(happened).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(ticked().await, 1);
}
