use loom_test_support::tokenhub::Answer;
use loom_test_support::{Loom, Repository};
use serde_json::{Value, json};

#[test]
fn i10_three_failed_runs_block_the_bead_with_one_decision_and_ticks_change_nothing() {
    let loom = Loom::shared();
    let repository = Repository::new(&[("README.md", "Attempts\n")]);
    let project = loom.project(&repository, &["engineering-manager"], json!({}));
    let title = "Never works in three_failed_runs";
    loom.model.turns(
        title,
        [Answer::text("I would rather talk about the weather.")],
    );
    let bead = loom.file(&project, title, json!({}));
    loom.until_status(&bead, "blocked");

    let look = || {
        let runs = loom.admin.get(&format!("{}/runs", bead.path)).ok();
        let decisions = loom.admin.get(&format!("{}/decisions", bead.path)).ok();
        (loom.bead(&bead), runs, decisions, loom.events_of(&bead))
    };
    let before = look();
    let (blocked, runs, decisions, _) = &before;
    assert_eq!(
        (&blocked["failed_runs"], &blocked["dispatch_count"]),
        (&json!(3), &json!(3))
    );
    let endings: Vec<(&Value, &Value)> = runs
        .as_array()
        .unwrap()
        .iter()
        .map(|run| (&run["status"], &run["reason"]))
        .collect();
    let failed = (&json!("failed"), &json!("parse_failures"));
    assert_eq!(endings, [failed, failed, failed]);
    let decisions = decisions.as_array().unwrap();
    assert_eq!(decisions.len(), 1);
    assert_eq!(decisions[0]["status"], "open");

    for _ in 0..10 {
        let tick = loom.tick();
        let dispatched = tick["dispatched"].as_array().unwrap();
        assert!(
            dispatched
                .iter()
                .all(|one| one["bead_id"] != bead.id.as_str()),
            "{tick}"
        );
    }
    assert_eq!(look(), before);
    let why = loom.admin.get(&format!("{}/why", bead.path)).ok();
    let codes: Vec<&str> = why["reasons"]
        .as_array()
        .unwrap()
        .iter()
        .map(|reason| reason["code"].as_str().unwrap())
        .collect();
    assert!(
        codes.contains(&"blocked") && codes.contains(&"held_by_decision"),
        "{codes:?}"
    );
}

#[test]
fn i10_the_next_attempt_is_told_what_the_last_one_tried() {
    let loom = Loom::shared();
    let repository = Repository::new(&[("README.md", "Attempts\n")]);
    let project = loom.project(&repository, &["engineering-manager"], json!({}));
    let title = "Gives up once in next_attempt_is_told";
    let reason = "The frobnicator is not documented anywhere.";
    loom.model.script(title, move |seen| {
        let told = seen.system() + &seen.user();
        if told.contains(reason) {
            Answer::call(
                "done",
                json!({"summary": "Found it with what was tried before."}),
            )
        } else {
            Answer::call("done", json!({"summary": reason, "outcome": "failure"}))
        }
    });
    let bead = loom.file(&project, title, json!({}));
    let closed = loom.until_status(&bead, "closed");
    assert_eq!(closed["dispatch_count"], 2);
    let reasons: Vec<String> = loom
        .runs(&bead)
        .iter()
        .map(|run| run["run"]["reason"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(reasons, ["gave_up", "done"]);
}
