//! `POST /api/v1/projects/bootstrap`, over the function's `handle`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a helper of tests fails the test"
)]

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use loom_api::testing::{Answer, Call, builder, call, play, rows, token};
use loom_domain::{account::Role, org_chart::Profile};
use loom_platform::native::NativePlatform;
use loom_platform::{Platform, Statements};
use loom_store::{bead, document, project, workflow};
use serde_json::{Value, json};

const PATH: &str = "/api/v1/projects/bootstrap";
const PRD: &str = "# Tally\n\nA program that counts words.\n";
const MIB: usize = 1024 * 1024;

struct World {
    platform: NativePlatform,
    admin: String,
}

impl World {
    async fn new() -> Self {
        let platform = builder().variable("max_agents", "20").build().unwrap();
        play(&platform, "dispatch-tick");
        let admin = token(&platform, Role::Admin).await;
        Self { platform, admin }
    }

    async fn send(&self, request: Call) -> Answer {
        request
            .token(&self.admin)
            .send(&self.platform, loom_projects::handle)
            .await
    }

    async fn json(&self, body: Value) -> Answer {
        self.send(call("POST", PATH).json(body)).await
    }

    async fn form(&self, parts: &[(&str, &[u8])]) -> Answer {
        self.send(form(parts)).await
    }

    async fn snapshot(&self) -> Vec<String> {
        rows(
            &self.platform,
            &[
                "project",
                "agent",
                "org_chart",
                "org_position",
                "bead",
                "document",
                "workflow_execution",
                "event",
            ],
        )
        .await
    }

    async fn documents(&self, bead_id: &str) -> Vec<document::Document> {
        let mut all = Vec::new();
        while let Some(one) = {
            let position = i64::try_from(all.len()).unwrap();
            document::at(self.platform.database(), bead_id, position)
                .await
                .unwrap()
        } {
            all.push(one);
        }
        all
    }
}

/// What is required, with `fields` replaced or added; `null` removes one.
fn body(fields: Value) -> Value {
    let mut body =
        json!({"name": "Tally", "git_repo": "/srv/tally", "branch": "main", "prd_text": PRD});
    for (field, value) in fields.as_object().unwrap() {
        body[field] = value.clone();
    }
    body.as_object_mut()
        .unwrap()
        .retain(|_, value| !value.is_null());
    body
}

fn form(parts: &[(&str, &[u8])]) -> Call {
    let mut body = Vec::new();
    for (name, content) in parts {
        let file = match *name {
            "prd_file" => "; filename=\"prd.md\"\r\nContent-Type: text/markdown",
            _ => "",
        };
        let head =
            format!("--frontier\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n");
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--frontier--\r\n");
    call("POST", PATH)
        .header("content-type", "multipart/form-data; boundary=frontier")
        .body(body)
}

fn text<'a>(answer: &'a Value, field: &str) -> &'a str {
    answer[field].as_str().unwrap()
}

