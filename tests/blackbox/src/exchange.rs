use loom_test_support::{Loom, Options, Project, Reply, Repository};
use serde_json::{Value, json};

fn export(loom: &Loom, project: &Project) -> String {
    let reply = loom
        .admin
        .get(&format!("/api/v1/beads/export?project_id={}", project.id));
    assert_eq!(
        (reply.status, reply.header("content-type")),
        (200, "application/x-ndjson")
    );
    String::from_utf8(reply.body).unwrap()
}

fn import(loom: &Loom, project: &Project, file: &str) -> Reply {
    let path = format!("/api/v1/beads/import?project_id={}", project.id);
    let request = loom.admin.request("POST", &path);
    request
        .bytes("application/x-ndjson", file.as_bytes())
        .send()
}

fn counts(report: &Value) -> [&Value; 3] {
    ["created", "updated", "unchanged"].map(|name| &report[name])
}

#[test]
fn what_one_loom_exports_another_imports_without_loss() {
    let loom = Loom::shared();
    let repository = Repository::new(&[("README.md", "Exchange\n")]);
    let project = loom.project(&repository, &[], json!({}));
    let epic = loom.file(
        &project,
        "Epic – mit Ümlauten",
        json!({"type": "epic", "tags": ["a", "b"]}),
    );
    let first = loom.file(
        &project,
        "First",
        json!({"parent": epic.id, "priority": "P0", "touches": ["src/**"]}),
    );
    let second = loom.file(
        &project,
        "Second",
        json!({"blocked_by": [first.id], "related": [epic.id], "estimate_minutes": 30, "context": {"ticket": 7}}),
    );
    let comment = json!({"content": "Two lines\nof comment"});
    loom.admin
        .post(&format!("{}/comments", second.path), &comment)
        .ok();
    let closed = json!({"status": "closed", "close_reason": "Not needed"});
    let over = loom.file(&project, "Over", json!({}));
    loom.admin.put(&over.path, &closed).ok();
    let file = export(&loom, &project);
    assert_eq!(file.lines().count(), 4);

    let Some(other) = Loom::own(Options::default()) else {
        return;
    };
    let elsewhere = other.project(&repository, &[], json!({"bead_prefix": project.prefix}));
    let report = import(&other, &elsewhere, &file).ok();
    assert_eq!(
        counts(&report),
        [&json!(4), &json!(0), &json!(0)],
        "{report}"
    );
    assert_eq!(export(&other, &elsewhere), file);
    let waiting = other.bead(&second);
    assert_eq!(
        (&waiting["open_blockers"], &waiting["blocked_by"]),
        (&json!(1), &json!([first.id]))
    );
    let ready = other
        .admin
        .get(&format!("/api/v1/beads/ready?project_id={}", elsewhere.id))
        .ok();
    assert_eq!(ready[0]["id"], first.id.as_str());

    // Once more changes nothing. A line that is newer changes its bead, one that is not doesn't.
    let report = import(&other, &elsewhere, &file).ok();
    assert_eq!(
        counts(&report),
        [&json!(0), &json!(0), &json!(4)],
        "{report}"
    );
    let edit = |updated_at: Option<&str>| -> String {
        let edited = file.lines().map(|line| {
            let mut bead: Value = serde_json::from_str(line).unwrap();
            if bead["id"] == first.id.as_str() {
                bead["title"] = json!("Foremost");
                bead["updated_at"] = updated_at.map_or(bead["updated_at"].clone(), Value::from);
            }
            format!("{bead}\n")
        });
        edited.collect()
    };
    let report = import(&other, &elsewhere, &edit(None)).ok();
    assert_eq!(
        counts(&report),
        [&json!(0), &json!(0), &json!(4)],
        "{report}"
    );
    let report = import(&other, &elsewhere, &edit(Some("2099-01-01T00:00:00Z"))).ok();
    assert_eq!(
        counts(&report),
        [&json!(0), &json!(1), &json!(3)],
        "{report}"
    );
    assert_eq!(other.bead(&first)["title"], "Foremost");
}

#[test]
fn a_file_with_one_mistake_changes_nothing_and_the_line_is_named() {
    let loom = Loom::shared();
    let repository = Repository::new(&[("README.md", "Exchange\n")]);
    let project = loom.project(&repository, &[], json!({}));
    let id = |number: u32| format!("{}-{number:05}", project.prefix);
    let good = json!({"id": id(1), "title": "Good", "status": "open", "priority": 2, "issue_type": "task"});
    for (name, bad) in [
        ("broken JSON", "{\"id\": ".to_owned()),
        (
            "no title",
            json!({"id": id(2), "status": "open"}).to_string(),
        ),
        (
            "an unknown priority",
            json!({"id": id(2), "title": "Bad", "priority": 9}).to_string(),
        ),
        (
            "a title of 10,000 characters",
            json!({"id": id(2), "title": "x".repeat(10_000)}).to_string(),
        ),
    ] {
        let reply = import(&loom, &project, &format!("{good}\n{bad}\n"));
        reply.refused(422, "import_invalid");
        assert_eq!(
            reply.json["details"]["errors"][0]["line"], 2,
            "{name}: {}",
            reply.json
        );
        let beads = loom
            .admin
            .all(&format!("/api/v1/beads?project_id={}", project.id));
        assert_eq!(beads, Vec::<Value>::new(), "{name}");
    }
}
