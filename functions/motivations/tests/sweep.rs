//! What a sweep does and what keeps it within bounds.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a broken assumption of a test should stop it at once"
)]

mod world;

use std::collections::BTreeMap;

use loom_api::testing::call;
use loom_domain::{
    bead::{BeadInput, BeadStatus},
    event::{EventKind, NewEvent},
    motivation::{BreakerState, Caps, HISTORY_KEPT, MAX_FIRED_PER_SWEEP, MAX_WAITING},
    time::{DAY, MINUTE, Timestamp},
};
use loom_platform::{Platform, Statements, body_from, read_body};
use loom_store::{bead, motivation, project};
use serde_json::{Value, json};
use world::World;

fn every(minutes: i64) -> Value {
    json!({
        "condition": "scheduled_interval", "parameters": {"minutes": minutes}, "cooldown_minutes": 0,
        "bead_template": {"title": "Look"},
    })
}

async fn sweep(world: &World) -> Value {
    let answer = call("POST", "/internal/sweep")
        .send(&world.platform, loom_motivations::handle)
        .await;
    assert_eq!(answer.status, 200);
    answer.json()
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_sweeps_at_once_one_is_carried_out_and_it_nudges_the_dispatcher() {
    let world = World::new().await;
    world.quiet().await;
    assert!(motivation::is_due(world.platform.database()).await.unwrap());
    let own = world.motivation(world.start, every(60)).await;
    let mut tasks = Vec::new();
    for _ in 0..8 {
        let platform = world.platform.clone();
        tasks.push(tokio::spawn(async move {
            let request = http::Request::post("/internal/sweep")
                .body(body_from(""))
                .unwrap();
            let answer = loom_motivations::handle(&platform, request).await;
            let body = read_body(answer.into_body(), 10_000).await.unwrap();
            serde_json::from_slice::<Value>(&body).unwrap()
        }));
    }
    let mut due = 0;
    for task in tasks {
        let report = task.await.unwrap();
        due += usize::from(report["was_due"] == true);
    }
    assert_eq!(due, 1);
    assert_eq!(world.told(&own.id).await, ["fired 1"]);
    assert_eq!(world.nudges().await, 1);
    assert!(!motivation::is_due(world.platform.database()).await.unwrap());
    assert_eq!(sweep(&world).await["was_due"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn passes_that_run_at_the_same_time_fire_once() {
    let world = World::new().await;
    world.quiet().await;
    let mut ids = Vec::new();
    for number in 0..5 {
        let mut body = every(60);
        if number % 2 == 0 {
            body["bead_template"] = Value::Null;
        }
        ids.push(world.motivation(world.start, body).await.id);
    }
    let mut tasks = Vec::new();
    for _ in 0..6 {
        let (platform, now) = (world.platform.clone(), world.after(1));
        tasks.push(tokio::spawn(async move {
            loom_motivations::pass(&platform, now)
                .await
                .unwrap()
                .fired
                .len()
        }));
    }
    let mut fired = 0;
    for task in tasks {
        fired += task.await.unwrap();
    }
    assert_eq!(fired, ids.len());
    for id in ids {
        assert_eq!(world.told(&id).await, ["fired 1"]);
        assert_eq!(world.read(&id).await.trigger_count, 1);
    }
}

#[tokio::test]
async fn a_sweep_with_nothing_due_writes_nothing() {
    let world = World::new().await;
    let changes = "SELECT total_changes()";
    let fresh = world.count(changes).await;
    world.pass(world.start).await;
    world.pass(world.after(1)).await;
    world.pass(world.after(2)).await;
    let before = world.count(changes).await;
    assert!(before > fresh, "the first ones wrote");
    let report = world.pass(world.after(3)).await;
    assert_eq!(report.fired, Vec::<String>::new());
    assert!(report.looked_at > 10, "{report:?}");
    assert_eq!(world.count(changes).await, before);
}

#[tokio::test]
async fn each_project_gets_the_defaults_once_and_what_is_disabled_stays_so() {
    let world = World::new().await;
    let made = world.pass(world.start).await.adopted;
    assert!(made > 20, "{made}");
    assert_eq!(world.pass(world.start).await.adopted, 0);
    let id = format!("ceo-decision-pending.{}", world.project.id);
    at!(world, world.start, "ann", |change| motivation::disable(
        &change, &id
    ));
    world.another_project("Other").await;
    assert_eq!(world.pass(world.after(1)).await.adopted, made);
    assert_eq!(world.read(&id).await.status.as_str(), "disabled");
    let perpetual = "SELECT COUNT(*) FROM motivation WHERE is_perpetual = 1";
    assert_eq!(world.count(perpetual).await, 0, "they are opt-in");
    let filing = "SELECT COUNT(*) FROM motivation WHERE bead_template IS NOT NULL AND kind IN ('interval', 'idle')";
    assert_eq!(world.count(filing).await, 0);
}

#[tokio::test]
async fn missed_occurrences_are_recorded_once_and_not_replayed() {
    let world = World::new().await;
    world.quiet().await;
    let own = world.motivation(world.start, every(60)).await;
    world.pass(world.start).await;
    let filed = world.history(&own.id).await[0].bead_id.clone().unwrap();
    world
        .set_status(world.after(1), &filed, BeadStatus::Closed)
        .await;
    // Nobody looks for ten hours and a bit.
    world.pass(world.after(601)).await;
    let mut told = world.told(&own.id).await;
    told.sort();
    assert_eq!(told, ["fired 1", "fired 1", "missed 9"]);
    let next = world.read(&own.id).await.next_fire_at.unwrap();
    assert_eq!(next, world.after(660), "in step");
    world.pass(world.after(602)).await;
    assert_eq!(world.told(&own.id).await.len(), 3);
}

#[tokio::test]
async fn an_occurrence_within_the_cooldown_is_recorded() {
    let world = World::new().await;
    world.quiet().await;
    let mut body = every(10);
    body["cooldown_minutes"] = json!(15);
    let own = world.motivation(world.start, body).await;
    world.pass(world.start).await;
    world.pass(world.after(10)).await;
    assert_eq!(world.told(&own.id).await, ["cooldown 1", "fired 1"]);
}

#[tokio::test]
async fn while_its_bead_is_open_it_files_no_other_and_loses_nothing() {
    let world = World::new().await;
    world.quiet().await;
    let body = json!({
        "condition": "github_pr_opened", "cooldown_minutes": 5, "bead_template": {"title": "Review"},
    });
    let own = world.motivation(world.start, body).await;
    let opened = |number: i64| {
        NewEvent::new(EventKind::GithubPrOpened)
            .with("pr_number", number)
            .with("pr_title", "T")
    };
    world.event(world.after(1), opened(1)).await;
    let filed = world.pass(world.after(2)).await.filed;
    assert_eq!(filed.len(), 1);
    for number in 2..5 {
        world.event(world.after(3), opened(number)).await;
    }
    for minute in 8..200 {
        assert_eq!(world.pass(world.after(minute)).await.filed.len(), 0);
    }
    assert_eq!(
        world.told(&own.id).await,
        ["skipped 3", "fired 1"],
        "the same again is recorded once"
    );
    world
        .set_status(world.after(200), &filed[0], BeadStatus::Closed)
        .await;
    let mut again = Vec::new();
    for minute in 201..260 {
        again.extend(world.pass(world.after(minute)).await.filed);
    }
    assert_eq!(again.len(), 1, "one bead for all that waited");
    let text = world.bead(&again[0]).await.description;
    for number in 2..5 {
        assert!(text.contains(&format!("pull request #{number}")), "{text}");
    }
}

#[tokio::test]
async fn what_waits_is_bounded() {
    let world = World::new().await;
    world.quiet().await;
    let body = json!({"condition": "github_comment_added", "cooldown_minutes": 5});
    let own = world.motivation(world.start, body).await;
    let sql = "UPDATE motivation SET not_before = ?2 WHERE id = ?1";
    let later = world.after(30).0;
    world.sql(sql, vec![(&own.id).into(), later.into()]).await;
    for _ in 0..MAX_WAITING + 7 {
        world
            .event(world.after(1), NewEvent::new(EventKind::GithubCommentAdded))
            .await;
    }
    world.pass(world.after(2)).await;
    assert_eq!(world.told(&own.id).await, ["missed 7"]);
    world.pass(world.after(31)).await;
    assert_eq!(world.told(&own.id).await[0], format!("fired {MAX_WAITING}"));
    let waiting = "SELECT COUNT(*) FROM motivation_occurrence WHERE handled_at IS NULL";
    assert_eq!(world.count(waiting).await, 0);
}

#[tokio::test]
async fn the_most_urgent_fire_first_and_the_others_in_the_next_sweep() {
    let world = World::new().await;
    world.quiet().await;
    let mut by_priority = BTreeMap::new();
    for number in 0..14 {
        let mut body = every(600);
        body["priority"] = json!(number);
        by_priority.insert(number, world.motivation(world.start, body).await.id);
    }
    let first = world.pass(world.after(1)).await;
    assert_eq!(first.fired.len(), MAX_FIRED_PER_SWEEP);
    assert_eq!(first.left, 4);
    let urgent: Vec<&String> = by_priority.values().rev().take(10).collect();
    assert_eq!(first.fired.iter().collect::<Vec<_>>(), urgent);
    let second = world.pass(world.after(2)).await;
    assert_eq!(second.fired.len(), 4);
}

#[tokio::test]
async fn the_breaker_opens_half_opens_and_closes_and_is_visible() {
    let world = World::new().await;
    world.quiet().await;
    let own = world.motivation(world.start, every(30)).await;
    let mut minute = 0;
    for failures in 1..=3 {
        let filed = world.pass(world.after(minute)).await.filed;
        assert_eq!(filed.len(), 1, "{failures}");
        world.exhaust(world.after(minute + 1), &filed[0]).await;
        world.pass(world.after(minute + 2)).await;
        assert_eq!(world.read(&own.id).await.breaker.failures, failures);
        world
            .set_status(world.after(minute + 3), &filed[0], BeadStatus::Closed)
            .await;
        minute += 30;
    }
    let shown = world.get(&format!("/api/v1/motivations/{}", own.id)).await;
    assert_eq!(shown.json()["breaker"]["state"], "open");
    assert_eq!(shown.json()["breaker"]["wait_ms"], 3_600_000);
    // It opened two minutes after the third firing, for an hour.
    while minute < 120 {
        assert_eq!(world.pass(world.after(minute)).await.filed.len(), 0);
        minute += 10;
    }
    assert_eq!(world.told(&own.id).await[0], "breaker_open 1");
    let mut trial = Vec::new();
    while trial.is_empty() && minute < 300 {
        trial = world.pass(world.after(minute)).await.filed;
        minute += 10;
    }
    let breaker = world.read(&own.id).await.breaker;
    assert_eq!(breaker.state, BreakerState::HalfOpen);
    world
        .set_status(world.after(minute), &trial[0], BeadStatus::Closed)
        .await;
    world.pass(world.after(minute + 1)).await;
    assert_eq!(
        world.read(&own.id).await.breaker.state,
        BreakerState::Closed
    );
    let rows = world.history(&own.id).await;
    let outcomes: Vec<&str> = rows
        .iter()
        .filter_map(|row| row.outcome.as_deref())
        .collect();
    assert_eq!(outcomes, ["succeeded", "failed", "failed", "failed"]);
}

#[tokio::test]
async fn each_way_in_which_a_bead_ends_is_told_from_the_others() {
    let world = World::new().await;
    world.quiet().await;
    let own = world.motivation(world.start, every(30)).await;
    let mut minute = 0;
    for (reason, expected, failures) in [
        ("workflow_failed: Feature ended with failure", "failed", 1),
        ("deleted", "withdrawn", 1),
        ("done", "succeeded", 0),
    ] {
        let filed = world.pass(world.after(minute)).await.filed;
        let found = world.bead(&filed[0]).await;
        let now = world.after(minute + 1);
        if reason == "deleted" {
            at!(world, now, "ann", |change| bead::delete(&change, &found));
        } else {
            at!(world, now, "ann", |change| bead::change_status(
                &change,
                &found,
                BeadStatus::Closed,
                reason
            ));
        }
        world.pass(world.after(minute + 2)).await;
        assert_eq!(
            world.history(&own.id).await[0].outcome.as_deref(),
            Some(expected)
        );
        assert_eq!(
            world.read(&own.id).await.breaker.failures,
            failures,
            "{reason}"
        );
        minute += 30;
    }
}

#[tokio::test]
async fn a_project_is_deleted_with_its_motivations_and_what_they_said() {
    let world = World::new().await;
    world.pass(world.start).await;
    let messages = "SELECT COUNT(*) FROM message";
    assert!(world.count(messages).await > 0);
    let id = world.project.id.clone();
    at!(world, world.after(1), "ann", |change| project::delete(
        &change, &id
    ));
    for table in [
        "motivation",
        "motivation_trigger",
        "motivation_occurrence",
        "message",
    ] {
        let sql = format!("SELECT COUNT(*) FROM {table}");
        assert_eq!(world.count(&sql).await, 0, "{table}");
    }
}

#[tokio::test]
async fn a_refused_bead_counts_as_a_failure() {
    let world = World::new().await;
    world.quiet().await;
    let own = world.motivation(world.start, every(5)).await;
    // What no input could have: the bead itself refuses it.
    let sql = "UPDATE motivation SET bead_template = json_set(bead_template, '$.type', 'No Word') WHERE id = ?1";
    world.sql(sql, vec![(&own.id).into()]).await;
    for minute in 0..40 {
        assert_eq!(world.pass(world.after(minute)).await.filed.len(), 0);
    }
    let told = world.told(&own.id).await;
    assert_eq!(told, ["breaker_open 1", "error 1", "error 1", "error 1"]);
    assert_eq!(world.read(&own.id).await.breaker.state, BreakerState::Open);
    assert_eq!(world.read(&own.id).await.trigger_count, 0);
}

#[tokio::test]
async fn a_closed_project_has_no_motivations_at_work() {
    let world = World::new().await;
    world.quiet().await;
    world.motivation(world.start, every(60)).await;
    world
        .sql("UPDATE project SET status = 'closed'", vec![])
        .await;
    assert_eq!(world.pass(world.after(1)).await.looked_at, 0);
}

#[tokio::test]
async fn the_newest_thousand_rows_of_history_are_kept() {
    let world = World::new().await;
    world.quiet().await;
    let own = world
        .motivation(
            world.start,
            json!({"condition": "scheduled_interval", "parameters": {"minutes": 5}, "cooldown_minutes": 0}),
        )
        .await;
    let sql = "INSERT INTO motivation_trigger (id, motivation_id, project_id, result, reason, is_manual, occurrences, \
               woken, created_at) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1200) \
               SELECT 'old' || i, ?1, ?2, 'fired', '', 0, 1, 0, i FROM n";
    world
        .sql(sql, vec![(&own.id).into(), (&world.project.id).into()])
        .await;
    world.pass(world.after(1)).await;
    let rows = world.history(&own.id).await;
    assert_eq!(i64::try_from(rows.len()).unwrap(), HISTORY_KEPT);
    assert!(
        rows[0].id.len() > 30,
        "the newest is the one that fired now"
    );
    assert_eq!(rows.last().unwrap().id, "old202");
}

/// For a week every bead that motivations file fails, and somebody closes it soon, so that it stands in nobody's way.
#[tokio::test(flavor = "multi_thread")]
async fn i9_the_caps_hold_in_a_simulated_week_in_which_every_run_fails() {
    let world = World::new().await;
    world.quiet().await;
    let mut projects = vec![world.project.id.clone()];
    for number in 1..5 {
        projects.push(world.another_project(&format!("P{number}")).await.id);
    }
    world.pass(world.start).await;
    let sql = "UPDATE motivation SET status = 'disabled' WHERE built_in IS NOT NULL";
    world.sql(sql, vec![]).await;
    for project in &projects {
        for number in 0..30 {
            let mut body = if number % 3 == 0 {
                json!({"condition": "bead_completed", "bead_template": {"title": "Look again"}})
            } else {
                every(5 + number)
            };
            body["cooldown_minutes"] = json!(number % 4);
            body["project_id"] = json!(project);
            world.motivation(world.start, body).await;
        }
    }
    let mut open: Vec<String> = Vec::new();
    let mut now = world.start;
    while now.0 < world.start.0 + 7 * DAY {
        let report = world.pass(now).await;
        assert!(report.fired.len() <= MAX_FIRED_PER_SWEEP);
        let failed = std::mem::replace(&mut open, report.filed);
        for id in &failed {
            world.set_status(now, id, BeadStatus::Closed).await;
        }
        for id in &open {
            world.exhaust(now, id).await;
        }
        // A person's bead is done now and then, for the motivations that look at those.
        if now.0 % (60 * MINUTE) < 20 * MINUTE {
            let done = world.file(now, BeadInput::default()).await;
            world.set_status(now, &done.id, BeadStatus::Closed).await;
        }
        now = Timestamp(now.0 + 20 * MINUTE);
    }
    let caps = Caps::IN_FORCE;
    let day = "created_at / 86400000";
    let by_system = "FROM bead WHERE fingerprint LIKE 'motivation:%'";
    for (most, group) in [
        (caps.filed, day.to_owned()),
        (caps.filed_in_project, format!("{day}, project_id")),
    ] {
        let sql = format!("SELECT MAX(n) FROM (SELECT COUNT(*) AS n {by_system} GROUP BY {group})");
        let filed = world.count(&sql).await;
        assert!(filed <= most, "{filed} by {group}");
        assert_eq!(
            filed, most,
            "the first day reaches the cap, or this proves nothing"
        );
    }
    let sql = format!("SELECT MAX(n) FROM (SELECT COUNT(*) AS n {by_system} GROUP BY fingerprint)");
    assert!(
        world.count(&sql).await <= 3 + 5 + 6,
        "three, then ever more seldom"
    );
    let sql = format!(
        "SELECT COUNT(*) {by_system} AND created_at > {}",
        now.0 - DAY
    );
    assert!(
        world.count(&sql).await <= 150,
        "at most one a motivation on the last day"
    );
    let root_of_root = format!("SELECT COUNT(*) {by_system} AND cause_depth > 1");
    assert_eq!(world.count(&root_of_root).await, 0);
    let hidden = bead::count_by_status(world.platform.database())
        .await
        .unwrap();
    assert!(!hidden.is_empty());
    let states = world
        .platform
        .database()
        .query(
            "SELECT DISTINCT breaker FROM motivation WHERE status = 'active'",
            vec![],
        )
        .await
        .unwrap();
    assert!(states.iter().any(|row| row.text(0).unwrap() == "open"));
}
