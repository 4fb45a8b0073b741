use loom_api::testing::{Answer, call};
use loom_platform::{Platform, Statements};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{World, new_project};

async fn import(world: &World, body: impl Into<bytes::Bytes>) -> Answer {
    import_with(world, "", body).await
}

async fn import_with(world: &World, parameters: &str, body: impl Into<bytes::Bytes>) -> Answer {
    let path = format!(
        "/api/v1/beads/import?project_id={}{parameters}",
        world.project
    );
    world
        .send(
            call("POST", &path)
                .header("content-type", "application/x-ndjson")
                .body(body),
        )
        .await
}

async fn export(world: &World) -> String {
    let answer = world
        .get(&format!(
            "/api/v1/beads/export?project_id={}",
            world.project
        ))
        .await;
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (200, "application/x-ndjson")
    );
    String::from_utf8(answer.body.to_vec()).unwrap()
}

fn lines(items: &[Value]) -> String {
    items.iter().map(|item| format!("{item}\n")).collect()
}

#[tokio::test]
async fn a_file_of_bd_is_imported_and_its_beads_are_ready_or_blocked() {
    let world = World::new().await;
    let file = lines(&[
        json!({"id": "bd-3", "title": "Last", "status": "open", "priority": 0, "issue_type": "task",
               "created_at": "2025-01-01T00:00:00Z", "updated_at": "2025-01-02T00:00:00Z", "created_by": "pat",
               "dependencies": [{"issue_id": "bd-3", "depends_on_id": "bd-2", "type": "blocks"},
                                {"issue_id": "bd-3", "depends_on_id": "bd-1", "type": "parent-child"}]}),
        json!({"id": "bd-1", "title": "Epic", "status": "open", "issue_type": "epic", "priority": 2, "notes": "keep me"}),
        json!({"id": "bd-2", "title": "First", "status": "closed", "priority": 2, "close_reason": "done",
               "updated_at": "2025-01-03T00:00:00Z", "closed_at": "2025-01-03T00:00:00Z",
               "comments": [{"id": 1, "author": "pat", "text": "hm", "created_at": "2025-01-02T00:00:00Z"}]}),
        json!({"id": "bd-4", "title": "Waits", "status": "open", "priority": 2,
               "dependencies": [{"issue_id": "bd-4", "depends_on_id": "elsewhere-1", "type": "blocks"}]}),
        json!({"id": "bd-5", "status": "tombstone"}),
    ]);
    let answer = import(&world, file.clone()).await;
    assert_eq!(answer.status, 200, "{}", answer.json());
    let report = answer.json();
    assert_eq!(
        (&report["created"], &report["updated"], &report["unchanged"]),
        (&json!(4), &json!(0), &json!(0))
    );
    assert_eq!(
        (&report["skipped"][0]["line"], &report["skipped"][0]["code"]),
        (&json!(5), &json!("deleted"))
    );
    let last = world.read("bd-3").await;
    assert_eq!(
        (&last["open_blockers"], &last["parent"], &last["priority"]),
        (&json!(0), &json!("bd-1"), &json!("P0"))
    );
    assert_eq!(
        (&last["created_by"], &last["created_at"]),
        (&json!("pat"), &json!("2025-01-01T00:00:00.000Z"))
    );
    assert_eq!(world.read("bd-1").await["context"]["notes"], "keep me");
    assert_eq!(
        world.read("bd-2").await["closed_at"],
        "2025-01-03T00:00:00.000Z"
    );
    assert_eq!(
        world.read("bd-4").await["open_blockers"],
        1,
        "an unknown blocker blocks"
    );
    let comments = world.get("/api/v1/beads/bd-2/comments").await.json();
    assert_eq!(
        (&comments[0]["id"], &comments[0]["content"]),
        (&json!("bd-2#1"), &json!("hm"))
    );
    assert_eq!(world.events("bd-3").await, ["bead.created"]);
    let ready = world.get("/api/v1/beads/ready").await.json();
    let ready: Vec<&str> = ready
        .as_array()
        .unwrap()
        .iter()
        .map(|bead| bead["id"].as_str().unwrap())
        .collect();
    assert_eq!(ready, ["bd-3", "bd-1"]);
    world.quiet().await;
    assert_eq!(world.nudged(), 1);

    let before = world.snapshot().await;
    let again = import(&world, file).await.json();
    // A line that does not say when it was changed counts as changed now.
    assert_eq!(
        (&again["created"], &again["updated"], &again["unchanged"]),
        (&json!(0), &json!(2), &json!(2))
    );
    assert_ne!(world.snapshot().await, before);
}

