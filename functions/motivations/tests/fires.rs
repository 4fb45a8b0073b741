//! Every shipped motivation, and every condition, fires from what the store really holds.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a broken assumption of a test should stop it at once"
)]

mod world;

use loom_domain::{
    bead::{BeadInput, BeadStatus},
    decision::{DecisionKind, NewDecision},
    event::{EventKind, NewEvent},
    motivation::{Condition, Motivation, built_in},
    role::Role,
    run::{EndReason, RetryPolicy},
    time::{DAY, Timestamp},
};
use loom_store::{decision, motivation, run};
use serde_json::{Value, json};
use world::World;

/// Makes the condition true after the start of the world, and says when to look.
async fn make_true(world: &World, motivation: &Motivation) -> Timestamp {
    let (name, parameters) = motivation.condition.parts();
    let wanted = |field: &str| parameters["bead"][field].as_str().map(str::to_owned);
    let bead = || BeadInput {
        kind: wanted("type"),
        tags: wanted("tag").map(|tag| vec![tag]),
        ..BeadInput::default()
    };
    let soon = world.after(1);
    let happens = |kind: EventKind, data: Value| {
        let event = data
            .as_object()
            .unwrap()
            .iter()
            .fold(NewEvent::new(kind), |event, (name, value)| {
                event.with(name, value.clone())
            });
        world.event(soon, event)
    };
    match name.as_str() {
        "time_reached" | "scheduled_interval" | "quarter_boundary" | "month_boundary" => {
            return motivation.next_fire_at.unwrap();
        }
        "deadline_approach" | "deadline_passed" => {
            let due = if name == "deadline_passed" {
                world.start
            } else {
                Timestamp(world.start.0 + DAY)
            };
            let input = BeadInput {
                due_at: Some(Some(due)),
                ..bead()
            };
            world.file(soon, input).await;
            return world.after(7);
        }
        "bead_created" => {
            world.file(soon, bead()).await;
        }
        "bead_completed" => {
            let filed = world.file(soon, bead()).await;
            world.set_status(soon, &filed.id, BeadStatus::Closed).await;
        }
        "bead_status_changed" => {
            let filed = world.file(soon, bead()).await;
            world
                .set_status(soon, &filed.id, BeadStatus::InProgress)
                .await;
        }
        "decision_pending" | "decision_resolved" => {
            let held = world.file(soon, bead()).await;
            let new = NewDecision::new(DecisionKind::Escalation, "test", "Merge it?");
            at!(world, soon, "ann", |change| decision::ask(
                &change, &held, &new, ""
            ))
            .unwrap();
            if name == "decision_resolved" {
                at!(world, soon, "ann", |change| decision::answer_all(
                    &change, &held.id, "approve", "fine"
                ));
            }
            return world.after(12);
        }
        "release_published" => {
            happens(EventKind::ReleasePublished, json!({"release_tag": "v1"})).await;
        }
        "github_issue_opened" => {
            happens(EventKind::GithubIssueOpened, json!({"issue_number": 1})).await;
        }
        "github_comment_added" => {
            happens(EventKind::GithubCommentAdded, json!({"author": "eve"})).await;
        }
        "github_pr_opened" => {
            happens(EventKind::GithubPrOpened, json!({"pr_number": 2})).await;
        }
        "webhook_received" => {
            happens(EventKind::WebhookReceived, json!({"event": "ping"})).await;
        }
        "cost_exceeded" => {
            let sql = "INSERT INTO usage (run_id, step, bead_id, project_id, agent_id, provider_id, model_given, \
                       prompt_tokens, completion_tokens, cost_micro_usd, is_estimated, latency_ms, day, created_at) \
                       VALUES ('r', 1, 'b', ?1, 'a', 'p', 'm', 1, 1, 10000001, 0, 1, ?2, ?3)";
            let values = vec![
                (&world.project.id).into(),
                world.start.day().into(),
                world.start.0.into(),
            ];
            world.sql(sql, values).await;
            return world.start;
        }
        "coverage_dropped" => tests_ran(world, false, "TOTAL 100 21 79%").await,
        "test_failure" => tests_ran(world, true, "1 failed").await,
        "velocity_drop" => {
            for (days, closed) in [(10, 5), (1, 1)] {
                let then = Timestamp(world.start.0 - days * DAY);
                for _ in 0..closed {
                    let filed = world.file(then, bead()).await;
                    world.set_status(then, &filed.id, BeadStatus::Closed).await;
                }
            }
            return world.after(65);
        }
        "system_idle" | "project_idle" => return world.after(61),
        "agent_idle" => {
            world.agent(soon, "A", &motivation.role).await;
            return world.after(10);
        }
        other => panic!("no facts for {other}"),
    }
    world.after(2)
}

