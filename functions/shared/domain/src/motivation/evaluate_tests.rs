use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::time::{DAY, MINUTE, SECOND};

pub(super) fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn now() -> Timestamp {
    at("2026-11-24T12:00:00Z")
}

/// An active motivation of the project `p` with that condition.
pub(super) fn motivation(condition: &str, parameters: serde_json::Value) -> Motivation {
    let input: MotivationInput = serde_json::from_value(json!({
        "name": condition, "condition": condition, "parameters": parameters, "role": "qa-engineer",
        "project_id": "p", "cooldown_minutes": 10,
    }))
    .unwrap();
    let mut made = input.create(Timestamp(now().0 - DAY)).unwrap();
    made.id = format!("m-{condition}");
    made
}

fn later(minutes: i64) -> Timestamp {
    Timestamp(now().0 + minutes * MINUTE)
}

fn is_due(motivation: &Motivation, facts: &Facts) -> bool {
    matches!(evaluate(motivation, facts, now()), Verdict::Due(_))
}

fn due_bead(id: &str, due_at: Timestamp) -> DueBead {
    DueBead {
        id: id.into(),
        project_id: "p".into(),
        title: "t".into(),
        kind: "task".into(),
        tags: vec!["v1".into()],
        due_at,
        is_system_filed: false,
    }
}

#[test]
fn deadlines_are_due_once_each_and_again_when_they_move() {
    let approach = motivation("deadline_approach", json!({"days": 7}));
    let passed = motivation("deadline_passed", json!({}));
    for (due_at, approaches, is_over) in [
        (later(-1), false, true),
        (later(1), true, false),
        (later(7 * 24 * 60), true, false),
        (later(7 * 24 * 60 + 1), false, false),
    ] {
        let facts = Facts {
            due_beads: vec![due_bead("b-1", due_at)],
            ..Facts::default()
        };
        assert_eq!(is_due(&approach, &facts), approaches, "{due_at:?}");
        assert_eq!(is_due(&passed, &facts), is_over, "{due_at:?}");
    }
    let mut facts = Facts {
        due_beads: vec![due_bead("b-1", later(60))],
        ..Facts::default()
    };
    let Verdict::Due(due) = evaluate(&approach, &facts, now()) else {
        panic!("it is due")
    };
    assert_eq!(due.occurrences[0].bead_id.as_deref(), Some("b-1"));
    let keys: BTreeSet<String> = due.occurrences.into_iter().map(|one| one.key).collect();
    facts.handled.insert(approach.id.clone(), keys);
    assert!(!is_due(&approach, &facts), "it was handled");
    facts.due_beads.push(due_bead("b-2", later(90)));
    let Verdict::Due(due) = evaluate(&approach, &facts, now()) else {
        panic!("another is due")
    };
    assert_eq!(due.occurrences.len(), 1, "only what is new");
    facts.due_beads = vec![due_bead("b-1", later(120))];
    assert!(is_due(&approach, &facts), "its deadline was moved");
    facts.due_beads[0].project_id = "other".into();
    assert!(!is_due(&approach, &facts));
    let tagged = motivation("deadline_approach", json!({"bead": {"tag": "v2"}}));
    facts.due_beads[0].project_id = "p".into();
    assert!(!is_due(&tagged, &facts));
    let mut files = approach;
    files.bead_template = Some(serde_json::from_value(json!({"title": "t"})).unwrap());
    facts.due_beads[0].is_system_filed = true;
    assert!(
        !is_due(&files, &facts),
        "nothing is filed about what Loom filed"
    );
}