#[tokio::test]
async fn what_is_newer_wins_and_what_is_worked_on_is_left_alone() {
    let world = World::new().await;
    let line = |title: &str, status: &str, at: &str| json!({"id": "bd-1", "title": title, "status": status, "updated_at": at, "created_at": "2025-01-01T00:00:00Z"});
    import(&world, lines(&[
        line("one", "open", "2025-01-01T00:00:00Z"),
        json!({"id": "bd-2", "title": "blocked", "updated_at": "2025-01-01T00:00:00Z", "dependencies": [{"depends_on_id": "bd-1"}]}),
    ])).await;
    let older = import(
        &world,
        lines(&[line("older", "open", "2024-01-01T00:00:00Z")]),
    )
    .await
    .json();
    assert_eq!(
        (&older["unchanged"], &world.read("bd-1").await["title"]),
        (&json!(1), &json!("one"))
    );
    let newer = import(
        &world,
        lines(&[line("newer", "closed", "2025-02-01T00:00:00Z")]),
    )
    .await
    .json();
    assert_eq!(
        (&newer["updated"], &world.read("bd-1").await["title"]),
        (&json!(1), &json!("newer"))
    );
    assert_eq!(
        world.read("bd-2").await["open_blockers"],
        0,
        "what it blocks is freed"
    );
    assert_eq!(
        world.events("bd-1").await,
        [
            "bead.created",
            "bead.updated",
            "bead.status_change",
            "bead.completed"
        ]
    );
    world.send(call("DELETE", "/api/v1/beads/bd-1")).await;
    let kept = import(
        &world,
        lines(&[line("back", "open", "2999-01-01T00:00:00Z")]),
    )
    .await
    .json();
    assert_eq!(
        (&kept["updated"], &world.read("bd-1").await["title"]),
        (&json!(1), &json!("back"))
    );
    assert_eq!(world.read("bd-2").await["open_blockers"], 1);

    world
        .post("/api/v1/beads/bd-1/claim", json!({"agent_id": world.agent}))
        .await;
    let before = world.snapshot().await;
    let taken = import(
        &world,
        lines(&[line("mine", "closed", "2999-02-01T00:00:00Z")]),
    )
    .await
    .json();
    assert_eq!(
        (&taken["updated"], &taken["skipped"][0]["code"]),
        (&json!(0), &json!("has_live_run"))
    );
    assert_eq!(world.snapshot().await, before);
}