#[tokio::test]
async fn a_document_becomes_a_project_that_builds_itself() {
    let world = World::new().await;
    let answer = world
        .json(body(
            json!({"test_command": "make check", "budget_micro_usd": 7}),
        ))
        .await;
    assert_eq!(answer.status, 201, "{}", answer.json());
    let begun = answer.json();
    assert_eq!(begun["status"], "bootstrapping");
    let (project_id, bead_id) = (text(&begun, "project_id"), text(&begun, "initial_bead_id"));
    assert_eq!(
        answer.header("location"),
        format!("/api/v1/projects/{project_id}")
    );

    let database = world.platform.database();
    let project = project::get(database, project_id).await.unwrap();
    assert_eq!(
        (project.name.as_str(), project.git_strategy.as_str()),
        ("Tally", "direct")
    );
    assert_eq!(project.test_command.as_deref(), Some("make check"));
    assert_eq!(project.budget_micro_usd, Some(7));
    let sql = "SELECT COUNT(*) FROM agent WHERE project_id = ?1";
    let agents = database
        .query_one(sql, vec![project_id.into()])
        .await
        .unwrap();
    let team = Profile::Startup.roles().len();
    assert_eq!(
        agents.unwrap().integer(0).unwrap(),
        i64::try_from(team).unwrap()
    );
    let chart = world
        .send(call("GET", &format!("/api/v1/org-charts/{project_id}")))
        .await;
    assert!(!chart.json()["positions"].as_array().unwrap().is_empty());

    let bead = bead::get(database, bead_id).await.unwrap();
    assert_eq!(
        (bead.title.as_str(), bead.kind.as_str()),
        ("[Bootstrap] Tally", "bootstrap")
    );
    assert_eq!((bead.priority.number(), bead.status.as_str()), (0, "open"));
    assert_eq!(bead.wanted_role.as_deref(), Some("product-manager"));
    assert!(bead.description.contains("plans/ORIGINAL_PRD.md") && bead.description.ends_with(PRD));
    assert_eq!(bead.execution_id.as_deref(), begun["execution_id"].as_str());
    let execution = workflow::get(database, text(&begun, "execution_id"))
        .await
        .unwrap();
    assert_eq!(
        (execution.workflow_id.as_str(), execution.node.as_str()),
        ("wf-project-bootstrap", "expand_prd")
    );
    let documents = world.documents(bead_id).await;
    assert_eq!(documents.len(), 1);
    assert_eq!(
        (documents[0].path.as_str(), documents[0].content.as_str()),
        ("plans/ORIGINAL_PRD.md", PRD)
    );
}