#[test]
fn thresholds() {
    let cost = motivation(
        "cost_exceeded",
        json!({"period": "week", "threshold_micro_usd": 1_000_000}),
    );
    let spent = |day: &str, micro_usd| Spending {
        project_id: "p".into(),
        day: day.into(),
        micro_usd,
    };
    let mut facts = Facts {
        // 2026-11-23 is a Monday.
        spending: vec![spent("2026-11-22", 5_000_000), spent("2026-11-23", 600_000)],
        ..Facts::default()
    };
    assert!(!is_due(&cost, &facts));
    facts.spending.push(spent("2026-11-24", 400_001));
    let Verdict::Due(due) = evaluate(&cost, &facts, now()) else {
        panic!("it is due")
    };
    assert_eq!(
        due.reason,
        "1.00 US dollars were spent this week, more than 1.00."
    );

    let report = |run: &str, failed, coverage, hours: i64| TestReport {
        run_id: run.into(),
        project_id: "p".into(),
        bead_id: "b".into(),
        failed,
        coverage_permille: coverage,
        at: later(-60 * hours),
    };
    let coverage = motivation("coverage_dropped", json!({"below_percent": 80}));
    let failure = motivation("test_failure", json!({}));
    let mut facts = Facts {
        tests: vec![
            report("r1", true, Some(799), 30),
            report("r2", false, Some(800), 2),
        ],
        ..Facts::default()
    };
    assert!(!is_due(&coverage, &facts), "the newest counts");
    assert!(!is_due(&failure, &facts), "that was more than a day ago");
    facts.tests.push(report("r3", true, None, 1));
    assert!(is_due(&failure, &facts));
    assert!(!is_due(&coverage, &facts), "it told no coverage");
    facts.tests.push(report("r4", false, Some(799), 0));
    assert!(is_due(&coverage, &facts));

    let velocity = motivation("velocity_drop", json!({"percent": 20, "at_least": 5}));
    for (week_before, last_week, expected) in [
        (10, 8, true),
        (10, 9, false),
        (4, 0, false),
        (5, 4, true),
        (5, 5, false),
    ] {
        let facts = Facts {
            closed: vec![ClosedBeads {
                project_id: "p".into(),
                last_week,
                week_before,
            }],
            ..Facts::default()
        };
        assert_eq!(
            is_due(&velocity, &facts),
            expected,
            "{week_before} {last_week}"
        );
    }
}

#[test]
fn idle_times_are_due_once_each() {
    let system = motivation("system_idle", json!({"minutes": 30}));
    let project = motivation("project_idle", json!({"minutes": 15}));
    let agent = motivation("agent_idle", json!({"minutes": 5}));
    let mut facts = Facts {
        last_activity_of_all: Some(later(-30)),
        agents: vec![AgentAtRest {
            id: "a".into(),
            name: "A".into(),
            role: "qa-engineer".into(),
            project_id: None,
            since: later(-5),
        }],
        ..Facts::default()
    };
    facts.last_activity.insert("p".into(), later(-15));
    for one in [&system, &project, &agent] {
        assert!(is_due(one, &facts), "{}", one.id);
        assert_eq!(
            evaluate(one, &facts, Timestamp(now().0 - 1)),
            Verdict::NotDue,
            "{}",
            one.id
        );
    }
    let Verdict::Due(due) = evaluate(&system, &facts, now()) else {
        panic!("it is due")
    };
    let keys = due.occurrences.into_iter().map(|one| one.key).collect();
    facts.handled.insert(system.id.clone(), keys);
    assert_eq!(evaluate(&system, &facts, later(600)), Verdict::NotDue);
    facts.last_activity_of_all = Some(later(-29));
    assert_eq!(evaluate(&system, &facts, now()), Verdict::NotDue);
    assert!(
        matches!(evaluate(&system, &facts, later(1)), Verdict::Due(_)),
        "another idle time"
    );
    facts.live_projects.insert("p".into());
    assert_eq!(evaluate(&system, &facts, later(60)), Verdict::NotDue);
    assert_eq!(evaluate(&project, &facts, later(60)), Verdict::NotDue);
    facts.agents[0].role = "cfo".into();
    assert!(!is_due(&agent, &facts));
    let nothing_ever = Facts::default();
    assert!(!is_due(&system, &nothing_ever));
}

#[test]
fn decisions_that_wait() {
    let pending = motivation("decision_pending", json!({"minutes": 10}));
    let mut facts = Facts {
        decisions: vec![OpenDecision {
            id: "d".into(),
            project_id: Some("p".into()),
            question: "Merge\nit?".into(),
            bead_id: None,
            created_at: later(-10),
        }],
        ..Facts::default()
    };
    let Verdict::Due(due) = evaluate(&pending, &facts, now()) else {
        panic!("it is due")
    };
    assert_eq!(due.reason, "decision d waits: Merge it?.");
    facts.decisions[0].created_at = later(-9);
    assert!(!is_due(&pending, &facts));
    facts.decisions[0].created_at = later(-60);
    facts.decisions[0].project_id = None;
    assert!(!is_due(&pending, &facts));
}

