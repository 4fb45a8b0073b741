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
