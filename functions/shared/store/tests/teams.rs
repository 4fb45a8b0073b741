//! Teams: org charts, limits of agents, and agents that get stuck.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a broken assumption of a test should stop it at once"
)]

mod common;

use common::{RETRY, World, code};
use loom_domain::{
    agent::{Agent, AgentStatus, STUCK_FOR},
    org_chart::{PositionInput, PositionStatus, Profile},
    role::Role,
    run::EndReason,
    time::Timestamp,
    timer::TimerKind,
};
use loom_platform::{Platform, Statements};
use loom_store::{StoreError, agent, event, org_chart, timer};

/// Works on a bead until its run fails with that code, or succeeds.
async fn work(world: &World, bead_id: &str, agent_id: &str, failure: Option<&str>) {
    let claimed = world.claim(bead_id, agent_id).await.unwrap();
    let hold = world.lease(&claimed.run_id).await.unwrap().hold;
    let reason = match failure {
        None => EndReason::DoneWithoutChange,
        Some(code) => EndReason::Failed {
            code: code.to_owned(),
            message: "It went wrong.".to_owned(),
        },
    };
    write!(world, |change| loom_store::run::end(
        &change, &hold, reason, RETRY, None
    ))
    .unwrap();
}

async fn look(world: &World, id: &str) -> Agent {
    agent::get(world.platform.database(), id).await.unwrap()
}

/// Whether the agent has a timer, and applies it as the tick does.
async fn wait(world: &World, milliseconds: i64) {
    let now = loom_store::now(world.platform.database()).await.unwrap();
    let due = write!(world, |change| async {
        let at = Timestamp(now.0 + milliseconds);
        let sql = "SELECT subject FROM timer WHERE kind = 'agent_retry' AND due_at <= ?1";
        for row in change.tx.query(sql, vec![at.0.into()]).await? {
            let subject = row.text(0)?;
            assert!(timer::take(change.tx, TimerKind::AgentRetry, &subject, at).await?);
            agent::retry_is_due(&change, &subject).await?;
        }
        Ok::<_, StoreError>(())
    });
    due.unwrap();
}

#[tokio::test]
async fn an_agent_that_fails_with_three_beads_is_stuck_until_its_time_is_over() {
    let world = World::new().await;
    let id = world.agent("a").await.id;
    for (title, code) in [("1", "inner_loop"), ("2", "step_limit")] {
        let bead = world.bead(title).await.id;
        work(&world, &bead, &id, Some(code)).await;
        assert_eq!(look(&world, &id).await.status, AgentStatus::Idle);
    }
    let innocent = world.bead("x").await.id;
    work(&world, &innocent, &id, Some("lease_lost")).await;
    assert_eq!(look(&world, &id).await.status, AgentStatus::Idle);

    let third = world.bead("3").await.id;
    work(&world, &third, &id, Some("parse_failures")).await;
    let stuck = look(&world, &id).await;
    assert_eq!(
        (stuck.status, &stuck.current_run),
        (AgentStatus::Stuck, &None)
    );
    let reason = stuck.status_reason.unwrap();
    assert!(
        reason.contains("parse_failures") && reason.contains(&third),
        "{reason}"
    );
    let events = event::list_before(world.platform.database(), i64::MAX, &Default::default(), 20)
        .await
        .unwrap();
    let told = events
        .iter()
        .find(|event| event.kind == "agent.status_change")
        .unwrap();
    assert_eq!(told.data["old_status"], "busy");
    assert_eq!(told.data["new_status"], "stuck");
    assert_eq!(told.data["reason"], reason);

    let other = world.bead("4").await.id;
    assert_eq!(code(world.claim(&other, &id).await), "agent_stuck");
    wait(&world, STUCK_FOR - 60_000).await;
    assert_eq!(look(&world, &id).await.status, AgentStatus::Stuck);
    wait(&world, STUCK_FOR + 1).await;
    let free = look(&world, &id).await;
    assert_eq!((free.status, free.status_reason), (AgentStatus::Idle, None));

    // One chance: the next failure of its own is enough, and after that it is tried again.
    work(&world, &other, &id, Some("inner_loop")).await;
    assert_eq!(look(&world, &id).await.status, AgentStatus::Stuck);
    wait(&world, STUCK_FOR + 1).await;
    work(&world, &other, &id, None).await;
    for title in ["5", "6"] {
        let bead = world.bead(title).await.id;
        work(&world, &bead, &id, Some("inner_loop")).await;
    }
    assert_eq!(
        look(&world, &id).await.status,
        AgentStatus::Idle,
        "a success clears the record"
    );
}