/// All or nothing, and every mistake's line.
#[tokio::test]
async fn a_file_with_mistakes_is_refused_whole() {
    let world = World::new().await;
    let own = world.bead(json!({})).await;
    let blocked = world.bead(json!({"blocked_by": [own]})).await;
    let other = new_project(&world.platform, "Other").await;
    let foreign = world.bead(json!({"project_id": other})).await;
    world
        .post(
            &format!("/api/v1/beads/{own}/comments"),
            json!({"content": "x"}),
        )
        .await;
    let comment = world
        .get(&format!("/api/v1/beads/{own}/comments"))
        .await
        .json()[0]["id"]
        .clone();
    let good = json!({"id": "bd-0", "title": "good"});
    let link = |id: &str, to: &str, kind: &str| json!({"id": id, "title": "x", "updated_at": "2999-01-01T00:00:00Z", "dependencies": [{"depends_on_id": to, "type": kind}]});
    let before = world.snapshot().await;
    for (bad, line, field) in [
        (vec![json!({"id": "bd-1", "title": ""})], 2, Some("title")),
        (
            vec![json!({"id": "bd-1", "title": "x", "priority": 9})],
            2,
            Some("priority"),
        ),
        (
            vec![
                json!({"id": "bd-1", "title": "x"}),
                json!({"id": "bd-1", "title": "y"}),
            ],
            3,
            Some("id"),
        ),
        (
            vec![json!({"id": foreign, "title": "stolen"})],
            2,
            Some("id"),
        ),
        (
            vec![link("bd-1", "none", "parent-child")],
            2,
            Some("dependencies"),
        ),
        (
            vec![link("bd-1", &foreign, "parent-child")],
            2,
            Some("dependencies"),
        ),
        (
            vec![link("bd-1", "bd-1", "blocks")],
            2,
            Some("dependencies"),
        ),
        (
            vec![
                link("bd-1", "bd-2", "blocks"),
                link("bd-2", "bd-1", "blocks"),
            ],
            2,
            Some("dependencies"),
        ),
        (
            vec![
                link("bd-1", "bd-2", "parent-child"),
                link("bd-2", "bd-1", "parent-child"),
            ],
            2,
            Some("dependencies"),
        ),
        (
            vec![link(&own, &blocked, "blocks")],
            2,
            Some("dependencies"),
        ),
        (
            vec![
                json!({"id": "bd-1", "title": "x", "comments": [{"id": comment, "text": "mine"}]}),
            ],
            2,
            Some("comments"),
        ),
        (vec![json!("text")], 2, None),
    ] {
        let file = lines(&[vec![good.clone()], bad.clone()].concat());
        for parameters in ["", "&dry_run=true"] {
            let answer = import_with(&world, parameters, file.clone()).await;
            assert_eq!(
                (answer.status, answer.code().as_str()),
                (422, "import_invalid"),
                "{bad:?}: {}",
                answer.json()
            );
            let error = &answer.json()["details"]["errors"][0];
            assert_eq!(
                (&error["line"], error["field"].as_str()),
                (&json!(line), field),
                "{bad:?}: {error}"
            );
            assert_eq!(world.snapshot().await, before, "{bad:?}");
        }
    }
    let cycle = lines(&[
        link("bd-1", "bd-2", "blocks"),
        link("bd-2", "bd-1", "blocks"),
    ]);
    assert_eq!(
        import(&world, cycle).await.json()["details"]["path"],
        json!(["bd-1", "bd-2", "bd-1"])
    );
    let many: Vec<Value> = (0..150)
        .map(|number| json!({"id": format!("bd-{number}"), "title": ""}))
        .collect();
    let details = import(&world, lines(&many)).await.json()["details"].clone();
    assert_eq!(
        (
            details["errors"].as_array().unwrap().len(),
            &details["total"]
        ),
        (100, &json!(150))
    );

    let answer = import(&world, b"{\"id\":\"\xff\"}".to_vec()).await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (400, "invalid_utf8")
    );
    let answer = import(&world, vec![b' '; 10 * 1024 * 1024 + 1]).await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (413, "body_too_large")
    );
    let path = format!("/api/v1/beads/import?project_id={}", world.project);
    let answer = world
        .send(
            call("POST", &path)
                .header("content-type", "application/json")
                .body("{}"),
        )
        .await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (415, "unsupported_media_type")
    );
    for path in [
        "/api/v1/beads/import?project_id=none",
        "/api/v1/beads/export?project_id=none",
    ] {
        let method = if path.contains("import") {
            "POST"
        } else {
            "GET"
        };
        let answer = world.send(call(method, path)).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (404, "project_not_found")
        );
    }
    for (method, path) in [
        ("POST", "/api/v1/beads/import"),
        ("GET", "/api/v1/beads/export"),
    ] {
        let answer = world.send(call(method, path)).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (422, "invalid_fields"),
            "a project is required"
        );
    }
    assert_eq!(world.snapshot().await, before);
}

