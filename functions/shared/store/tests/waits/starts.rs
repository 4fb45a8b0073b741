//! What a run that starts to wait frees and keeps, and what is never waited for.

use loom_domain::{
    agent::AgentStatus,
    bead::{BeadInput, BeadStatus},
    decision::question_fingerprint,
    run::{RunStatus, Wait},
};
use loom_platform::{Platform, Statements};
use loom_store::{
    decision,
    run::{self, Resumed},
};

use crate::common::{LEASE_MS, World, code};
use crate::{agent_status, ask, close, get, resume, said, wait_for, waiting, working, write};

#[tokio::test]
async fn a_waiting_run_keeps_its_bead_and_frees_everything_else() {
    let world = World::new().await;
    let (parent, child, hold, agent) = waiting(&world).await;
    let run = get(&world, &hold).await;
    assert_eq!(run.status, RunStatus::Waiting);
    let bead = world.read(&parent.id).await;
    assert_eq!(
        (bead.status, bead.run_id.as_deref()),
        (BeadStatus::InProgress, Some(hold.run_id.as_str()))
    );
    assert_eq!(bead.fence, run.fence);
    assert_eq!(agent_status(&world, &agent).await, AgentStatus::Idle);
    assert!(
        run::working(world.platform.database())
            .await
            .unwrap()
            .is_empty()
    );
    // The lease of a run that waits is nobody's: it does not run out, and its last holder can write nothing more.
    let past = "UPDATE run SET lease_until = 0";
    world
        .platform
        .database()
        .execute(past, vec![])
        .await
        .unwrap();
    assert!(
        run::expired(world.platform.database(), 10)
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(
        code(run::renew(world.platform.database(), &hold, LEASE_MS).await),
        "stale_fence"
    );
    assert_eq!(code(world.lease(&hold.run_id).await), "run_waiting");
    let other = world.agent("bob").await.id;
    assert_eq!(
        code(world.claim(&parent.id, &other).await),
        "already_claimed"
    );
    assert_eq!(resume(&world, &hold).await, Resumed::NotResumable);
    // Its agent is at other work meanwhile.
    working(&world, &child, &agent).await;
}

#[tokio::test]
async fn what_is_there_already_is_never_waited_for() {
    let world = World::new().await;
    let (parent, child) = (world.bead("parent").await, world.bead("child").await);
    let agent = world.agent("ann").await.id;
    let hold = working(&world, &parent, &agent).await;
    let asked = ask(&world, &parent, &hold).await;
    close(&world, &child, "solved meanwhile").await;
    let question = question_fingerprint(&hold.run_id, 1, 0);
    write!(world, |change| decision::answer_fingerprint(
        &change, &question, "yes", ""
    ))
    .unwrap();
    let waits = [
        Wait::bead(&child.id),
        Wait::decision(&asked),
        Wait::bead("tt-none"),
    ];
    assert!(!wait_for(&world, &hold, &waits).await.unwrap());
    assert_eq!(get(&world, &hold).await.status, RunStatus::Running);
    let text = &said(&world, &hold).await[0].content;
    for part in [
        "solved meanwhile",
        "yes (by test)",
        "tt-none that you waited for does not exist",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert_eq!(world.count("SELECT COUNT(*) FROM run_wait").await, 0);
}

#[tokio::test]
async fn no_two_beads_wait_for_each_other() {
    let world = World::new().await;
    let (parent, child, _, agent) = waiting(&world).await;
    // Not as a blocker of the awaited bead, nor of one that it waits for in turn.
    let blocked = |id: &str| BeadInput {
        blocked_by: Some(vec![id.to_owned()]),
        ..Default::default()
    };
    assert_eq!(
        code(world.update(&child.id, blocked(&parent.id)).await),
        "dependency_cycle"
    );
    let at_child = working(&world, &child, &agent).await;
    let grandchild = world.file(BeadInput {
        title: Some("grandchild".into()),
        ..blocked(&parent.id)
    });
    let grandchild = grandchild.await.unwrap();
    // Nor by a wait that closes the circle: it is left out, and the run is told.
    let waits = [Wait::bead(&grandchild.id)];
    assert!(!wait_for(&world, &at_child, &waits).await.unwrap());
    let text = &said(&world, &at_child).await[0].content;
    assert!(text.contains("does not wait"), "{text}");
    for bead in [&parent, &child, &grandchild] {
        assert!(text.contains(&bead.id), "{} in {text}", bead.id);
    }
}