/// A run that tests and ends, journalled as agents' runs are.
async fn tests_ran(world: &World, failed: bool, output: &str) {
    let soon = world.after(1);
    let bead = world.file(soon, BeadInput::default()).await;
    let agent = world.agent(soon, "Tester", "engineering-manager").await;
    let claim = run::Claim {
        bead_id: &bead.id,
        agent_id: &agent.id,
        hand_over_ms: 60_000,
    };
    let run_id = at!(world, soon, "ann", |change| run::claim(&change, claim)).run_id;
    let hold = at!(world, soon, "ann", |change| run::lease(
        &change, &run_id, 60_000
    ))
    .hold;
    let sql = "INSERT INTO step (run_id, number, status, reserved_micro_usd, reply, provider_id, started_at) \
               VALUES (?1, 1, 'replied', 0, '{}', 'p', ?2)";
    world.sql(sql, vec![(&run_id).into(), soon.0.into()]).await;
    let record = run::ActionRecord {
        step: 1,
        position: 0,
        name: "test".to_owned(),
        action: json!({"action": "test"}),
        fingerprint: "test".to_owned(),
        status: if failed { "error" } else { "ok" }.to_owned(),
        code: failed.then(|| "tests_failed".to_owned()),
        result: json!({ "text": output }),
        created_at: soon,
    };
    at!(world, soon, "ann", |change| run::record_action(
        &change, &hold, &record
    ));
    assert!(
        world.pass(soon).await.held.is_empty(),
        "while the run works, its tests are its own"
    );
    at!(world, soon, "ann", |change| run::end(
        &change,
        &hold,
        EndReason::DoneWithoutChange,
        RetryPolicy { first_wait: 0 },
        None
    ));
}

/// Looks until `id` fires; at most ten fire at once, and others may be due as well.
async fn fires(world: &World, id: &str, when: Timestamp) -> bool {
    for _ in 0..6 {
        if world.pass(when).await.fired.iter().any(|fired| fired == id) {
            return true;
        }
    }
    false
}

#[tokio::test(flavor = "multi_thread")]
async fn every_shipped_motivation_fires_for_its_reason_and_only_then() {
    for template in built_in::all() {
        let world = World::new().await;
        world.quiet().await;
        let project = Some(world.project.id.as_str());
        let own = at!(world, world.start, "ann", |change| motivation::enable(
            &change,
            template.id,
            project
        ));
        if template.condition != "scheduled_interval" {
            assert!(!fires(&world, &own.id, world.start).await, "{}", own.id);
        }
        let when = make_true(&world, &own).await;
        assert!(fires(&world, &own.id, when).await, "{}", own.id);
        assert!(
            !fires(&world, &own.id, when).await,
            "{} fired twice for the same",
            own.id
        );
        did_what_it_says(&world, &own).await;
    }
}

async fn did_what_it_says(world: &World, own: &Motivation) {
    let history = world.history(&own.id).await;
    let trigger = history.last().unwrap();
    assert_eq!(trigger.result.as_str(), "fired");
    assert!(!trigger.reason.is_empty());
    assert_eq!(trigger.bead_id.is_some(), own.bead_template.is_some());
    if let Some(id) = &trigger.bead_id {
        let bead = world.bead(id).await;
        assert_eq!(bead.fingerprint, Some(format!("motivation:{}", own.id)));
        assert_eq!(bead.wanted_role.as_ref(), Some(&own.role));
        assert!(bead.description.contains(&trigger.reason));
        let tags = &own.bead_template.as_ref().unwrap().tags;
        assert!(tags.iter().all(|tag| bead.tags.contains(tag)));
    }
    let sql = format!(
        "SELECT COUNT(*) FROM message WHERE from_agent = 'motivation:{}' AND to_role = '{}'",
        own.id, own.role
    );
    let is_seat = Role::parse(&own.role).unwrap().is_human_seat();
    let expected = i64::from(own.wake_agent && !is_seat);
    assert_eq!(world.count(&sql).await, expected, "{}", own.id);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_condition_fires_for_a_motivation_made_by_hand() {
    for name in Condition::NAMES.iter().flat_map(|(_, names)| names.iter()) {
        let world = World::new().await;
        world.quiet().await;
        let parameters = match *name {
            "time_reached" => json!({ "at": world.after(90) }),
            "scheduled_interval" => json!({"minutes": 60}),
            "cost_exceeded" => json!({"period": "month", "threshold_micro_usd": 10_000_000}),
            _ => json!({}),
        };
        let body = json!({
            "condition": name, "parameters": parameters, "bead_template": {"title": "Look"},
        });
        let own = world.motivation(world.start, body).await;
        let when = make_true(&world, &own).await;
        assert!(fires(&world, &own.id, when).await, "{name}");
        did_what_it_says(&world, &own).await;
    }
}