#[tokio::test]
async fn a_dry_run_says_what_would_happen_and_does_nothing() {
    let world = World::new().await;
    let before = world.snapshot().await;
    let answer = import_with(
        &world,
        "&dry_run=true",
        lines(&[json!({"id": "bd-1", "title": "x"})]),
    )
    .await;
    assert_eq!(
        (&answer.json()["dry_run"], &answer.json()["created"]),
        (&json!(true), &json!(1))
    );
    assert_eq!(world.snapshot().await, before);
    world.quiet().await;
    assert_eq!(world.nudged(), 0);
}

#[tokio::test]
async fn what_was_made_over_http_survives_the_way_out_and_in() {
    let world = World::new().await;
    let epic = world.bead(json!({"type": "epic", "context": {"title": "not the title", "context": {"a": 1}, "x": [1.0, 6.227491593987413e-243, null]}})).await;
    let first = world.bead(json!({"parent": epic, "related": [epic, "https://example.org/7"], "touches": ["src/**"],
                                  "estimate_minutes": 5, "due_at": "2027-01-01T00:00:00.123Z", "tags": ["b", "a"]})).await;
    let second = world.bead(json!({"blocked_by": [first, epic], "assigned_to": world.agent, "description": "ünïcode\n\"quoted\""})).await;
    world
        .post(
            &format!("/api/v1/beads/{second}/comments"),
            json!({"content": "one"}),
        )
        .await;
    world
        .post(
            &format!("/api/v1/beads/{second}/comments"),
            json!({"content": "two"}),
        )
        .await;
    world
        .patch(
            &format!("/api/v1/beads/{first}"),
            json!({"status": "closed", "close_reason": "done"}),
        )
        .await;
    world
        .post(
            &format!("/api/v1/beads/{epic}/escalate"),
            json!({"reason": "?"}),
        )
        .await;
    let out = export(&world).await;
    assert_eq!(out.lines().count(), 3);
    let elsewhere = World::new().await;
    let answer = import(&elsewhere, out.clone()).await;
    assert_eq!(
        (answer.status, &answer.json()["created"]),
        (200, &json!(3)),
        "{}",
        answer.json()
    );
    assert_eq!(export(&elsewhere).await, out);
    let before = elsewhere.snapshot().await;
    assert_eq!(import(&elsewhere, out).await.json()["unchanged"], 3);
    assert_eq!(elsewhere.snapshot().await, before);
}

#[tokio::test]
async fn many_lines_come_in_and_go_out_whole() {
    let world = World::new().await;
    let all: Vec<Value> = (0..1700)
        .map(|number| {
            let dependencies = match number {
                0 => json!([]),
                _ => json!([{"depends_on_id": format!("bd-{:05}", number - 1), "type": "blocks"}]),
            };
            json!({"id": format!("bd-{number:05}"), "title": "x", "dependencies": dependencies, "created_at": "2025-01-01T00:00:00Z"})
        })
        .collect();
    assert_eq!(import(&world, lines(&all)).await.json()["created"], 1700);
    assert_eq!(export(&world).await.lines().count(), 1700);
    let sql =
        "SELECT COUNT(*), MAX(sequence) - MIN(sequence) FROM event WHERE kind = 'bead.created'";
    let row = world
        .platform
        .database()
        .query_one(sql, vec![])
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (row.integer(0).unwrap(), row.integer(1).unwrap()),
        (1700, 1699),
        "one event each, without a gap"
    );
}

