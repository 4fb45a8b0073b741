use loom_test_support::tokenhub::Answer;
use loom_test_support::{Filed, Loom, Repository};
use serde_json::{Value, json};

/// Nobody files anything: the tick has motivations looked at, one of them files a bead, and an agent of its role does
/// the work.
#[test]
fn work_begins_by_itself_and_is_done() {
    let loom = Loom::shared();
    let repository = Repository::new(&[("README.md", "Otters.\n")]);
    let project = loom.project(&repository, &["qa-engineer"], json!({}));
    let title = "Count the otters once a day";
    loom.model.turns(
        title,
        [Answer::calls([
            (
                "write_file".to_owned(),
                json!({"path": "otters.txt", "content": "4\n"}),
            ),
            (
                "git_commit".to_owned(),
                json!({"message": "Count the otters"}),
            ),
            ("done".to_owned(), json!({"summary": "There are four."})),
        ])],
    );
    let made = loom.admin.post(
        "/api/v1/motivations",
        &json!({
            "name": "Otters", "condition": "scheduled_interval", "parameters": {"minutes": 1440}, "role": "QA",
            "project_id": project.id, "bead_template": {"title": title}, "priority": 100,
        }),
    );
    assert_eq!(made.status, 201);
    let id = made.ok()["id"].as_str().unwrap().to_owned();
    let history = format!("/api/v1/motivations/history?motivation_id={id}");
    let query = format!("type=motivation.fired&project_id={}", project.id);
    if loom.sweep().is_none() {
        return;
    }
    let fired: Value = loom.until("the motivation fires", &query, || {
        loom.admin.all(&history).into_iter().next()
    });
    assert_eq!(fired["result"], "fired", "{fired}");
    let bead = Filed::new(fired["bead_id"].as_str().unwrap());
    let done = loom.until_status(&bead, "closed");
    assert_eq!(done["wanted_role"], "qa-engineer");
    assert_eq!(done["fingerprint"], format!("motivation:{id}"));
    assert_eq!(repository.on_main("otters.txt"), "4");

    let now = loom.admin.get(&format!("/api/v1/motivations/{id}")).ok();
    assert_eq!(
        (&now["trigger_count"], &now["breaker"]["state"]),
        (&json!(1), &json!("closed"))
    );
    let own = format!("/api/v1/motivations?project_id={}&active=true", project.id);
    let ids: Vec<Value> = loom.admin.all(&own);
    let default = format!("ceo-decision-pending.{}", project.id);
    assert!(
        ids.iter().any(|one| one["id"] == default.as_str()),
        "the project has the default ones by now"
    );
    let perpetual = ids.iter().any(|one| one["is_perpetual"] == true);
    assert!(!perpetual, "those are opt-in");
}

/// What is not there, is refused or cannot be deleted, over the real components.
#[test]
fn a_template_does_nothing_until_a_project_has_it() {
    let loom = Loom::shared();
    let repository = Repository::new(&[("README.md", "Templates.\n")]);
    let project = loom.project(&repository, &["qa-engineer"], json!({}));
    let template = "/api/v1/motivations/perpetual-qa-daily-test-run";
    assert_eq!(loom.admin.get(template).ok()["status"], "template");
    loom.admin
        .post(&format!("{template}/trigger"), &json!({}))
        .refused(409, "motivation_is_template");
    let body = json!({"project_id": project.id});
    let own = loom.admin.post(&format!("{template}/enable"), &body).ok();
    assert_eq!(own["status"], "active");
    let own = format!("/api/v1/motivations/{}", own["id"].as_str().unwrap());
    loom.admin.delete(&own).refused(409, "built_in");
    let off = loom.admin.post(&format!("{own}/disable"), &json!({})).ok();
    assert_eq!(off["status"], "disabled");
    // The sweep is for the app's own functions.
    let outside = loom.admin.post("/internal/sweep", &json!({}));
    assert_eq!(outside.status, 404);
}