fn happening(kind: &str, data: serde_json::Value) -> Happening {
    Happening {
        sequence: 7,
        kind: kind.into(),
        actor: "ann".into(),
        project_id: Some("p".into()),
        bead_id: Some("b-1".into()),
        bead_title: Some("Title".into()),
        bead_kind: Some("feature".into()),
        bead_tags: vec!["v1".into()],
        is_system_filed: false,
        data,
        at: now(),
    }
}

#[test]
fn events_are_matched_by_kind_project_and_parameters() {
    for (condition, parameters, kind, data, expected) in [
        (
            "bead_created",
            json!({}),
            "bead.created",
            json!({}),
            Some("b-1 (Title) was filed"),
        ),
        (
            "bead_created",
            json!({"bead": {"type": "bug"}}),
            "bead.created",
            json!({}),
            None,
        ),
        (
            "bead_completed",
            json!({"bead": {"tag": "v1"}}),
            "bead.completed",
            json!({}),
            Some("b-1 (Title) was closed"),
        ),
        (
            "bead_status_changed",
            json!({"status": "blocked"}),
            "bead.status_change",
            json!({"status": "blocked"}),
            Some("b-1 (Title) became blocked"),
        ),
        (
            "bead_status_changed",
            json!({"status": "blocked"}),
            "bead.status_change",
            json!({"status": "open"}),
            None,
        ),
        (
            "decision_resolved",
            json!({}),
            "decision.decided",
            json!({"decision_id": "d", "decision": "approve"}),
            Some("decision d was answered with approve"),
        ),
        (
            "release_published",
            json!({}),
            "release.published",
            json!({"release_tag": "v1"}),
            Some("release v1"),
        ),
        (
            "github_issue_opened",
            json!({"label": "bug"}),
            "github.issue_opened",
            json!({"issue_number": 3, "issue_title": "It\nbreaks", "labels": ["bug"]}),
            Some("issue #3 It breaks"),
        ),
        (
            "github_issue_opened",
            json!({"label": "bug"}),
            "github.issue_opened",
            json!({"labels": ["ui"]}),
            None,
        ),
        (
            "github_comment_added",
            json!({}),
            "github.comment_added",
            json!({"author": "eve", "issue_number": 3}),
            Some("a comment of eve on #3"),
        ),
        (
            "github_pr_opened",
            json!({}),
            "github.pr_opened",
            json!({"pr_number": 4, "pr_title": "T"}),
            Some("pull request #4 T"),
        ),
        (
            "webhook_received",
            json!({"event": "ping"}),
            "webhook.received",
            json!({"event": "ping"}),
            Some("webhook.received ping"),
        ),
        (
            "webhook_received",
            json!({"event": "ping"}),
            "webhook.received",
            json!({"event": "push"}),
            None,
        ),
        (
            "github_pr_opened",
            json!({}),
            "github.issue_opened",
            json!({}),
            None,
        ),
    ] {
        let motivation = motivation(condition, parameters);
        let found = occurrence_of(&motivation, &happening(kind, data));
        assert_eq!(
            found.as_ref().map(|one| one.summary.as_str()),
            expected,
            "{condition}"
        );
        if let Some(found) = found {
            let mut facts = Facts::default();
            facts.waiting.insert(motivation.id.clone(), vec![found]);
            assert!(is_due(&motivation, &facts));
        }
    }
}

#[test]
fn no_motivation_feeds_itself() {
    let mut wakes = motivation("bead_created", json!({}));
    let event = happening("bead.created", json!({}));
    assert!(occurrence_of(&wakes, &event).is_some());
    let other = |change: fn(&mut Happening)| {
        let mut event = event.clone();
        change(&mut event);
        event
    };
    assert!(occurrence_of(&wakes, &other(|e| e.actor = ACTOR.into())).is_none());
    assert!(occurrence_of(&wakes, &other(|e| e.project_id = Some("q".into()))).is_none());
    assert!(occurrence_of(&wakes, &other(|e| e.project_id = None)).is_none());
    let before = |e: &mut Happening| e.at = Timestamp(now().0 - DAY - 1);
    assert!(
        occurrence_of(&wakes, &other(before)).is_none(),
        "not yet enabled"
    );
    let by_system = other(|e| e.is_system_filed = true);
    assert!(occurrence_of(&wakes, &by_system).is_some());
    wakes.bead_template = Some(serde_json::from_value(json!({"title": "t"})).unwrap());
    assert!(occurrence_of(&wakes, &by_system).is_none());
}

