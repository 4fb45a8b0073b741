//! Every route of `agents`, over its `handle`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a helper of tests fails the test"
)]

use loom_api::Access;
use loom_api::testing::{self, Answer, Call, builder, call, play, rows, token};
use loom_domain::account::Role;
use loom_domain::agent::AgentStatus;
use loom_domain::bead::BeadInput;
use loom_domain::project::ProjectInput;
use loom_platform::native::NativePlatform;
use loom_platform::{Database, Platform, Transaction};
use loom_store::run::{self, Claim};
use loom_store::{Change, agent, bead};
use serde_json::{Value, json};

const SKILL: &str = "---\ndescription: Does things.\n---\nDo them.\n";

struct World {
    platform: NativePlatform,
    admin: String,
    project: String,
}

impl World {
    async fn new() -> Self {
        let mut builder = builder();
        for name in [
            "default/qa-engineer",
            "default/ceo",
            "loom",
            "default/data-scientist",
        ] {
            builder = builder.file(format!("/personas/{name}/SKILL.md"), SKILL);
        }
        let platform = builder
            .file("/personas/default/web-designer/SKILL.md", "broken")
            .build()
            .unwrap();
        play(&platform, "dispatch-tick");
        let admin = token(&platform, Role::Admin).await;
        let project = testing::project(&platform, ProjectInput::default())
            .await
            .id;
        Self {
            platform,
            admin,
            project,
        }
    }

    async fn send(&self, request: Call) -> Answer {
        request
            .token(&self.admin)
            .send(&self.platform, loom_agents::handle)
            .await
    }

    async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(call("POST", path).json(body)).await
    }

    async fn agent(&self, body: Value) -> String {
        let answer = self.post("/api/v1/agents", body).await;
        assert_eq!(answer.status, 201, "{}", answer.json());
        answer.json()["id"].as_str().unwrap().to_owned()
    }

    /// Gives the agent a bead to work on.
    async fn occupy(&self, agent_id: &str) {
        let tx = self.platform.database().transaction().await.unwrap();
        let change = Change::new(&tx, self.platform.random(), "test")
            .await
            .unwrap();
        let input = BeadInput {
            project_id: Some(self.project.clone()),
            title: Some("x".to_owned()),
            ..BeadInput::default()
        };
        let (bead, _) = bead::file(&change, input, bead::Origin::default())
            .await
            .unwrap();
        let claim = Claim {
            bead_id: &bead.id,
            agent_id,
            hand_over_ms: 1000,
        };
        run::claim(&change, claim).await.unwrap();
        tx.commit().await.unwrap();
    }

    async fn snapshot(&self) -> Vec<String> {
        rows(&self.platform, &["agent", "event"]).await
    }
}

