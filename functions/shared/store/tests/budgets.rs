//! Money: reserved before a call, settled after it, released when nobody will (invariants I7 and I11).

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a broken assumption of a test should stop it at once"
)]

mod common;

use common::{LEASE_MS, RETRY, World};
use loom_domain::{
    budget::BudgetScope,
    conversation::Reply,
    run::{EndReason, Hold},
};
use loom_platform::Platform;
use loom_store::{
    budget::{self, Caps},
    run::{self, NewStep, OpenedStep, StepReply},
};

const CAPS: Caps = Caps {
    bead: Some(100),
    project: Some(250),
    day: None,
};

fn step(number: i64, reservation: i64) -> NewStep<'static> {
    NewStep {
        number,
        request: "{}",
        reservation_micro_usd: reservation,
        caps: CAPS,
        provider_id: "p",
        model_asked: None,
    }
}

fn reply(number: i64, reply: &Reply, cost: i64) -> StepReply<'_> {
    StepReply {
        number,
        reply,
        model_given: "m",
        prompt_tokens: 1,
        completion_tokens: 1,
        is_estimated: false,
        cost_micro_usd: cost,
    }
}

fn answer() -> Reply {
    Reply {
        content: "hello".into(),
        tool_calls: vec![],
        finish_reason: "stop".into(),
    }
}

async fn held(world: &World, name: &str) -> Hold {
    let (bead, agent) = (world.bead(name).await, world.agent(name).await);
    let claimed = world.claim(&bead.id, &agent.id).await.unwrap();
    world.lease(&claimed.run_id).await.unwrap().hold
}

async fn bead_balance(world: &World, hold: &Hold) -> (i64, i64) {
    let balance = budget::balance(world.platform.database(), BudgetScope::Bead, &hold.bead_id)
        .await
        .unwrap();
    (balance.reserved_micro_usd, balance.spent_micro_usd)
}

/// Opens a step and commits unless a budget refused, as the agent step does.
async fn open(world: &World, hold: &Hold, number: i64, reservation: i64) -> OpenedStep {
    use loom_platform::{Database, Transaction};
    let tx = world.platform.database().transaction().await.unwrap();
    let change = loom_store::Change::new(&tx, world.platform.random(), "test")
        .await
        .unwrap();
    let opened = run::open_step(&change, hold, &step(number, reservation))
        .await
        .unwrap();
    if !matches!(opened, OpenedStep::BudgetExceeded(_)) {
        tx.commit().await.unwrap();
    }
    opened
}

#[tokio::test]
async fn i11_a_call_that_would_exceed_a_budget_is_refused_and_reserves_nothing() {
    let world = World::new().await;
    let hold = held(&world, "a").await;
    assert!(matches!(
        open(&world, &hold, 1, 80).await,
        OpenedStep::Call { .. }
    ));
    assert_eq!(bead_balance(&world, &hold).await, (80, 0));
    write!(world, |change| run::record_reply(
        &change,
        &hold,
        &reply(1, &answer(), 30)
    ))
    .unwrap();
    assert_eq!(
        bead_balance(&world, &hold).await,
        (0, 30),
        "the reply settles what was reserved"
    );
    assert_eq!(
        open(&world, &hold, 2, 80).await,
        OpenedStep::BudgetExceeded(BudgetScope::Bead)
    );
    assert_eq!(bead_balance(&world, &hold).await, (0, 30));
    assert!(
        matches!(open(&world, &hold, 2, 70).await, OpenedStep::Call { .. }),
        "exactly the rest is allowed"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn i11_concurrent_calls_cannot_pass_one_budget_together() {
    let world = World::new().await;
    let mut holds = Vec::new();
    for number in 0..8 {
        holds.push(held(&world, &format!("b{number}")).await);
    }
    let opened =
        futures_util::future::join_all(holds.iter().map(|hold| open(&world, hold, 1, 60))).await;
    let calls = opened
        .iter()
        .filter(|opened| matches!(opened, OpenedStep::Call { .. }))
        .count();
    assert_eq!(calls, 4, "250 holds four times 60");
    let project = budget::balance(
        world.platform.database(),
        BudgetScope::Project,
        &world.project.id,
    )
    .await
    .unwrap();
    assert_eq!(project.reserved_micro_usd, 240);
}

#[tokio::test]
async fn i11_a_run_that_ends_releases_what_it_reserved() {
    let world = World::new().await;
    let hold = held(&world, "a").await;
    open(&world, &hold, 1, 80).await;
    write!(world, |change| run::end(
        &change,
        &hold,
        EndReason::Cancelled {
            reason: "stop".into()
        },
        RETRY,
        None
    ))
    .unwrap();
    assert_eq!(bead_balance(&world, &hold).await, (0, 0));
}

#[tokio::test]
async fn i7_a_step_is_opened_and_paid_once_whoever_comes_back_to_it() {
    let world = World::new().await;
    let hold = held(&world, "a").await;
    assert!(matches!(
        open(&world, &hold, 1, 50).await,
        OpenedStep::Call { failures: 0, .. }
    ));
    assert!(matches!(
        open(&world, &hold, 1, 50).await,
        OpenedStep::Call { .. }
    ));
    assert_eq!(bead_balance(&world, &hold).await, (50, 0), "reserved once");
    for _ in 0..2 {
        write!(world, |change| run::record_reply(
            &change,
            &hold,
            &reply(1, &answer(), 10)
        ))
        .unwrap();
    }
    assert_eq!(bead_balance(&world, &hold).await, (0, 10), "paid once");
    assert_eq!(
        open(&world, &hold, 1, 50).await,
        OpenedStep::Replied(answer()),
        "and replayed from the journal"
    );
    let _ = LEASE_MS;
}
