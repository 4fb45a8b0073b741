//! Waits for the checks of a commit.

use loom_domain::run::{RunStatus, Wait};
use loom_platform::{Platform, Statements};
use loom_store::run::{self, Resumed};

use crate::common::{LEASE_MS, World};
use crate::{get, wait_for, working, write};

const COMMIT: &str = "0f0e0d0c0b0a09080706050403020100aabbccdd";

#[tokio::test]
async fn a_run_waits_for_checks_and_looks_when_they_arrive() {
    let world = World::new().await;
    let bead = world.bead("work").await;
    let agent = world.agent("ann").await.id;
    let hold = working(&world, &bead, &agent).await;
    let wait = Wait::checks(&bead.project_id, COMMIT);
    assert!(wait_for(&world, &hold, &[wait]).await.unwrap());
    assert_eq!(get(&world, &hold).await.status, RunStatus::Waiting);

    let other = write!(world, |change| run::checks_arrived(
        &change,
        &bead.project_id,
        "another"
    ));
    assert_eq!(other.unwrap(), 0);
    let arrived = || async {
        write!(world, |change| run::checks_arrived(
            &change,
            &bead.project_id,
            COMMIT
        ))
        .unwrap()
    };
    assert_eq!(arrived().await, 1);
    assert_eq!(arrived().await, 0, "it is told once");
    let database = world.platform.database();
    assert_eq!(run::resumable(database, 9).await.unwrap().len(), 1);

    // The run itself looks and is told; a second telling says nothing more.
    let resumed = write!(world, |change| run::resume(
        &change,
        &hold.run_id,
        LEASE_MS,
        9
    ));
    assert_eq!(resumed.unwrap(), Resumed::Queued);
    let hold = world.lease(&hold.run_id).await.unwrap().hold;
    let pending = run::pending_checks(database, &hold.run_id).await.unwrap();
    assert_eq!(pending[0].commit, COMMIT);
    for _ in 0..2 {
        write!(world, |change| run::tell_checks(
            &change,
            &hold,
            COMMIT,
            "All green."
        ))
        .unwrap();
    }
    assert!(
        run::pending_checks(database, &hold.run_id)
            .await
            .unwrap()
            .is_empty()
    );
    let said = run::conversation(database, &hold.run_id).await.unwrap();
    let times = said
        .iter()
        .filter(|message| message.content.contains("All green."))
        .count();
    assert_eq!(times, 1);
}

#[tokio::test]
async fn a_run_looks_at_checks_by_itself_when_no_word_comes() {
    let world = World::new().await;
    let bead = world.bead("work").await;
    let agent = world.agent("ann").await.id;
    let hold = working(&world, &bead, &agent).await;
    let wait = Wait::checks(&bead.project_id, COMMIT);
    wait_for(&world, &hold, &[wait]).await.unwrap();
    let database = world.platform.database();
    let sql = "SELECT COUNT(*) FROM timer WHERE kind = 'run_checks' AND subject = ?1";
    let timers = || async {
        let row = database.query_one(sql, vec![(&hold.run_id).into()]).await;
        row.unwrap().unwrap().integer(0).unwrap()
    };
    assert_eq!(timers().await, 1);
    write!(world, |change| run::look_is_due(&change, &hold.run_id)).unwrap();
    assert_eq!(run::resumable(database, 9).await.unwrap().len(), 1);

    // A run that is stopped leaves nothing behind.
    write!(world, |change| run::cancel(&change, &hold.run_id, "enough")).unwrap();
    assert_eq!(timers().await, 0);
    assert!(
        run::pending_checks(database, &hold.run_id)
            .await
            .unwrap()
            .is_empty()
    );
}