#[tokio::test]
async fn one_bead_alone_makes_nobody_stuck() {
    let world = World::new().await;
    let id = world.agent("a").await.id;
    let bead = world.bead("hard").await.id;
    for _ in 0..3 {
        work(&world, &bead, &id, Some("inner_loop")).await;
    }
    assert_eq!(look(&world, &id).await.status, AgentStatus::Idle);
}

#[tokio::test]
async fn a_persona_that_cannot_be_used_makes_an_agent_stuck_at_once() {
    let world = World::new().await;
    let id = world.agent("a").await.id;
    let bead = world.bead("b").await.id;
    work(&world, &bead, &id, Some("persona_unusable")).await;
    let stuck = look(&world, &id).await;
    assert_eq!(stuck.status, AgentStatus::Stuck);
    assert_eq!(stuck.status_reason.as_deref(), Some("It went wrong."));
    write!(world, |change| agent::reset(&change, &stuck)).unwrap();
    assert_eq!(look(&world, &id).await.status, AgentStatus::Idle);
    let timers = "SELECT COUNT(*) FROM timer WHERE kind = 'agent_retry'";
    assert_eq!(world.count(timers).await, 0);

    // Another text may be all that it needs.
    work(&world, &bead, &id, Some("persona_unusable")).await;
    write!(world, |change| loom_store::persona::put(
        &change,
        "default/qa-engineer",
        "text"
    ))
    .unwrap();
    assert_eq!(look(&world, &id).await.status, AgentStatus::Stuck);
    write!(world, |change| loom_store::persona::put(
        &change,
        "default/engineering-manager",
        "text"
    ))
    .unwrap();
    assert_eq!(look(&world, &id).await.status, AgentStatus::Idle);
    assert_eq!(world.count(timers).await, 0);

    // A timer that comes late, or for somebody who is gone, does nothing.
    let bead = world.bead("c").await.id;
    work(&world, &bead, &id, Some("persona_unusable")).await;
    write!(world, |change| agent::delete(&change, &stuck)).unwrap();
    assert_eq!(world.count(timers).await, 0);
    let events = "SELECT COUNT(*) FROM event";
    let before = world.count(events).await;
    write!(world, |change| agent::retry_is_due(&change, &id)).unwrap();
    assert_eq!(world.count(events).await, before);
}

#[tokio::test]
async fn an_older_project_gets_its_chart_when_it_is_first_asked_for() {
    let world = World::new().await;
    let id = world.project.id.clone();
    let db = world.platform.database();
    assert_eq!(org_chart::find(db, &id).await.unwrap(), None);
    let made = write!(world, |change| org_chart::get_or_make(&change, &id)).unwrap();
    let again = write!(world, |change| org_chart::get_or_make(&change, &id)).unwrap();
    assert_eq!(made, again);
    assert_eq!(org_chart::find(db, &id).await.unwrap(), Some(made));
    let told = "SELECT COUNT(*) FROM event WHERE kind = 'org_chart.updated'";
    assert_eq!(world.count(told).await, 1);
    let nobody = write!(world, |change| org_chart::get_or_make(&change, "none"));
    assert_eq!(code(nobody), "project_not_found");
}

