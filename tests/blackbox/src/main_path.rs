use loom_test_support::tokenhub::Answer;
use loom_test_support::{Loom, Repository};
use serde_json::{Value, json};

/// A bug, and a test program that fails because of it.
const BROKEN: &str = "def total(items):\n    return sum(items) - 1\n";
const FIXED: &str = "def total(items):\n    return sum(items)\n";
const CHECK: &str = "from totals import total\n\nassert total([1, 2, 3]) == 6, total([1, 2, 3])\n";

fn repository() -> Repository {
    Repository::new(&[
        ("totals.py", BROKEN),
        ("check.py", CHECK),
        ("README.md", "Adds.\n"),
    ])
}

#[test]
fn a_filed_bead_becomes_a_merged_commit_and_closes() {
    let loom = Loom::shared();
    let repository = repository();
    let project = loom.project(
        &repository,
        &["engineering-manager"],
        json!({"test_command": "python3 check.py"}),
    );
    let title = "Totals are off by one in main_path";
    loom.model.turns(
        title,
        [
            Answer::call("read_file", json!({"path": "totals.py"})),
            Answer::call(
                "edit_file",
                json!({"path": "totals.py", "old_text": "sum(items) - 1", "new_text": "sum(items)"}),
            ),
            Answer::call("test", json!({})),
            Answer::call(
                "git_commit",
                json!({"message": "Count every item\n\nThe total was one too low."}),
            ),
            Answer::call("done", json!({"summary": "Fixed; check.py passes."})),
        ],
    );
    let bead = loom.file(&project, title, json!({"priority": "P1"}));
    let closed = loom.until_status(&bead, "closed");

    // The commit is in the base branch, and says whose it is.
    assert_eq!(repository.on_main("totals.py"), FIXED.trim());
    assert_eq!(closed["close_reason"], "done");
    assert_eq!(closed["commit"], repository.git(&["rev-parse", "main"]));
    assert_eq!(closed["dispatch_count"], 1);
    let runs = loom.runs(&bead);
    assert_eq!(runs.len(), 1);
    let run = &runs[0]["run"];
    assert_eq!(
        (&run["status"], &run["reason"]),
        (&json!("succeeded"), &json!("done"))
    );
    let run_id = run["id"].as_str().unwrap();
    let marks = |name: &str, value: &str| {
        let trailers = repository.trailers(name);
        assert_eq!(trailers, [value, value], "the merge and the commit");
    };
    marks("Bead", &bead.id);
    marks("Run", run_id);
    assert_eq!(
        repository.git(&["show", "-s", "--format=%s", "main^2"]),
        "Count every item"
    );

    // Every step is there with its reply, its actions and its cost; together they are the run's usage.
    let steps = runs[0]["steps"].as_array().unwrap();
    let actions: Vec<Vec<(&str, &str)>> = steps
        .iter()
        .map(|step| {
            let actions = step["actions"].as_array().unwrap();
            actions
                .iter()
                .map(|action| {
                    (
                        action["name"].as_str().unwrap(),
                        action["status"].as_str().unwrap(),
                    )
                })
                .collect()
        })
        .collect();
    assert_eq!(
        actions,
        [
            [("read_file", "ok")],
            [("edit_file", "ok")],
            [("test", "ok")],
            [("git_commit", "ok")],
            [("done", "ok")]
        ]
    );
    let sum = |field: &str| -> i64 { steps.iter().map(|step| step[field].as_i64().unwrap()).sum() };
    let usage = &runs[0]["usage"];
    for field in ["prompt_tokens", "completion_tokens", "cost_micro_usd"] {
        assert!(sum(field) > 0, "{field}");
        assert_eq!(usage[field], sum(field), "{field}");
    }

    // One paid call a step, under the key of the step.
    let keys: Vec<String> = loom
        .model
        .hub()
        .ledger()
        .into_iter()
        .map(|entry| entry.idempotency_key)
        .filter(|key| key.starts_with(run_id))
        .collect();
    let expected: Vec<String> = (1..=5).map(|step| format!("{run_id}:{step}:0")).collect();
    assert_eq!(keys, expected);

    // The model read the file in its second turn, and the conversation is kept.
    let calls = loom.model.calls_about(title);
    assert!(String::from_utf8_lossy(&calls[1].body).contains("sum(items) - 1"));
    let conversation = loom.admin.get(&format!("{}/conversation", bead.path)).ok();
    let said = conversation["runs"][0]["messages"].as_array().unwrap();
    assert_eq!(said.len(), 10, "five replies and five results");
}