/// A line with anything that `bd` may write, and more.
fn any_line() -> impl Strategy<Value = (u8, Value)> {
    let text = "[a-zA-Z0-9 \"\\\\äß漢/<>]{1,12}";
    let status = prop::sample::select(vec![
        "open",
        "in_progress",
        "blocked",
        "closed",
        "deferred",
        "pinned",
    ]);
    let name = prop::sample::select(vec![
        "notes",
        "design",
        "owner",
        "title",
        "tags",
        "type",
        "assignee",
        "bd_status",
        "context",
        "zz",
        "äö",
        "priority",
    ]);
    let value = prop_oneof![
        text.prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>()
            .prop_filter("finite", |f| f.is_finite())
            .prop_map(Value::from),
        Just(json!({"deep": [true, null, {"x": "y"}]})),
    ];
    let context = prop::collection::btree_map(name, value, 0..4);
    let links = prop::collection::vec(
        (
            0u8..12,
            prop::sample::select(vec!["blocks", "related", "discovered-from", "parent-child"]),
        ),
        0..4,
    );
    let comments = prop::collection::vec((any::<bool>(), text), 0..3);
    (0u8..12, text, text, status, 0i64..5, prop::collection::vec(text, 0..3), links, comments, context, 0i64..4_000_000_000).prop_map(
        |(number, title, description, status, priority, labels, links, comments, context, at)| {
            let id = |number: u8| format!("bd-{number:02}");
            // Links only point to smaller numbers, so there is no cycle; one parent at most.
            let mut parents = 0;
            let dependencies: Vec<Value> = links
                .into_iter()
                .filter(|(other, kind)| {
                    parents += u32::from(*kind == "parent-child");
                    *other < number && (*kind != "parent-child" || parents == 1)
                })
                .map(|(other, kind)| json!({"issue_id": id(number), "depends_on_id": id(other), "type": kind}))
                .collect();
            let comments: Vec<Value> = comments
                .into_iter()
                .enumerate()
                .map(|(index, (numbered, text))| {
                    let own = if numbered { json!(index) } else { json!(format!("c-{number}-{index}")) };
                    json!({"id": own, "author": "pat", "text": text, "created_at": "2025-01-01T00:00:00Z"})
                })
                .collect();
            let time = loom_domain::time::Timestamp(at * 1000);
            (number, json!({
                "id": id(number), "title": format!("t{title}"), "description": description, "status": status,
                "priority": priority, "labels": labels.iter().map(|label| format!("l{}", label.trim())).collect::<Vec<_>>(),
                "dependencies": dependencies, "comments": comments, "created_at": time, "updated_at": time,
                "created_by": "pat", "context": context,
            }))
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Export, import and export again give the same bytes, and importing what is there changes nothing.
    #[test]
    fn export_import_export_is_identical(mut all in prop::collection::vec(any_line(), 1..12)) {
        all.sort_by_key(|(number, _)| *number);
        all.dedup_by_key(|(number, _)| *number);
        let there: Vec<String> = all.iter().map(|(number, _)| format!("bd-{number:02}")).collect();
        // A parent must be there; any other link may lead nowhere.
        for (_, line) in &mut all {
            line["dependencies"].as_array_mut().unwrap().retain(|link| {
                link["type"] != "parent-child" || there.iter().any(|id| link["depends_on_id"] == **id)
            });
        }
        let file = lines(&all.into_iter().map(|(_, line)| line).collect::<Vec<_>>());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let one = World::new().await;
            let answer = import(&one, file).await;
            assert_eq!(answer.status, 200, "{}", answer.json());
            let first = export(&one).await;
            let other = World::new().await;
            let answer = import(&other, first.clone()).await;
            assert_eq!(answer.status, 200, "{}", answer.json());
            assert_eq!(export(&other).await, first);
            let before = other.snapshot().await;
            assert_eq!(import(&other, first).await.json()["unchanged"], there.len());
            assert_eq!(other.snapshot().await, before);
            one.quiet().await;
            other.quiet().await;
        });
    }
}