#[tokio::test]
async fn a_team_fills_the_chart_and_a_change_of_it_lasts() {
    let world = World::new().await;
    let project = world.project.clone();
    let roles = Profile::Startup.roles();
    let team = write!(world, |change| org_chart::found(
        &change, &project, &roles, 200
    ))
    .unwrap();
    assert_eq!(team.len(), 5);
    let db = world.platform.database();
    let chart = org_chart::find(db, &project.id).await.unwrap().unwrap();
    let filled = org_chart::filled(db, chart.clone()).await.unwrap();
    for seat in &filled.positions {
        let expected = i64::from(roles.contains(&seat.position.role));
        assert_eq!(
            seat.agents.len(),
            usize::try_from(expected).unwrap(),
            "{}",
            seat.position.role
        );
        let status = if expected == 1 || seat.is_person {
            PositionStatus::Filled
        } else {
            PositionStatus::Vacant
        };
        assert_eq!(seat.status, status, "{}", seat.position.role);
    }
    let mut wanted: Vec<PositionInput> = chart
        .positions
        .iter()
        .rev()
        .map(|position| PositionInput {
            role: position.role.to_string(),
            required: position.required,
            max_instances: position.max_instances,
            reports_to: position.reports_to.as_ref().map(ToString::to_string),
        })
        .collect();
    let qa = wanted
        .iter_mut()
        .find(|one| one.role == "qa-engineer")
        .unwrap();
    qa.max_instances = Some(1);
    let same = chart.clone();
    let changed = write!(world, |change| org_chart::change_positions(
        &change, same, &wanted
    ))
    .unwrap();
    assert_eq!(changed.version, 2);
    assert_eq!(changed.positions.first().unwrap().role, "housekeeping-bot");
    assert_eq!(
        org_chart::find(db, &project.id).await.unwrap(),
        Some(changed.clone())
    );

    let second = Agent {
        name: "QA two".to_owned(),
        ..team
            .iter()
            .find(|one| one.role == "qa-engineer")
            .unwrap()
            .clone()
    };
    let hired = write!(world, |change| org_chart::hire(
        &change,
        second.clone(),
        200
    ));
    assert_eq!(code(hired), "max_instances_reached");
    let manager = team
        .iter()
        .find(|one| one.role == "engineering-manager")
        .unwrap();
    let moved = Agent {
        role: "qa-engineer".to_owned(),
        ..manager.clone()
    };
    let moving = write!(world, |change| org_chart::may_move(
        &change, manager, &moved
    ));
    assert_eq!(code(moving), "max_instances_reached");
    let full = write!(world, |change| org_chart::hire(&change, second, 5));
    assert_eq!(code(full), "max_agents_reached");
    assert_eq!(world.count("SELECT COUNT(*) FROM agent").await, 5);

    // The chart goes with its project.
    write!(world, |change| loom_store::project::delete(
        &change,
        &project.id
    ))
    .unwrap();
    assert_eq!(world.count("SELECT COUNT(*) FROM org_position").await, 0);
}

#[tokio::test]
async fn a_team_that_its_project_can_never_have_is_refused_by_field() {
    let world = World::new().await;
    let project = world.project.clone();
    let roles = |text: &str| vec![Role::parse(text).unwrap(); 2];
    let refused = write!(world, |change| org_chart::found(
        &change,
        &project,
        &roles("cfo"),
        200
    ));
    let StoreError::Refused(refusal) = refused.unwrap_err() else {
        panic!("not a refusal");
    };
    assert_eq!(refusal.code, "invalid_fields");
    assert!(refusal.fields.contains_key("team[1]"), "{refusal:?}");
    let small = loom_domain::project::Project {
        max_agents: 1,
        ..project.clone()
    };
    write!(world, |change| loom_store::project::update(
        &change,
        small.clone(),
        loom_domain::event::EventKind::ProjectUpdated
    ))
    .unwrap();
    let refused = write!(world, |change| org_chart::found(
        &change,
        &small,
        &roles("qa"),
        200
    ));
    let StoreError::Refused(refusal) = refused.unwrap_err() else {
        panic!("not a refusal");
    };
    assert!(refusal.fields.contains_key("max_agents"), "{refusal:?}");
    assert_eq!(world.count("SELECT COUNT(*) FROM agent").await, 0);
}
