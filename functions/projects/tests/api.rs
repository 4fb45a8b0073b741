//! Every route of `projects`, over its `handle`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a helper of tests fails the test"
)]

use loom_api::Access;
use loom_api::testing::{self, Answer, Call, call, count, platform, play, rows, token};
use loom_domain::account::Role;
use loom_platform::native::NativePlatform;
use loom_platform::{Database, Platform, Statements, Transaction};
use loom_store::run::{self, Claim};
use loom_store::{Change, agent};
use serde_json::{Value, json};

struct World {
    platform: NativePlatform,
    admin: String,
}

impl World {
    async fn new() -> Self {
        let platform = platform();
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

    async fn get(&self, path: &str) -> Answer {
        self.send(call("GET", path)).await
    }

    async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(call("POST", path).json(body)).await
    }

    async fn project(&self, name: &str) -> String {
        let answer = self
            .post(
                "/api/v1/projects",
                json!({"name": name, "git_repo": "/srv/demo"}),
            )
            .await;
        assert_eq!(answer.status, 201, "{}", answer.json());
        answer.json()["id"].as_str().unwrap().to_owned()
    }

    async fn bead(&self, project_id: &str) -> String {
        testing::bead(&self.platform, project_id, "x").await.id
    }

    async fn count(&self, table: &str) -> i64 {
        count(&self.platform, &format!("SELECT COUNT(*) FROM {table}")).await
    }

    async fn snapshot(&self) -> Vec<String> {
        rows(
            &self.platform,
            &["project", "agent", "org_position", "bead", "run", "event"],
        )
        .await
    }
}

#[tokio::test]
async fn each_route_lets_in_whom_its_permission_allows() {
    let world = World::new().await;
    for declared in loom_projects::routes::<NativePlatform>().table() {
        let Access::Permission(permission) = declared.access else {
            panic!("{} {} is open to anybody", declared.method, declared.path);
        };
        let path = declared
            .path
            .replace("{id}", "none")
            .replace("{project_id}", "none");
        let request = || call(declared.method.as_str(), &path);
        assert_eq!(
            request()
                .send(&world.platform, loom_projects::handle)
                .await
                .status,
            401
        );
        for role in Role::ALL {
            let token = token(&world.platform, role).await;
            let answer = request()
                .token(&token)
                .send(&world.platform, loom_projects::handle)
                .await;
            let allowed = role.permissions().contains(permission);
            assert_eq!(
                answer.status != 403,
                allowed,
                "{} {path} as {role:?}",
                declared.method
            );
        }
    }
}

#[tokio::test]
async fn a_project_comes_with_a_team() {
    let world = World::new().await;
    let answer = world
        .post(
            "/api/v1/projects",
            json!({"name": "Demo app", "git_repo": "/srv/demo"}),
        )
        .await;
    assert_eq!(answer.status, 201, "{}", answer.json());
    let project = answer.json();
    let id = project["id"].as_str().unwrap();
    assert_eq!(answer.header("location"), format!("/api/v1/projects/{id}"));
    assert_eq!(
        (&project["bead_prefix"], &project["branch"]),
        (&json!("demoapp"), &json!("main"))
    );
    let read = world.get(&format!("/api/v1/projects/{id}")).await;
    assert_eq!(
        (read.json(), read.header("etag")),
        (project.clone(), "\"v1\"")
    );
    let team = agent::all(world.platform.database()).await.unwrap();
    let mut names: Vec<&str> = team.iter().map(|agent| agent.name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "Code Reviewer (Demo app)",
            "Engineering Manager (Demo app)",
            "Product Manager (Demo app)",
            "QA Engineer (Demo app)",
            "Web Designer (Demo app)"
        ]
    );
    for agent in &team {
        assert_eq!(agent.project_id.as_deref(), Some(id));
        assert_eq!(agent.persona, format!("default/{}", agent.role));
    }
}

#[tokio::test]
async fn the_team_may_be_chosen() {
    let world = World::new().await;
    for (name, team, expected) in [
        ("A", json!([]), vec![]),
        (
            "B",
            json!(["QA", "qa-engineer"]),
            vec!["QA Engineer (B)", "QA Engineer (B) 2"],
        ),
    ] {
        let before = world.count("agent").await;
        let body = json!({"name": name, "git_repo": "/srv/demo", "team": team});
        let answer = world.post("/api/v1/projects", body).await;
        assert_eq!(answer.status, 201, "{}", answer.json());
        assert_eq!(
            world.count("agent").await - before,
            i64::try_from(expected.len()).unwrap()
        );
        let all = agent::all(world.platform.database()).await.unwrap();
        for name in expected {
            assert!(all.iter().any(|agent| agent.name == name), "{name}");
        }
    }
}