#[tokio::test]
async fn a_form_says_the_same_as_json() {
    let world = World::new().await;
    let prd = "# Tally é\n";
    let parts: [(&str, &[u8]); 10] = [
        ("name", b"Tally"),
        ("github_url", b"file:///srv/tally"),
        ("branch", b"trunk"),
        ("team", b"pm, project-manager"),
        ("team", b"coder"),
        ("git_strategy", b"branch-pr"),
        ("max_concurrent", b"3"),
        ("is_perpetual", b"true"),
        ("context", br#"{"owner": "Ada"}"#),
        ("prd_file", prd.as_bytes()),
    ];
    let answer = world.form(&parts).await;
    assert_eq!(answer.status, 201, "{}", answer.json());
    let begun = answer.json();
    let database = world.platform.database();
    let project = project::get(database, text(&begun, "project_id"))
        .await
        .unwrap();
    assert_eq!(
        (project.git_repo.as_str(), project.branch.as_str()),
        ("file:///srv/tally", "trunk")
    );
    assert_eq!(
        (
            project.git_strategy.as_str(),
            project.max_concurrent,
            project.is_perpetual
        ),
        ("branch-pr", 3, true)
    );
    assert_eq!(project.context["owner"], "Ada");
    let sql = "SELECT role FROM agent ORDER BY role";
    let rows = database.query(sql, vec![]).await.unwrap();
    let roles: Vec<String> = rows.iter().map(|row| row.text(0).unwrap()).collect();
    assert_eq!(
        roles,
        ["engineering-manager", "product-manager", "project-manager"]
    );
    let documents = world.documents(text(&begun, "initial_bead_id")).await;
    assert_eq!(documents[0].content, prd);
}

#[tokio::test]
async fn what_is_refused_changes_nothing() {
    let world = World::new().await;
    let first = world.json(body(json!({"profile": "solo"}))).await;
    assert_eq!(first.status, 201, "{}", first.json());
    let before = world.snapshot().await;
    let other = |fields: Value| {
        let mut body = body(json!({"name": "Other"}));
        for (field, value) in fields.as_object().unwrap() {
            body[field] = value.clone();
        }
        body.as_object_mut()
            .unwrap()
            .retain(|_, value| !value.is_null());
        body
    };
    let large = "x".repeat(10 * MIB + 1);
    let secret = format!("Login\npassword = \"{}\"\n", "a1".repeat(12));
    for (fields, status, code, field) in [
        (json!({"prd_text": null}), 422, "invalid_fields", "prd_text"),
        (
            json!({"prd_text": " \n"}),
            422,
            "invalid_fields",
            "prd_text",
        ),
        (
            json!({"prd_text": "a\0b"}),
            422,
            "invalid_fields",
            "prd_text",
        ),
        (json!({"prd_text": 1}), 422, "invalid_fields", "prd_text"),
        (
            json!({"prd_text": secret}),
            422,
            "invalid_fields",
            "prd_text",
        ),
        (
            json!({"prd_file": "eA=="}),
            422,
            "invalid_fields",
            "prd_text",
        ),
        (
            json!({"prd_text": null, "prd_file": "eA="}),
            422,
            "invalid_fields",
            "prd_file",
        ),
        (
            json!({"prd_text": null, "prd_file": ""}),
            422,
            "invalid_fields",
            "prd_file",
        ),
        (
            json!({"prd_text": null, "prd_file": "/w=="}),
            422,
            "invalid_fields",
            "prd_file",
        ),
        (json!({"prd_text": large}), 413, "prd_too_large", "prd_text"),
        (
            json!({"prd_text": null, "prd_file": STANDARD.encode(&large)}),
            413,
            "prd_too_large",
            "prd_file",
        ),
        (
            json!({"prd_text": "x".repeat(15 * MIB)}),
            413,
            "body_too_large",
            "",
        ),
        (json!({"git_repo": null}), 422, "invalid_fields", "git_repo"),
        (
            json!({"git_repo": "https://example.org/x"}),
            422,
            "invalid_fields",
            "git_repo",
        ),
        (
            json!({"github_url": "/srv/x"}),
            422,
            "invalid_fields",
            "github_url",
        ),
        (json!({"name": null}), 422, "invalid_fields", "name"),
        (json!({"branch": null}), 422, "invalid_fields", "branch"),
        (
            json!({"team": ["cfo", "wizard"]}),
            422,
            "invalid_fields",
            "team[1]",
        ),
        (json!({"team": []}), 422, "invalid_fields", "team"),
        (json!({"profile": "huge"}), 422, "invalid_fields", "profile"),
        (json!({"prd": "x"}), 422, "invalid_fields", "prd"),
        (
            json!({"max_agents": 1}),
            422,
            "invalid_fields",
            "max_agents",
        ),
        (json!({"name": "Tally"}), 409, "name_taken", ""),
    ] {
        let answer = world.json(other(fields.clone())).await;
        let told = answer.json();
        let shown: String = fields.to_string().chars().take(80).collect();
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (status, code),
            "{shown}: {told}"
        );
        assert!(
            field.is_empty() || told["fields"].get(field).is_some(),
            "{shown}: {told}"
        );
        assert!(world.snapshot().await == before, "{shown}");
    }
    // All that is wrong is told at once.
    let answer = world.json(json!({"name": "", "prd_text": ""})).await;
    let fields: Vec<String> = answer.json()["fields"]
        .as_object()
        .unwrap()
        .keys()
        .cloned()
        .collect();
    assert_eq!(fields, ["branch", "git_repo", "name", "prd_text"]);
    assert!(world.snapshot().await == before);
}

