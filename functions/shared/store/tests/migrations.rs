//! Migrations apply once, in order, from any number of callers.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a broken assumption of a test should stop it at once"
)]

use loom_platform::{Platform, Statements, native::NativePlatform};
use loom_store::migrate::{self, MIGRATIONS, MigrateError};

#[test]
fn numbers_strictly_increase_from_one() {
    let versions: Vec<_> = MIGRATIONS
        .iter()
        .map(|migration| migration.version)
        .collect();
    assert_eq!(
        versions,
        (1..=i64::try_from(MIGRATIONS.len()).unwrap()).collect::<Vec<_>>()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn many_callers_at_once_apply_each_migration_once() {
    let platform = NativePlatform::builder().build().unwrap();
    let callers = (0..8).map(|_| migrate::migrate(platform.database()));
    let applied: usize = futures_util::future::join_all(callers)
        .await
        .into_iter()
        .map(|versions| versions.unwrap().len())
        .sum();
    assert_eq!(applied, MIGRATIONS.len());
    assert!(
        migrate::migrate(platform.database())
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn a_newer_database_and_a_changed_migration_are_refused() {
    let platform = NativePlatform::builder().build().unwrap();
    migrate::migrate(platform.database()).await.unwrap();
    let newer =
        "INSERT INTO schema_version (version, name, sha256, applied_at) VALUES (999, 'x', 'x', 0)";
    platform.database().execute(newer, vec![]).await.unwrap();
    let refused = migrate::migrate(platform.database()).await.unwrap_err();
    assert!(
        matches!(refused, MigrateError::TooNew { found: 999, .. }),
        "{refused}"
    );
    platform
        .database()
        .execute("DELETE FROM schema_version WHERE version = 999", vec![])
        .await
        .unwrap();
    let last = MIGRATIONS.last().unwrap().version;
    let forget = "UPDATE schema_version SET sha256 = 'other' WHERE version = 1";
    platform.database().execute(forget, vec![]).await.unwrap();
    let sql = "DELETE FROM schema_version WHERE version = ?1";
    platform
        .database()
        .execute(sql, vec![last.into()])
        .await
        .unwrap();
    let refused = migrate::migrate(platform.database()).await.unwrap_err();
    assert_eq!(refused, MigrateError::Changed { version: 1 });
}

/// What was blocked before holds were written down, stays blocked by the same question.
#[tokio::test]
async fn beads_that_a_question_keeps_blocked_are_held_by_it_from_then_on() {
    let platform = NativePlatform::builder().build().unwrap();
    let database = platform.database();
    migrate::migrate(database).await.unwrap();
    let run = async |sql: &str| database.execute(sql, vec![]).await.unwrap();
    let holds = MIGRATIONS.iter().find(|found| found.name == "holds");
    let holds = holds.unwrap().version;
    run(&format!(
        "DELETE FROM schema_version WHERE version = {holds}"
    ))
    .await;
    run("ALTER TABLE bead DROP COLUMN held_by").await;
    run("PRAGMA foreign_keys = OFF").await;
    for (bead, status, decisions) in [
        (
            "info",
            "blocked",
            &[("high_risk", "decided", "needs_more_info")][..],
        ),
        ("asked", "blocked", &[("high_risk", "open", "")]),
        ("expired", "blocked", &[("escalation", "expired", "")]),
        (
            "since",
            "blocked",
            &[
                ("high_risk", "decided", "needs_more_info"),
                ("question", "decided", "yes"),
            ],
        ),
        (
            "workflow",
            "blocked",
            &[("workflow_escalation", "expired", "")],
        ),
        (
            "opened",
            "open",
            &[("high_risk", "decided", "needs_more_info")],
        ),
        ("none", "blocked", &[]),
    ] {
        run(&format!(
            "INSERT INTO bead (id, project_id, kind, title, description, status, priority, touches, context, created_by, \
             created_at, updated_at) VALUES ('{bead}', 'p', 'task', 't', '', '{status}', 2, '[]', '{{}}', 'ann', 0, 0)"
        ))
        .await;
        for (at, (kind, status, answer)) in (1..).zip(decisions) {
            let decided_at = if *status == "open" { "NULL" } else { "9" };
            run(&format!(
                "INSERT INTO decision (id, bead_id, kind, fingerprint, question, options, context, requester, status, decision, \
                 created_at, deadline_at, decided_at) VALUES ('{bead}-{at}', '{bead}', '{kind}', '{bead}-{at}', '?', '[]', '', \
                 'ann', '{status}', '{answer}', {at}, 9, {decided_at})"
            ))
            .await;
        }
    }
    assert_eq!(migrate::migrate(database).await.unwrap(), [holds]);
    let sql = "SELECT id || ' by ' || held_by FROM bead WHERE held_by IS NOT NULL ORDER BY id";
    let rows = database.query(sql, vec![]).await.unwrap();
    let held: Vec<String> = rows.iter().map(|row| row.text(0).unwrap()).collect();
    assert_eq!(
        held,
        [
            "asked by decision:asked-1",
            "expired by decision:expired-1",
            "info by decision:info-1"
        ]
    );
}