#[tokio::test]
async fn bad_registrations_change_nothing() {
    let world = World::new().await;
    world.project("Taken").await;
    let before = world.snapshot().await;
    for (body, status, code, field) in [
        (json!({}), 422, "invalid_fields", "name"),
        (
            json!({"name": "x", "git_repo": "relative"}),
            422,
            "invalid_fields",
            "git_repo",
        ),
        (
            json!({"name": "x", "git_repo": "/srv", "branch": "a..b"}),
            422,
            "invalid_fields",
            "branch",
        ),
        (
            json!({"name": "x", "git_repo": "/srv", "repo": "y"}),
            422,
            "invalid_fields",
            "repo",
        ),
        (
            json!({"name": "x", "git_repo": "/srv", "team": ["wizard"]}),
            422,
            "invalid_fields",
            "team[0]",
        ),
        (
            json!({"name": "x", "git_repo": "/srv", "team": ["qa", "ceo"]}),
            422,
            "invalid_fields",
            "team[1]",
        ),
        (
            json!({"name": "x", "git_repo": "/srv", "team": "qa"}),
            422,
            "invalid_fields",
            "team",
        ),
        (
            json!({"name": "Taken", "git_repo": "/srv"}),
            409,
            "name_taken",
            "",
        ),
        (
            json!({"name": "x", "git_repo": "/srv", "bead_prefix": "taken"}),
            409,
            "prefix_taken",
            "",
        ),
    ] {
        let answer = world.post("/api/v1/projects", body.clone()).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (status, code),
            "{body}: {}",
            answer.json()
        );
        if !field.is_empty() {
            assert!(
                answer.json()["fields"].get(field).is_some(),
                "{body}: {}",
                answer.json()
            );
        }
        assert_eq!(world.snapshot().await, before, "{body}");
    }
    for (body, code) in [("{\"name\":", "invalid_json"), ("", "invalid_json")] {
        let request = call("POST", "/api/v1/projects")
            .header("content-type", "application/json")
            .body(body);
        let answer = world.send(request).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, code));
    }
    let answer = world.get("/api/v1/projects/none").await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (404, "project_not_found")
    );
}

#[tokio::test]
async fn a_repository_on_github_belongs_to_one_project() {
    let world = World::new().await;
    let register = |name: &'static str, body: Value| {
        let mut body = body;
        body["name"] = name.into();
        world.post("/api/v1/projects", body)
    };
    let settings = json!({"merge_method": "rebase", "labels": {"ux": {"type": "ui"}}});
    let widget = json!({"git_repo": "git@github.com:Acme/Widget.git", "github": settings});
    let answer = register("Widget", widget).await;
    assert_eq!(answer.status, 201, "{}", answer.json());
    assert_eq!(answer.json()["git_repo"], "https://github.com/Acme/Widget");
    assert_eq!(answer.json()["github"]["merge_method"], "rebase");
    assert_eq!(answer.json()["github"]["file_issues"], true);

    let before = world.snapshot().await;
    let again = json!({"git_repo": "https://github.com/acme/widget"});
    let elsewhere = json!({"git_repo": "https://git.example.com/acme/widget"});
    let on_disk = json!({"git_repo": "/srv", "github": {}});
    let wrong =
        json!({"git_repo": "https://github.com/acme/w", "github": {"required_approvals": 7}});
    for (body, status, what) in [
        (again, 409, "repository_taken"),
        (elsewhere, 422, "git_repo"),
        (on_disk, 422, "github"),
        (wrong, 422, "github.required_approvals"),
    ] {
        let answer = register("Other", body).await;
        assert_eq!(answer.status, status, "{}", answer.json());
        let told = answer.code() == what || answer.json()["fields"].get(what).is_some();
        assert!(told, "{}", answer.json());
    }
    assert_eq!(world.snapshot().await, before);
}

#[tokio::test]
async fn pages_show_every_project_once() {
    let world = World::new().await;
    let mut ids = Vec::new();
    for name in ["A", "B", "C"] {
        ids.push(world.project(name).await);
    }
    ids.sort();
    let first = world.get("/api/v1/projects?limit=2").await;
    let next = first
        .header("link")
        .split_once('>')
        .unwrap()
        .0
        .trim_start_matches('<')
        .to_owned();
    let second = world.get(&next).await;
    let mut seen = first.json().as_array().unwrap().clone();
    seen.extend(second.json().as_array().unwrap().clone());
    let seen: Vec<&str> = seen
        .iter()
        .map(|project| project["id"].as_str().unwrap())
        .collect();
    assert_eq!(seen, ids);
    assert_eq!(second.header("link"), "");
}

