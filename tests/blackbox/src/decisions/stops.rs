//! Questions that Loom puts itself when work cannot go on: attempts and money are used up.

use loom_test_support::tokenhub::Answer;
use loom_test_support::{Filed, Loom, Project, Repository};
use serde_json::{Value, json};

use super::{count, decide, only};

const RATIONALE: &str = "The heron knows better.";

/// A project with one agent, and a bead about `title` in it.
fn alone(loom: &Loom, repository: &Repository, title: &str, settings: Value) -> (Project, Filed) {
    let project = loom.project(repository, &["engineering-manager"], settings);
    let bead = loom.file(&project, title, json!({}));
    (project, bead)
}

#[test]
fn each_answer_after_the_last_attempt_does_what_was_announced() {
    let loom = Loom::shared();
    let repository = Repository::new(&[("README.md", "Decisions\n")]);
    for (answer, reason, attempts) in [
        ("approve", "closed by admin", 3),
        // A person has spoken: earlier attempts are forgotten, and the next is the first.
        ("deny", "done", 1),
        ("needs_more_info", "done", 1),
    ] {
        let title = format!("Use up its attempts in decisions, {answer}");
        loom.model.script(&title, |seen| {
            match (seen.system() + &seen.user()).contains(RATIONALE) {
                true => Answer::call("done", json!({"summary": "Now it is clear."})),
                false => Answer::text("I would rather talk about the weather."),
            }
        });
        let (project, bead) = alone(&loom, &repository, &title, json!({}));
        loom.until_status(&bead, "blocked");
        let asked = only(&loom, &bead);
        assert_eq!(asked["kind"], "attempts_exhausted");
        assert_eq!(asked["assignee"], "human");
        assert_eq!(loom.bead(&bead)["dispatch_count"], 3);
        decide(&loom.admin, &asked, answer, RATIONALE).ok();
        let closed = loom.until_status(&bead, "closed");
        let said = closed["close_reason"].as_str().unwrap();
        assert!(said.starts_with(reason), "{answer}: {said}");
        assert_eq!(closed["dispatch_count"], attempts, "{answer}");
        assert_eq!(only(&loom, &bead)["decision"], answer, "no second question");
        if answer == "deny" {
            let path = format!("/api/v1/agents?project_id={}", project.id);
            let manager = &loom.admin.all(&path)[0]["id"];
            assert_eq!(
                closed["assigned_to"], *manager,
                "in the hands of who triages"
            );
        }
    }
}

/// What a call of the model about such a bead sets aside, in micro-US-dollars.
fn reserved(loom: &Loom, repository: &Repository) -> i64 {
    let title = "Find out what a call costs in decisions";
    let done = Answer::call("done", json!({"summary": "Found."}));
    loom.model.turns(title, [done]);
    let (_, bead) = alone(loom, repository, title, json!({}));
    loom.until_status(&bead, "closed");
    let events = loom.events_of(&bead);
    let amounts = events
        .iter()
        .filter_map(|event| event["data"]["reserved_micro_usd"].as_i64());
    amounts.max().unwrap()
}

#[test]
fn each_answer_about_a_beads_budget_does_what_was_announced() {
    let loom = Loom::shared();
    let repository = Repository::new(&[("README.md", "Decisions\n")]);
    // Too little for a call; the same once more is enough.
    let cap = reserved(&loom, &repository) * 2 / 3;
    for (answer, status) in [
        ("approve", "closed"),
        ("deny", "blocked"),
        ("needs_more_info", "blocked"),
    ] {
        let title = format!("Use up its budget in decisions, {answer}");
        let done = Answer::call("done", json!({"summary": "It was cheap."}));
        loom.model.turns(&title, [done]);
        let budget = json!({"bead_budget_micro_usd": cap});
        let (_, bead) = alone(&loom, &repository, &title, budget);
        loom.until_status(&bead, "blocked");
        let asked = only(&loom, &bead);
        assert_eq!(asked["kind"], "budget_override");
        assert_eq!(asked["assignee"], "human");
        assert_eq!(loom.model.calls_about(&title), []);
        decide(&loom.admin, &asked, answer, RATIONALE).ok();
        if status == "closed" {
            let closed = loom.until_status(&bead, "closed");
            assert_eq!(closed["close_reason"], "done");
            assert_eq!(loom.model.calls_about(&title).len(), 1);
        } else {
            loom.tick();
            let held = loom.bead(&bead);
            assert_eq!(
                (&held["status"], &held["open_decisions"]),
                (&json!("blocked"), &json!(0))
            );
            assert_eq!(loom.model.calls_about(&title), [], "{answer}");
        }
        let events = loom.events_of(&bead);
        assert_eq!(count(&events, "budget.exceeded"), 1, "{answer}");
        assert_eq!(only(&loom, &bead)["decision"], answer, "no second question");
    }
}

#[test]
fn a_projects_budget_that_is_not_raised_stops_its_work_and_one_that_is_granted_does_not() {
    let loom = Loom::shared();
    let repository = Repository::new(&[("README.md", "Decisions\n")]);
    let cap = reserved(&loom, &repository) * 2 / 3;
    for (answer, goes_on) in [("approve", true), ("deny", false)] {
        let title = format!("Use up the project's budget in decisions, {answer}");
        let done = Answer::call("done", json!({"summary": "It was cheap."}));
        loom.model.turns(&title, [done]);
        let budget = json!({"budget_micro_usd": cap});
        let (project, bead) = alone(&loom, &repository, &title, budget);
        let path = format!("{}/decisions", bead.path);
        let asked = loom.until("a decision", &format!("bead_id={}", bead.id), || {
            loom.admin
                .get(&path)
                .ok()
                .as_array()
                .unwrap()
                .first()
                .cloned()
        });
        assert_eq!(asked["kind"], "budget_override");
        decide(&loom.admin, &asked, answer, RATIONALE).ok();
        if !goes_on {
            loom.tick();
            assert_eq!(loom.model.calls_about(&title), []);
            assert_ne!(loom.bead(&bead)["status"], "closed");
            // Raising it is the way on.
            let path = format!("/api/v1/projects/{}", project.id);
            let raised = json!({"budget_micro_usd": cap * 3});
            loom.admin.put(&path, &raised).ok();
            loom.tick();
        }
        loom.until(
            "the bead is closed",
            &format!("bead_id={}", bead.id),
            || (loom.bead(&bead)["status"] == "closed").then_some(()),
        );
        assert_eq!(loom.model.calls_about(&title).len(), 1, "{answer}");
        assert_eq!(only(&loom, &bead)["decision"], answer, "no second question");
    }
}
