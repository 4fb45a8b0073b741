//! What the tick does with timers that are due.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a broken assumption of a test should stop it at once"
)]

use loom_api::testing::{builder, call};
use loom_domain::{bead::BeadInput, project::ProjectInput};
use loom_platform::{Database, Platform, Statements, Transaction};
use loom_store::{
    Change,
    bead::{self, Origin},
    migrate::migrate,
    project,
};

#[tokio::test]
async fn i12_a_timer_that_cannot_be_applied_stands_in_no_others_way() {
    let platform = builder().build().unwrap();
    let database = platform.database();
    migrate(database).await.unwrap();
    let tx = database.transaction().await.unwrap();
    let change = Change::new(&tx, platform.random(), "test").await.unwrap();
    let input = ProjectInput {
        name: Some("Timers".into()),
        git_repo: Some("/srv/timers".into()),
        ..ProjectInput::default()
    };
    let project = project::register(&change, input.register().unwrap(), false)
        .await
        .unwrap();
    let input = BeadInput {
        project_id: Some(project.id),
        title: Some("Try again".into()),
        ..BeadInput::default()
    };
    let (filed, _) = bead::file(&change, input, Origin::default()).await.unwrap();
    for (sql, subject) in [
        (
            "UPDATE bead SET retry_at = 1 WHERE id = ?1",
            filed.id.as_str(),
        ),
        ("INSERT INTO timer VALUES ('bead_retry', ?1, 2)", &filed.id),
        (
            "INSERT INTO timer VALUES ('workflow_node', ?1, 1)",
            "gone:1",
        ),
        (
            "INSERT INTO timer VALUES ('workflow_node', ?1, 1)",
            "nonsense",
        ),
    ] {
        tx.execute(sql, vec![subject.into()]).await.unwrap();
    }
    tx.commit().await.unwrap();

    for _ in 0..2 {
        let ticked = call("POST", "/internal/tick")
            .send(&platform, loom_dispatch_tick::handle)
            .await;
        assert_eq!(ticked.status, 200, "{}", ticked.json());
    }
    let bead = bead::get(database, &filed.id).await.unwrap();
    assert_eq!(bead.retry_at, None, "the timer behind them was applied");
    let sql = "SELECT subject FROM timer WHERE due_at > 1000 ORDER BY subject";
    let left: Vec<String> = database
        .query(sql, vec![])
        .await
        .unwrap()
        .iter()
        .map(|row| row.text(0).unwrap())
        .collect();
    assert_eq!(left, ["gone:1", "nonsense"], "they are tried again later");
}