#[test]
fn boundaries_are_due_in_time_and_missed_once_after_it() {
    let mut month = motivation("month_boundary", json!({}));
    month.next_fire_at = Some(at("2026-12-01T00:00:00Z"));
    let facts = Facts::default();
    for (moment, expected) in [
        ("2026-11-30T23:59:59Z", "not due"),
        ("2026-12-01T00:00:00Z", "due 0"),
        ("2026-12-04T00:00:00Z", "due 0"),
        ("2026-12-04T00:00:01Z", "missed 1"),
        ("2027-01-02T00:00:00Z", "due 1"),
        ("2027-03-20T00:00:00Z", "missed 4"),
    ] {
        let verdict = match evaluate(&month, &facts, at(moment)) {
            Verdict::NotDue => "not due".to_owned(),
            Verdict::Due(due) => format!("due {}", due.missed),
            Verdict::Missed(missed) => format!("missed {missed}"),
            Verdict::Cooling => "cooling".to_owned(),
        };
        assert_eq!(verdict, expected, "{moment}");
    }
    let quarter = motivation("quarter_boundary", json!({}));
    assert_eq!(quarter.next_fire_at, Some(at("2027-01-01T00:00:00Z")));
    let once = motivation("time_reached", json!({"at": "2026-12-24T18:00:00Z"}));
    assert_eq!(once.next_fire_at, Some(at("2026-12-24T18:00:00Z")));
    assert_eq!(
        next_fire_at(
            &once.condition,
            once.next_fire_at,
            at("2026-12-24T18:00:00Z")
        ),
        None,
        "once"
    );
}

proptest! {
    /// However late somebody looks, an interval fires once, counts all others as missed, and stays in step.
    #[test]
    fn an_interval_misses_what_it_does_not_fire(minutes in 5i64..3_000, late in 0i64..100 * DAY) {
        let mut interval = motivation("scheduled_interval", json!({"minutes": minutes}));
        let planned = now();
        interval.next_fire_at = Some(planned);
        let looked = Timestamp(planned.0 + late);
        let Verdict::Due(due) = evaluate(&interval, &Facts::default(), looked) else {
            return Err(TestCaseError::fail("it is due"));
        };
        prop_assert_eq!(due.occurrences.len(), 1);
        let next = next_fire_at(&interval.condition, Some(planned), looked).unwrap();
        prop_assert!(next > looked && next.0 - looked.0 <= minutes * MINUTE);
        let slots = (next.0 - planned.0) / (minutes * MINUTE);
        prop_assert_eq!((next.0 - planned.0) % (minutes * MINUTE), 0, "in step");
        prop_assert_eq!(due.missed + 1, slots, "each slot fired or was missed");
    }

    /// Nothing fires inside its cool-down; an occurrence of time that falls into it is told.
    #[test]
    fn the_cooldown_holds(cooldown in 1i64..10_000, since in 0i64..20_000 * MINUTE) {
        let mut wakes = motivation("bead_created", json!({}));
        let mut interval = motivation("scheduled_interval", json!({"minutes": 5}));
        let found = occurrence_of(&wakes, &happening("bead.created", json!({}))).unwrap();
        let mut facts = Facts::default();
        facts.waiting.insert(wakes.id.clone(), vec![found]);
        for one in [&mut wakes, &mut interval] {
            one.cooldown_minutes = cooldown;
            one.last_triggered_at = Some(Timestamp(now().0 - since));
        }
        interval.next_fire_at = Some(Timestamp(now().0 - SECOND));
        let cools = since < cooldown * MINUTE;
        prop_assert_eq!(is_due(&wakes, &facts), !cools);
        let verdict = evaluate(&interval, &facts, now());
        prop_assert_eq!(verdict == Verdict::Cooling, cools);
        prop_assert_eq!(matches!(verdict, Verdict::Due(_)), !cools);
    }
}

#[test]
fn what_is_not_active_is_never_due() {
    let mut interval = motivation("scheduled_interval", json!({"minutes": 5}));
    assert!(is_due(&interval, &Facts::default()));
    interval.status = MotivationStatus::Disabled;
    assert!(!is_due(&interval, &Facts::default()));
    for built_in in built_in::all() {
        let template = built_in.motivation(None, now()).unwrap();
        assert!(!is_due(&template, &Facts::default()), "{}", built_in.id);
    }
}
