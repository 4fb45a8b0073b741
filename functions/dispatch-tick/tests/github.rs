//! The tick has what is due at GitHub looked after.
#![allow(
    clippy::unwrap_used,
    reason = "a broken assumption of a test should stop it at once"
)]

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use loom_api::testing::{builder, call};
use loom_domain::project::ProjectInput;
use loom_platform::{Database, Platform, Statements, Transaction, body_from, native::handler};
use loom_store::{Change, migrate::migrate, project};

#[tokio::test]
async fn i12_the_sweep_of_github_is_asked_for_when_something_is_due() {
    let platform = builder().build().unwrap();
    let database = platform.database();
    migrate(database).await.unwrap();
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    let sweep = handler(move |request| {
        assert_eq!(request.uri().path(), "/internal/github/sweep");
        counter.fetch_add(1, Ordering::SeqCst);
        async { http::Response::new(body_from("{}")) }
    });
    platform.http().route("github-webhook.spin.internal", sweep);
    let tick = async || {
        let answer = call("POST", "/internal/tick");
        let answer = answer.send(&platform, loom_dispatch_tick::handle).await;
        assert_eq!(answer.status, 200);
        platform.tasks().finished().await;
        asked.load(Ordering::SeqCst)
    };
    assert_eq!(tick().await, 0, "nothing has to do with GitHub");

    let tx = database.transaction().await.unwrap();
    let change = Change::new(&tx, platform.random(), "test").await.unwrap();
    let input = ProjectInput {
        name: Some("Widget".into()),
        git_repo: Some("https://github.com/acme/widget".into()),
        ..ProjectInput::default()
    };
    project::register(&change, input.register().unwrap(), false)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(tick().await, 1, "deliveries may have been lost");

    for (sql, expected) in [
        ("UPDATE redelivery_sweep SET due_at = 9e15", 1),
        (
            "INSERT INTO delivery (id, guid, sha256, event, status, size, received_at, due_at) \
             VALUES ('1', 'g', 's', 'issues', 'received', 2, unixepoch('subsec') * 1000, 1)",
            2,
        ),
        (
            "UPDATE delivery SET status = 'processing', due_at = 9e15",
            2,
        ),
        ("UPDATE delivery SET status = 'processed', due_at = NULL", 2),
        ("UPDATE delivery SET received_at = 1", 3),
    ] {
        database.execute(sql, vec![]).await.unwrap();
        assert_eq!(tick().await, expected, "{sql}");
    }
}