#[test]
fn its_events_tell_the_story_in_order() {
    let loom = Loom::shared();
    let repository = repository();
    let project = loom.project(&repository, &["engineering-manager"], json!({}));
    let title = "Say hello in events_tell";
    loom.model.turns(
        title,
        [
            Answer::calls([
                (
                    "write_file".to_owned(),
                    json!({"path": "hello.txt", "content": "Hello\n"}),
                ),
                ("git_commit".to_owned(), json!({"message": "Say hello"})),
            ]),
            Answer::call("done", json!({"summary": "Said."})),
        ],
    );
    let bead = loom.file(&project, title, json!({}));
    loom.until_status(&bead, "closed");
    let events = loom.events_of(&bead);
    let kinds: Vec<&str> = events
        .iter()
        .map(|event| event["type"].as_str().unwrap())
        .filter(|kind| !kind.starts_with("agent."))
        .collect();
    assert_eq!(
        kinds,
        [
            "bead.created",
            "bead.status_change",
            "bead.assigned",
            "run.created",
            "run.status_change",
            "step.started",
            "step.replied",
            "action.performed",
            "action.performed",
            "step.ended",
            "run.status_change",
            "run.status_change",
            "step.started",
            "step.replied",
            "action.performed",
            "step.ended",
            "run.ended",
            "bead.status_change",
            "bead.completed",
        ]
    );
    for event in &events {
        assert_eq!(event["project_id"], project.id, "{event}");
        assert!(!event["actor"].as_str().unwrap().is_empty(), "{event}");
    }
}

#[test]
fn the_log_of_all_events_has_no_gap() {
    let loom = Loom::shared();
    let project = loom.project(&repository(), &[], json!({}));
    for number in 0..5 {
        loom.file(&project, &format!("Work {number}"), json!({}));
    }
    let newest = loom.newest();
    let mut expected = 1;
    while expected <= newest {
        let path = format!("/api/v1/events?limit=1000&after={}", expected - 1);
        let page = loom.admin.get(&path).ok();
        for event in page["events"].as_array().unwrap() {
            assert_eq!(event["sequence"], Value::from(expected));
            expected += 1;
        }
    }
}

#[test]
fn work_that_needs_a_review_is_not_merged() {
    let loom = Loom::shared();
    let repository = repository();
    let project = loom.project(
        &repository,
        &["engineering-manager"],
        json!({"git_strategy": "branch-pr"}),
    );
    let title = "Ask for a review in work_that_needs";
    loom.model.turns(
        title,
        [Answer::calls([
            (
                "write_file".to_owned(),
                json!({"path": "new.txt", "content": "New\n"}),
            ),
            ("git_commit".to_owned(), json!({"message": "Add new.txt"})),
            ("done".to_owned(), json!({"summary": "Added."})),
        ])],
    );
    let before = repository.git(&["rev-parse", "main"]);
    let bead = loom.file(&project, title, json!({}));
    let waiting = loom.until(
        "the bead is in review",
        &format!("bead_id={}", bead.id),
        || Some(loom.bead(&bead)).filter(|bead| bead["in_review"] == true),
    );
    assert_eq!(waiting["status"], "in_progress");
    assert_eq!(repository.git(&["rev-parse", "main"]), before);
    let branch = loom.runs(&bead)[0]["run"]["branch"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(
        repository.git(&["show", &format!("{branch}:new.txt")]),
        "New"
    );
    let why = loom.admin.get(&format!("{}/why", bead.path)).ok();
    assert_eq!(why["reasons"][0]["code"], "in_review", "{why}");
}