#[tokio::test]
async fn put_changes_what_it_names_and_honours_versions() {
    let world = World::new().await;
    let id = world.project("A").await;
    let path = format!("/api/v1/projects/{id}");
    let put = |tag: &str, body: Value| call("PUT", &path).header("if-match", tag).json(body);
    let answer = world
        .send(put(
            "\"v1\"",
            json!({"test_command": "cargo test", "budget_micro_usd": 5}),
        ))
        .await;
    assert_eq!((answer.status, answer.header("etag")), (200, "\"v2\""));
    assert_eq!(
        (&answer.json()["name"], &answer.json()["test_command"]),
        (&json!("A"), &json!("cargo test"))
    );
    let before = world.snapshot().await;
    let answer = world.send(put("\"v1\"", json!({"name": "B"}))).await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (412, "version_conflict")
    );
    let answer = world.send(put("\"v2\"", json!({"name": ""}))).await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (422, "invalid_fields")
    );
    let answer = world.send(put("\"v2\"", json!({"name": "A"}))).await;
    assert_eq!(
        (answer.status, answer.header("etag")),
        (200, "\"v2\""),
        "nothing changes, nothing is written"
    );
    assert_eq!(world.snapshot().await, before);
}

#[tokio::test]
async fn a_project_closes_when_its_beads_are_closed_or_by_force() {
    let world = World::new().await;
    let id = world.project("A").await;
    let bead = world.bead(&id).await;
    let agent = agent::all(world.platform.database())
        .await
        .unwrap()
        .remove(0)
        .id;
    let tx = world.platform.database().transaction().await.unwrap();
    let change = Change::new(&tx, world.platform.random(), "test")
        .await
        .unwrap();
    let claim = Claim {
        bead_id: &bead,
        agent_id: &agent,
        hand_over_ms: 1000,
    };
    let run_id = run::claim(&change, claim).await.unwrap().run_id;
    tx.commit().await.unwrap();
    let state = world
        .get(&format!("/api/v1/projects/{id}/state"))
        .await
        .json();
    assert_eq!(
        state["beads"],
        json!({"open": 0, "in_progress": 1, "blocked": 0, "closed": 0})
    );
    assert_eq!(
        (
            &state["open_beads"],
            &state["can_close"],
            &state["running_runs"]
        ),
        (&json!(1), &json!(false), &json!(1))
    );
    assert_eq!(
        state["budget"],
        json!({"cap_micro_usd": null, "reserved_micro_usd": 0, "spent_micro_usd": 0, "granted_micro_usd": 0,
            "is_withheld": false})
    );

    let close = format!("/api/v1/projects/{id}/close");
    let before = world.snapshot().await;
    let answer = world.post(&close, json!({"comment": "done"})).await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (409, "project_has_open_beads")
    );
    assert!(
        answer.json()["error"]
            .as_str()
            .unwrap()
            .contains("POST /api/v1/decisions")
    );
    assert_eq!(answer.json()["details"]["open_beads"], 1);
    assert_eq!(world.snapshot().await, before);

    let answer = world
        .post(&close, json!({"force": true, "comment": "enough"}))
        .await;
    assert_eq!(
        (answer.status, &answer.json()["status"]),
        (200, &json!("closed"))
    );
    let run = run::get(world.platform.database(), &run_id).await.unwrap();
    assert_eq!(run.status.as_str(), "cancelled");
    let sql =
        "SELECT kind, data FROM event WHERE kind LIKE 'project.%' ORDER BY sequence DESC LIMIT 2";
    let rows = world.platform.database().query(sql, vec![]).await.unwrap();
    assert!(rows[0].text(1).unwrap().contains("enough"));
    assert_eq!(rows[1].text(0).unwrap(), "project.closed");

    let answer = world.post(&close, json!({})).await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (409, "illegal_transition")
    );
    let reopen = format!("/api/v1/projects/{id}/reopen");
    let answer = world.post(&reopen, json!({})).await;
    assert_eq!(
        (&answer.json()["status"], &answer.json()["closed_at"]),
        (&json!("open"), &json!(null))
    );
    let answer = world.post(&reopen, json!({})).await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (409, "illegal_transition")
    );
    for path in [close, reopen] {
        let answer = world
            .post(&path, json!({"comment": "x".repeat(5000)}))
            .await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (422, "invalid_fields")
        );
    }
}

#[tokio::test]
async fn a_perpetual_project_never_closes() {
    let world = World::new().await;
    let body = json!({"name": "A", "git_repo": "/srv", "is_perpetual": true});
    let id = world.post("/api/v1/projects", body).await.json()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let answer = world
        .post(
            &format!("/api/v1/projects/{id}/close"),
            json!({"force": true}),
        )
        .await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (409, "project_is_perpetual")
    );
}

#[tokio::test]
async fn only_a_project_without_beads_is_deleted_and_its_team_goes_with_it() {
    let world = World::new().await;
    let used = world.project("Used").await;
    world.bead(&used).await;
    let before = world.snapshot().await;
    let answer = world
        .send(call("DELETE", &format!("/api/v1/projects/{used}")))
        .await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (409, "project_has_beads")
    );
    assert_eq!(world.snapshot().await, before);
    let unused = world.project("Unused").await;
    let answer = world
        .send(call("DELETE", &format!("/api/v1/projects/{unused}")))
        .await;
    assert_eq!((answer.status, answer.body.len()), (204, 0));
    assert_eq!(world.count("project").await, 1);
    assert_eq!(
        world.count("agent").await,
        5,
        "the other project's team stays"
    );
}
