use loom_test_support::{Loom, Repository};
use serde_json::{Value, json};

#[test]
fn a_repeated_request_with_its_key_is_carried_out_once() {
    let loom = Loom::shared();
    let repository = Repository::new(&[("README.md", "Conventions\n")]);
    let project = loom.project(&repository, &[], json!({}));
    let key = format!("key-of-{}", project.id);
    let file = |title: &str| {
        let request = loom
            .admin
            .request("POST", "/api/v1/beads")
            .header("idempotency-key", &key);
        request
            .json(&json!({"project_id": project.id, "title": title}))
            .send()
    };
    let first = file("Once");
    let again = file("Once");
    assert_eq!((first.status, again.status), (201, 201));
    assert_eq!(first.body, again.body);
    assert_eq!(first.header("location"), again.header("location"));
    assert_eq!(first.header("idempotency-replay"), "");
    assert_eq!(again.header("idempotency-replay"), "true");
    file("Another").refused(422, "idempotency_key_reused");
    let beads = loom
        .admin
        .all(&format!("/api/v1/beads?project_id={}", project.id));
    assert_eq!(beads.len(), 1);
}

#[test]
fn of_two_changes_to_the_same_version_the_second_is_refused() {
    let loom = Loom::shared();
    let repository = Repository::new(&[("README.md", "Conventions\n")]);
    let project = loom.project(&repository, &[], json!({}));
    let bead = loom.file(&project, "As filed", json!({}));
    let read = loom.admin.get(&bead.path);
    let tag = read.header("etag").to_owned();
    assert!(!tag.is_empty());
    let unchanged = loom
        .admin
        .request("GET", &bead.path)
        .header("if-none-match", &tag)
        .send();
    assert_eq!((unchanged.status, unchanged.body.len()), (304, 0));

    let change = |title: &str| {
        let request = loom
            .admin
            .request("PUT", &bead.path)
            .header("if-match", &tag);
        request.json(&json!({"title": title})).send()
    };
    let changed = change("First");
    assert_eq!(changed.status, 200);
    assert_ne!(changed.header("etag"), tag);
    change("Second").refused(412, "version_conflict");
    assert_eq!(loom.bead(&bead)["title"], "First");
    let stale = loom
        .admin
        .request("DELETE", &bead.path)
        .header("if-match", &tag)
        .send();
    stale.refused(412, "version_conflict");
    let changed = loom
        .admin
        .request("GET", &bead.path)
        .header("if-none-match", &tag)
        .send();
    assert_eq!(changed.status, 200);
}

#[test]
fn the_pages_of_a_list_hold_every_bead_once() {
    let loom = Loom::shared();
    let repository = Repository::new(&[("README.md", "Conventions\n")]);
    let project = loom.project(&repository, &[], json!({}));
    let mut filed: Vec<String> = (0..11)
        .map(|number| {
            loom.file(
                &project,
                &format!("Page {number}"),
                json!({"tags": ["a b&c"]}),
            )
            .id
        })
        .collect();
    for limit in [1, 4, 11, 1000] {
        let path = format!(
            "/api/v1/beads?project_id={}&tag=a%20b%26c&limit={limit}",
            project.id
        );
        let mut listed: Vec<String> = loom
            .admin
            .all(&path)
            .iter()
            .map(|bead| bead["id"].as_str().unwrap().to_owned())
            .collect();
        listed.sort();
        filed.sort();
        assert_eq!(listed, filed, "limit {limit}");
    }
    for (query, field) in [
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("cursor=x", "cursor"),
        ("colour=red", "colour"),
    ] {
        let reply = loom.admin.get(&format!("/api/v1/beads?{query}"));
        reply.refused(422, "invalid_fields");
        assert!(
            reply.json["fields"][field].is_string(),
            "{query}: {}",
            reply.json
        );
    }
}

#[test]
fn lists_are_narrowed_by_what_is_asked_for() {
    let loom = Loom::shared();
    let repository = Repository::new(&[("README.md", "Conventions\n")]);
    let project = loom.project(&repository, &[], json!({}));
    let parent = loom.file(&project, "Whole", json!({"priority": "P0"}));
    let child = loom.file(
        &project,
        "A broken lamp",
        json!({"type": "bug", "parent": parent.id, "priority": "P3"}),
    );
    let closed = loom.file(&project, "Over", json!({}));
    loom.admin
        .put(&closed.path, &json!({"status": "closed"}))
        .ok();
    let blocked = loom.file(&project, "Later", json!({"blocked_by": [child.id]}));
    for (query, expected) in [
        ("status=closed", vec![&closed.id]),
        (
            "status=open,closed",
            vec![&blocked.id, &closed.id, &child.id, &parent.id],
        ),
        ("type=bug", vec![&child.id]),
        ("priority=P0", vec![&parent.id]),
        ("q=lamp", vec![&child.id]),
        ("type=bug&status=closed", vec![]),
    ] {
        let path = format!("/api/v1/beads?project_id={}&{query}", project.id);
        let listed = loom.admin.get(&path).ok();
        let ids: Vec<&Value> = listed
            .as_array()
            .unwrap()
            .iter()
            .map(|bead| &bead["id"])
            .collect();
        assert_eq!(ids, expected, "{query}, newest first");
    }
    let of_parent = loom
        .admin
        .get(&format!("/api/v1/beads?parent={}", parent.id))
        .ok();
    assert_eq!(of_parent[0]["id"], child.id.as_str());
    let ready = loom
        .admin
        .get(&format!("/api/v1/beads/ready?project_id={}", project.id))
        .ok();
    let ids: Vec<&Value> = ready
        .as_array()
        .unwrap()
        .iter()
        .map(|bead| &bead["id"])
        .collect();
    assert_eq!(
        ids,
        [&parent.id, &child.id],
        "most urgent first, and nothing that waits"
    );
}

#[test]
fn closing_a_blocker_makes_what_waits_for_it_ready() {
    let loom = Loom::shared();
    let repository = Repository::new(&[("README.md", "Conventions\n")]);
    let project = loom.project(&repository, &[], json!({}));
    let first = loom.file(&project, "First", json!({}));
    let second = loom.file(&project, "Second", json!({"blocked_by": [first.id]}));
    let why = || loom.admin.get(&format!("{}/why", second.path)).ok();
    assert_eq!(
        (&why()["ready"], &why()["reasons"][0]["code"]),
        (&json!(false), &json!("open_blocker"))
    );
    loom.admin
        .put(&first.path, &json!({"status": "closed"}))
        .ok();
    assert_eq!(why()["ready"], true);
    assert_eq!(why()["reasons"][0]["code"], "no_agent", "{}", why());
    loom.admin.put(&first.path, &json!({"status": "open"})).ok();
    assert_eq!(why()["ready"], false);
    let graph = loom
        .admin
        .get(&format!("/api/v1/work-graph?project_id={}", project.id))
        .ok();
    assert_eq!(graph["beads"].as_object().unwrap().len(), 2);
    assert_eq!(graph["edges"].as_array().unwrap().len(), 1, "{graph}");
}

#[test]
fn health_is_public_and_tells_no_secrets() {
    let loom = Loom::shared();
    let anybody = loom.admin.anonymous();
    for path in ["/health", "/health/live", "/health/ready", "/api/v1/health"] {
        let reply = anybody.get(path);
        assert_eq!(reply.status, 200, "{path}");
        assert_eq!(reply.header("x-content-type-options"), "nosniff", "{path}");
    }
}