#[tokio::test]
async fn a_form_is_refused_like_json() {
    let world = World::new().await;
    let before = world.snapshot().await;
    let required: [(&str, &[u8]); 3] = [
        ("name", b"Other"),
        ("git_repo", b"/srv/x"),
        ("branch", b"main"),
    ];
    let large = vec![b'x'; 10 * MIB + 1];
    for (more, status, code, field) in [
        (vec![], 422, "invalid_fields", "prd_text"),
        (
            vec![("prd_file", &b"x"[..]), ("prd_text", b"x")],
            422,
            "invalid_fields",
            "prd_text",
        ),
        (
            vec![("prd_file", b"x"), ("prd_file", b"x")],
            422,
            "invalid_fields",
            "prd_file",
        ),
        (
            vec![("prd_file", b"\xff")],
            422,
            "invalid_fields",
            "prd_file",
        ),
        (
            vec![("prd_text", b"\xff")],
            422,
            "invalid_fields",
            "prd_text",
        ),
        (vec![("prd_file", &large)], 413, "prd_too_large", "prd_file"),
        (
            vec![("prd_file", b"x"), ("name", b"Two")],
            422,
            "invalid_fields",
            "name",
        ),
        (
            vec![("prd_file", b"x"), ("max_agents", b"many")],
            422,
            "invalid_fields",
            "max_agents",
        ),
        (
            vec![("prd_file", b"x"), ("colour", b"red")],
            422,
            "invalid_fields",
            "colour",
        ),
        (
            vec![("prd_file", b"x"), ("team", b"wizard")],
            422,
            "invalid_fields",
            "team[0]",
        ),
    ] {
        let parts = [&required[..], &more].concat();
        let answer = world.form(&parts).await;
        let told = answer.json();
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (status, code),
            "{field}: {told}"
        );
        assert!(told["fields"].get(field).is_some(), "{field}: {told}");
        assert!(world.snapshot().await == before, "{field}");
    }
    let broken = form(&[("name", b"Other")])
        .body("--frontier\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\nOth");
    let answer = world.send(broken).await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (400, "invalid_multipart")
    );
    let other = call("POST", PATH)
        .header("content-type", "text/plain")
        .body(PRD);
    let answer = world.send(other).await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (415, "unsupported_media_type")
    );
    assert!(world.snapshot().await == before);
}

#[tokio::test]
async fn a_document_of_ten_mebibytes_is_accepted_and_split() {
    let world = World::new().await;
    let line = format!("{}\n", "x".repeat(1_023));
    let prd = line.repeat(10 * 1_024);
    assert_eq!(prd.len(), 10 * MIB);
    let by_json = json!({"name": "One", "profile": "solo", "prd_text": null, "prd_file": STANDARD.encode(&prd)});
    let by_json = world.json(body(by_json)).await;
    let parts: [(&str, &[u8]); 5] = [
        ("name", b"Two"),
        ("git_repo", b"/srv/x"),
        ("branch", b"main"),
        ("profile", b"solo"),
        ("prd_file", prd.as_bytes()),
    ];
    for answer in [by_json, world.form(&parts).await] {
        assert_eq!(answer.status, 201, "{}", answer.json());
        let documents = world
            .documents(text(&answer.json(), "initial_bead_id"))
            .await;
        assert_eq!(documents.len(), 10);
        assert_eq!(documents[9].path, "plans/ORIGINAL_PRD.10.md");
        let whole: String = documents.into_iter().map(|one| one.content).collect();
        assert!(whole == prd, "the files are the document");
    }
}

#[tokio::test]
async fn only_those_who_may_register_projects_may_bootstrap_one() {
    let world = World::new().await;
    let viewer = token(&world.platform, Role::Viewer).await;
    let before = world.snapshot().await;
    let request = call("POST", PATH).json(body(json!({}))).token(&viewer);
    let answer = request.send(&world.platform, loom_projects::handle).await;
    assert_eq!(answer.status, 403);
    assert!(world.snapshot().await == before);
}

#[tokio::test]
async fn a_repeated_request_begins_nothing_twice() {
    let world = World::new().await;
    let request = || {
        call("POST", PATH)
            .header("idempotency-key", "one")
            .json(body(json!({})))
    };
    let first = world.send(request()).await;
    assert_eq!(first.status, 201, "{}", first.json());
    let before = world.snapshot().await;
    let second = world.send(request()).await;
    assert_eq!((second.status, second.json()), (201, first.json()));
    assert_eq!(second.header("idempotency-replay"), "true");
    assert_eq!(second.header("location"), first.header("location"));
    assert!(world.snapshot().await == before);
}
