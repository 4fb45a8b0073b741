//! Claims and leases: one winner, stale writers refused (invariants I1 to I3).

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a broken assumption of a test should stop it at once"
)]

mod common;

use common::{LEASE_MS, RETRY, World, code};
use loom_domain::{
    agent::AgentStatus,
    bead::{BeadInput, BeadStatus},
    run::{EndReason, Hold, RunStatus},
};
use loom_platform::{Platform, Statements};
use loom_store::{agent, run};

#[tokio::test(flavor = "multi_thread")]
async fn i1_of_many_claims_one_wins_and_the_others_learn_why() {
    let world = World::new().await;
    let bead = world.bead("wanted").await;
    let mut agents = Vec::new();
    for number in 0..16 {
        agents.push(world.agent(&format!("a{number}")).await.id);
    }
    let claims = agents.iter().map(|agent| world.claim(&bead.id, agent));
    let results = futures_util::future::join_all(claims).await;
    let (won, lost): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
    assert_eq!(won.len(), 1);
    for refusal in lost {
        assert_eq!(code(refusal), "already_claimed");
    }
    let busy = agent::all(world.platform.database()).await.unwrap();
    assert_eq!(
        busy.iter()
            .filter(|agent| agent.status == AgentStatus::Busy)
            .count(),
        1
    );
    assert_eq!(world.count("SELECT COUNT(*) FROM run").await, 1);
    assert_eq!(world.read(&bead.id).await.dispatch_count, 1);
}

#[tokio::test]
async fn i1_the_schema_itself_refuses_a_second_live_run() {
    let world = World::new().await;
    let (bead, agent) = (world.bead("b").await, world.agent("a").await);
    world.claim(&bead.id, &agent.id).await.unwrap();
    let second = "INSERT INTO run (id, bead_id, project_id, agent_id, attempt, status, fence, lease_until, created_at) \
                  SELECT 'second', bead_id, project_id, 'other', 2, 'queued', 9, 0, 0 FROM run";
    let refused = world
        .platform
        .database()
        .execute(second, vec![])
        .await
        .unwrap_err();
    assert!(refused.to_string().contains("UNIQUE"), "{refused}");
}

#[tokio::test]
async fn an_agent_takes_one_bead_at_a_time() {
    let world = World::new().await;
    let (one, two, agent) = (
        world.bead("1").await,
        world.bead("2").await,
        world.agent("a").await,
    );
    world.claim(&one.id, &agent.id).await.unwrap();
    assert_eq!(code(world.claim(&two.id, &agent.id).await), "agent_busy");
    assert_eq!(
        world.read(&two.id).await.status,
        BeadStatus::Open,
        "the refused claim changed nothing"
    );
}

#[tokio::test]
async fn i2_a_holder_whose_run_was_taken_over_can_write_nothing() {
    let world = World::new().await;
    let (bead, agent) = (world.bead("b").await, world.agent("a").await);
    let claimed = world.claim(&bead.id, &agent.id).await.unwrap();
    let first = world.lease(&claimed.run_id).await.unwrap().hold;
    assert_eq!(code(world.lease(&claimed.run_id).await), "lease_held");
    expire(&world, &claimed.run_id).await;
    assert!(
        write!(world, |change| run::requeue(
            &change,
            &claimed.run_id,
            LEASE_MS,
            RETRY
        ))
        .unwrap()
    );
    let second = world.lease(&claimed.run_id).await.unwrap().hold;
    assert!(second.fence > first.fence);
    assert_eq!(
        code(run::renew(world.platform.database(), &first, LEASE_MS).await),
        "stale_fence"
    );
    assert_eq!(
        code(write!(world, |change| run::end_step(
            &change,
            &first,
            1,
            &[],
            true
        ))),
        "stale_fence"
    );
    assert_eq!(
        code(write!(world, |change| run::hand_over(
            &change, &first, LEASE_MS
        ))),
        "stale_fence"
    );
    let end = EndReason::DoneWithoutChange;
    assert_eq!(
        code(write!(world, |change| run::end(
            &change,
            &first,
            end.clone(),
            RETRY,
            None
        ))),
        "stale_fence"
    );
    write!(world, |change| run::end(&change, &second, end, RETRY, None)).unwrap();
    assert_eq!(world.read(&bead.id).await.status, BeadStatus::Closed);
}

#[tokio::test]
async fn i3_nothing_is_taken_over_within_its_lease_and_one_of_many_takes_it_after() {
    let world = World::new().await;
    let (bead, agent) = (world.bead("b").await, world.agent("a").await);
    let claimed = world.claim(&bead.id, &agent.id).await.unwrap();
    world.lease(&claimed.run_id).await.unwrap();
    assert!(
        run::expired(world.platform.database(), 10)
            .await
            .unwrap()
            .is_empty()
    );
    assert!(
        !write!(world, |change| run::requeue(
            &change,
            &claimed.run_id,
            LEASE_MS,
            RETRY
        ))
        .unwrap()
    );
    expire(&world, &claimed.run_id).await;
    assert_eq!(
        run::expired(world.platform.database(), 10)
            .await
            .unwrap()
            .len(),
        1
    );
    let mut taken = 0;
    for _ in 0..4 {
        taken += i32::from(
            write!(world, |change| run::requeue(
                &change,
                &claimed.run_id,
                LEASE_MS,
                RETRY
            ))
            .unwrap(),
        );
    }
    assert_eq!(taken, 1);
}

#[tokio::test]
async fn a_run_that_never_gets_anywhere_fails() {
    let world = World::new().await;
    let (bead, agent) = (world.bead("b").await, world.agent("a").await);
    let claimed = world.claim(&bead.id, &agent.id).await.unwrap();
    for _ in 0..100 {
        expire(&world, &claimed.run_id).await;
        if !write!(world, |change| run::requeue(
            &change,
            &claimed.run_id,
            LEASE_MS,
            RETRY
        ))
        .unwrap()
        {
            break;
        }
    }
    let ended = run::get(world.platform.database(), &claimed.run_id)
        .await
        .unwrap();
    assert_eq!(
        (ended.status, ended.reason.as_deref()),
        (RunStatus::Failed, Some("lease_lost"))
    );
    assert_eq!(world.read(&bead.id).await.failed_runs, 1);
}

#[tokio::test]
async fn closing_a_bead_stops_its_run() {
    let world = World::new().await;
    let (bead, agent) = (world.bead("b").await, world.agent("a").await);
    let claimed = world.claim(&bead.id, &agent.id).await.unwrap();
    let hold: Hold = world.lease(&claimed.run_id).await.unwrap().hold;
    world
        .update(
            &bead.id,
            BeadInput {
                status: Some(BeadStatus::Closed),
                ..Default::default()
            },
        )
        .await
        .unwrap();
    assert_eq!(
        code(run::renew(world.platform.database(), &hold, LEASE_MS).await),
        "stale_fence"
    );
    let closed = world.read(&bead.id).await;
    assert_eq!((closed.status, closed.run_id), (BeadStatus::Closed, None));
    let free = agent::get(world.platform.database(), &agent.id)
        .await
        .unwrap();
    assert_eq!(free.status, AgentStatus::Idle);
}

async fn expire(world: &World, run_id: &str) {
    let sql = "UPDATE run SET lease_until = 0 WHERE id = ?1";
    world
        .platform
        .database()
        .execute(sql, vec![run_id.into()])
        .await
        .unwrap();
}