#[tokio::test]
async fn each_route_lets_in_whom_its_permission_allows() {
    let world = World::new().await;
    for declared in loom_agents::routes::<NativePlatform>().table() {
        let Access::Permission(permission) = declared.access else {
            panic!("{} {} is open to anybody", declared.method, declared.path);
        };
        let path = declared.path.replace("{id}", "none");
        let request = || call(declared.method.as_str(), &path);
        assert_eq!(
            request()
                .send(&world.platform, loom_agents::handle)
                .await
                .status,
            401
        );
        for role in Role::ALL {
            let token = token(&world.platform, role).await;
            let answer = request()
                .token(&token)
                .send(&world.platform, loom_agents::handle)
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
async fn role_and_persona_each_follow_from_the_other() {
    let world = World::new().await;
    for (body, name, role, persona) in [
        (
            json!({"role": "QA"}),
            "QA Engineer",
            "qa-engineer",
            "default/qa-engineer",
        ),
        (
            json!({"persona": "default/qa-engineer"}),
            "QA Engineer 2",
            "qa-engineer",
            "default/qa-engineer",
        ),
        (
            json!({"persona": "qa-engineer", "role": "qa_engineer"}),
            "QA Engineer 3",
            "qa-engineer",
            "default/qa-engineer",
        ),
        (
            json!({"role": "qa", "project_id": world.project}),
            "QA Engineer (Demo)",
            "qa-engineer",
            "default/qa-engineer",
        ),
        (
            json!({"role": "data-scientist"}),
            "Data Scientist",
            "data-scientist",
            "default/data-scientist",
        ),
        (
            json!({"role": "qa", "name": "Quinn"}),
            "Quinn",
            "qa-engineer",
            "default/qa-engineer",
        ),
    ] {
        let answer = world.post("/api/v1/agents", body.clone()).await;
        assert_eq!(answer.status, 201, "{body}: {}", answer.json());
        let agent = answer.json();
        assert_eq!(
            (&agent["name"], &agent["role"], &agent["persona"]),
            (&json!(name), &json!(role), &json!(persona))
        );
        assert_eq!(agent["status"], "idle", "no provider is needed");
        let read = world.send(call("GET", answer.header("location"))).await;
        assert_eq!(read.json(), agent);
    }
}

#[tokio::test]
async fn what_does_not_exist_cannot_be_spawned() {
    let world = World::new().await;
    world.agent(json!({"role": "qa", "name": "Taken"})).await;
    let before = world.snapshot().await;
    for (body, status, code, field) in [
        (json!({}), 422, "invalid_fields", "role"),
        (json!({"role": "wizard"}), 422, "invalid_fields", "role"),
        (json!({"role": "!"}), 422, "invalid_fields", "role"),
        (
            json!({"persona": "default/wizard"}),
            422,
            "invalid_fields",
            "persona",
        ),
        (
            json!({"persona": "../../etc/passwd"}),
            422,
            "invalid_fields",
            "persona",
        ),
        (
            json!({"persona": "default/qa-engineer", "role": "cto"}),
            422,
            "invalid_fields",
            "role",
        ),
        (json!({"role": "ceo"}), 422, "invalid_fields", "role"),
        (
            json!({"role": "web-designer"}),
            409,
            "persona_malformed",
            "",
        ),
        (
            json!({"role": "qa", "project_id": "none"}),
            422,
            "invalid_fields",
            "project_id",
        ),
        (
            json!({"role": "qa", "provider_id": "none"}),
            422,
            "invalid_fields",
            "provider_id",
        ),
        (
            json!({"role": "qa", "name": " "}),
            422,
            "invalid_fields",
            "name",
        ),
        (
            json!({"role": "qa", "name": "Taken"}),
            409,
            "name_taken",
            "",
        ),
        (
            json!({"role": "qa", "status": "busy"}),
            422,
            "invalid_fields",
            "status",
        ),
    ] {
        let answer = world.post("/api/v1/agents", body.clone()).await;
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
}

#[tokio::test]
async fn settings_change_and_versions_are_honoured() {
    let world = World::new().await;
    let id = world
        .agent(json!({"role": "qa", "model": "m", "project_id": world.project}))
        .await;
    let path = format!("/api/v1/agents/{id}");
    let tag = world
        .send(call("GET", &path))
        .await
        .header("etag")
        .to_owned();
    let put = |tag: &str, body: Value| call("PUT", &path).header("if-match", tag).json(body);
    let answer = world
        .send(put(&tag, json!({"name": "Quinn", "model": null})))
        .await;
    assert_eq!(answer.status, 200, "{}", answer.json());
    assert_eq!(
        (&answer.json()["name"], &answer.json()["model"]),
        (&json!("Quinn"), &json!(null))
    );
    assert_eq!(answer.json()["project_id"], world.project);
    let before = world.snapshot().await;
    let outdated = world.send(put(&tag, json!({"name": "Q"}))).await;
    assert_eq!(
        (outdated.status, outdated.code().as_str()),
        (412, "version_conflict")
    );
    assert_eq!(world.snapshot().await, before);
    world.occupy(&id).await;
    let busy = world
        .send(call("GET", &path).header("if-none-match", answer.header("etag")))
        .await;
    assert_eq!(
        (busy.status, &busy.json()["status"]),
        (200, &json!("busy")),
        "what it does is part of what is shown"
    );
    let unknown = world
        .send(call("PUT", "/api/v1/agents/none").json(json!({})))
        .await;
    assert_eq!(
        (unknown.status, unknown.code().as_str()),
        (404, "agent_not_found")
    );
}

#[tokio::test]
async fn lists_narrow_to_a_project_and_have_pages() {
    let world = World::new().await;
    let mut ids = [
        world.agent(json!({"role": "qa"})).await,
        world
            .agent(json!({"role": "qa", "project_id": world.project}))
            .await,
    ];
    ids.sort();
    let first = world
        .send(call(
            "GET",
            &format!("/api/v1/agents?limit=1&project_id={}", world.project),
        ))
        .await;
    let next = first
        .header("link")
        .split_once('>')
        .unwrap()
        .0
        .trim_start_matches('<')
        .to_owned();
    let second = world.send(call("GET", &next)).await;
    assert_eq!(
        [&first.json()[0]["id"], &second.json()[0]["id"]],
        [&json!(ids[0]), &json!(ids[1])]
    );
    let other = world
        .send(call("GET", "/api/v1/agents?project_id=none"))
        .await
        .json();
    assert_eq!(
        other.as_array().unwrap().len(),
        1,
        "who works for any project works for that one too"
    );
}

#[tokio::test]
async fn a_stuck_agent_is_reset_and_a_busy_one_is_left_alone() {
    let world = World::new().await;
    let id = world.agent(json!({"role": "qa"})).await;
    let tx = world.platform.database().transaction().await.unwrap();
    let change = Change::new(&tx, world.platform.random(), "test")
        .await
        .unwrap();
    let found = agent::get(&tx, &id).await.unwrap();
    agent::set_status(&change, &found, AgentStatus::Stuck, Some("it loops"))
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let renamed = call("PUT", &format!("/api/v1/agents/{id}")).json(json!({"name": "Quinn"}));
    assert_eq!(world.send(renamed).await.json()["status"], "stuck");
    let other = call("PUT", &format!("/api/v1/agents/{id}")).json(json!({"model": "m2"}));
    let other = world.send(other).await;
    assert_eq!(
        (&other.json()["status"], &other.json()["status_reason"]),
        (&json!("idle"), &json!(null)),
        "another model may do better"
    );
    let tx = world.platform.database().transaction().await.unwrap();
    let change = Change::new(&tx, world.platform.random(), "test")
        .await
        .unwrap();
    let found = agent::get(&tx, &id).await.unwrap();
    agent::set_status(&change, &found, AgentStatus::Stuck, Some("it loops"))
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let path = format!("/api/v1/agents/{id}/reset");
    let answer = world.post(&path, json!({})).await;
    assert_eq!(
        (&answer.json()["status"], &answer.json()["status_reason"]),
        (&json!("idle"), &json!(null))
    );
    assert_eq!(
        world.post(&path, json!({})).await.status,
        200,
        "resetting twice is no mistake"
    );
    world.occupy(&id).await;
    let before = world.snapshot().await;
    for request in [
        call("POST", &path),
        call("DELETE", &format!("/api/v1/agents/{id}")),
    ] {
        let answer = world.send(request).await;
        assert_eq!((answer.status, answer.code().as_str()), (409, "agent_busy"));
    }
    assert_eq!(world.snapshot().await, before);
    let idle = world.agent(json!({"role": "qa"})).await;
    let answer = world
        .send(call("DELETE", &format!("/api/v1/agents/{idle}")))
        .await;
    assert_eq!((answer.status, answer.body.len()), (204, 0));
    assert_eq!(
        world
            .send(call("GET", &format!("/api/v1/agents/{idle}")))
            .await
            .status,
        404
    );
}
