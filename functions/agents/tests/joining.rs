//! Clones of agents, and the limits that whoever joins must find room in, over the function's `handle`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a helper of tests fails the test"
)]

use loom_api::testing::{self, Answer, Call, api_key, builder, call, play, rows, token};
use loom_domain::{
    account::{Permission, Permissions, Role},
    agent::AgentStatus,
    org_chart::PositionInput,
    project::ProjectInput,
};
use loom_platform::native::NativePlatform;
use loom_platform::{Database, Platform, Transaction};
use loom_store::{Change, agent, org_chart, persona};
use serde_json::{Value, json};

const SKILL: &str = "---\nname: qa-engineer\ndescription: Tests things.\n---\nTest them.\n";

struct World {
    platform: NativePlatform,
    admin: String,
    project: String,
}

impl World {
    /// A project with room for three agents in a Loom with room for five.
    async fn new() -> Self {
        let mut builder = builder().variable("max_agents", "5");
        for name in [
            "default/qa-engineer",
            "default/cto",
            "default/code-reviewer",
        ] {
            let role = name.trim_start_matches("default/");
            let text = SKILL.replace("qa-engineer", role);
            builder = builder.file(format!("/personas/{name}/SKILL.md"), text);
        }
        let platform = builder.build().unwrap();
        play(&platform, "dispatch-tick");
        let admin = token(&platform, Role::Admin).await;
        let input = ProjectInput {
            max_agents: Some(3),
            ..ProjectInput::default()
        };
        let project = testing::project(&platform, input).await.id;
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

    async fn spawn(&self, body: Value) -> Answer {
        self.send(call("POST", "/api/v1/agents").json(body)).await
    }

    /// Spawns an agent for the project, and returns its id.
    async fn agent(&self, role: &str) -> String {
        let body = json!({"role": role, "project_id": self.project});
        let answer = self.spawn(body).await;
        assert_eq!(answer.status, 201, "{}", answer.json());
        answer.json()["id"].as_str().unwrap().to_owned()
    }

    async fn clone(&self, id: &str, body: Value) -> Answer {
        let path = format!("/api/v1/agents/{id}/clone");
        self.send(call("POST", &path).json(body)).await
    }

    /// Makes the chart as it is with other numbers of places.
    async fn places(&self, role: &str, places: i64) {
        let tx = self.platform.database().transaction().await.unwrap();
        let change = Change::new(&tx, self.platform.random(), "test")
            .await
            .unwrap();
        let chart = org_chart::get_or_make(&change, &self.project)
            .await
            .unwrap();
        let wanted: Vec<PositionInput> = chart
            .positions
            .iter()
            .map(|position| PositionInput {
                role: position.role.to_string(),
                required: position.required,
                max_instances: if position.role == *role {
                    Some(places)
                } else {
                    position.max_instances
                },
                reports_to: position.reports_to.as_ref().map(ToString::to_string),
            })
            .collect();
        org_chart::change_positions(&change, chart, &wanted)
            .await
            .unwrap();
        tx.commit().await.unwrap();
    }

    async fn snapshot(&self) -> Vec<String> {
        rows(
            &self.platform,
            &["agent", "persona_override", "org_position", "event"],
        )
        .await
    }
}

#[tokio::test]
async fn a_clone_is_like_its_original_but_for_what_is_asked() {
    let world = World::new().await;
    let body = json!({"role": "qa", "project_id": world.project, "model": "m", "name": "Quinn"});
    let original = world.spawn(body).await.json();
    let id = original["id"].as_str().unwrap();
    let tx = world.platform.database().transaction().await.unwrap();
    let change = Change::new(&tx, world.platform.random(), "test")
        .await
        .unwrap();
    let found = agent::get(&tx, id).await.unwrap();
    agent::set_status(&change, &found, AgentStatus::Stuck, Some("it loops"))
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let answer = world.clone(id, json!({})).await;
    assert_eq!(answer.status, 201, "{}", answer.json());
    let clone = answer.json();
    assert_eq!(clone["name"], "Quinn 2");
    for field in ["role", "persona", "project_id", "provider_id", "model"] {
        assert_eq!(clone[field], original[field], "{field}");
    }
    assert_ne!(clone["id"], original["id"]);
    assert_eq!(
        (&clone["status"], &clone["version"]),
        (&json!("idle"), &json!(1))
    );
    let read = world.send(call("GET", answer.header("location"))).await;
    assert_eq!(read.json(), clone);

    let answer = world
        .clone(id, json!({"name": "Strict Quinn", "persona": "strict"}))
        .await;
    assert_eq!(answer.status, 201, "{}", answer.json());
    let name = format!("projects/{}/qa-engineer/strict", world.project);
    assert_eq!(
        (&answer.json()["name"], &answer.json()["persona"]),
        (&json!("Strict Quinn"), &json!(name))
    );
    let copied = persona::find(world.platform.database(), &name)
        .await
        .unwrap()
        .unwrap();
    assert!(
        copied.content.ends_with("---\nTest them.\n"),
        "{}",
        copied.content
    );
    assert!(
        copied
            .content
            .contains(&format!("name: {name}\nrole: qa-engineer\n"))
    );
}

#[tokio::test]
async fn a_persona_that_exists_is_not_copied() {
    let world = World::new().await;
    let id = world.agent("qa").await;
    let own = format!("projects/{}/qa-engineer/own", world.project);
    for (asked, expected) in [
        ("qa-engineer", "default/qa-engineer"),
        ("default/qa-engineer", "default/qa-engineer"),
    ] {
        let answer = world.clone(&id, json!({"persona": asked})).await;
        assert_eq!(answer.json()["persona"], expected, "{}", answer.json());
        let clone = answer.json()["id"].as_str().unwrap().to_owned();
        let path = format!("/api/v1/agents/{clone}");
        assert_eq!(world.send(call("DELETE", &path)).await.status, 204);
    }
    world.clone(&id, json!({"persona": "own"})).await;
    let first = persona::find(world.platform.database(), &own)
        .await
        .unwrap()
        .unwrap();
    let answer = world.clone(&id, json!({"persona": "own"})).await;
    assert_eq!(answer.json()["persona"], own);
    let again = persona::find(world.platform.database(), &own)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(first, again);
}

#[tokio::test]
async fn what_cannot_be_cloned_changes_nothing() {
    let world = World::new().await;
    let id = world.agent("qa").await;
    world
        .spawn(json!({"role": "code-reviewer", "name": "Taken"}))
        .await;
    let before = world.snapshot().await;
    for (body, status, code, field) in [
        (json!({"name": "Taken"}), 409, "name_taken", ""),
        (json!({"name": " "}), 422, "invalid_fields", "name"),
        (json!({"persona": "../x"}), 422, "invalid_fields", "persona"),
        (
            json!({"persona": "Strict"}),
            422,
            "invalid_fields",
            "persona",
        ),
        // The persona of another role.
        (
            json!({"persona": "code-reviewer"}),
            422,
            "invalid_fields",
            "role",
        ),
        (json!({"replace": true}), 422, "invalid_fields", "replace"),
    ] {
        let answer = world.clone(&id, body.clone()).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (status, code),
            "{body}: {}",
            answer.json()
        );
        let has_field = answer.json()["fields"].get(field).is_some();
        assert!(field.is_empty() || has_field, "{body}: {}", answer.json());
        assert_eq!(world.snapshot().await, before, "{body}");
    }
    let answer = world.clone("none", json!({})).await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (404, "agent_not_found")
    );
    assert_eq!(world.snapshot().await, before);
}

#[tokio::test]
async fn whoever_joins_must_find_room() {
    let world = World::new().await;
    world.places("qa-engineer", 1).await;
    let qa = world.agent("qa").await;
    let free = json!({"role": "code-reviewer"});
    let mine = |role: &str| json!({"role": role, "project_id": world.project});
    let before = world.snapshot().await;
    for answer in [
        world.spawn(mine("qa")).await,
        world.clone(&qa, json!({})).await,
        world.clone(&qa, json!({"persona": "strict"})).await,
    ] {
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (409, "max_instances_reached"),
            "{}",
            answer.json()
        );
        assert_eq!(answer.json()["details"], json!({"agents": 1, "limit": 1}));
    }
    assert_eq!(world.snapshot().await, before);

    let reviewer = world.agent("code-reviewer").await;
    let moving = |id: &str, body: Value| call("PUT", &format!("/api/v1/agents/{id}")).json(body);
    let answer = world.send(moving(&reviewer, json!({"role": "qa"}))).await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (409, "max_instances_reached"),
        "nor does one get there by changing its role"
    );
    world.agent("code-reviewer").await;
    let before = world.snapshot().await;
    for answer in [
        world.spawn(mine("cto")).await,
        world.clone(&reviewer, json!({})).await,
    ] {
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (409, "project_max_agents_reached"),
            "{}",
            answer.json()
        );
    }
    assert_eq!(world.snapshot().await, before);
    let answer = world.send(moving(&reviewer, json!({"role": "cto"}))).await;
    assert_eq!(
        answer.status,
        200,
        "it takes up no more room: {}",
        answer.json()
    );

    let anywhere = world.spawn(free.clone()).await;
    assert_eq!(anywhere.status, 201);
    let anywhere = anywhere.json()["id"].as_str().unwrap().to_owned();
    let answer = world
        .send(moving(&anywhere, json!({"project_id": world.project})))
        .await;
    assert_eq!(answer.code(), "project_max_agents_reached");
    assert_eq!(world.spawn(free.clone()).await.status, 201);
    let before = world.snapshot().await;
    for answer in [
        world.spawn(free).await,
        world.clone(&anywhere, json!({})).await,
    ] {
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (409, "max_agents_reached"),
            "{}",
            answer.json()
        );
    }
    assert_eq!(world.snapshot().await, before);
    assert_eq!(
        agent::all(world.platform.database()).await.unwrap().len(),
        5
    );
}

#[tokio::test]
async fn a_new_persona_needs_the_permission_to_write_personas() {
    let world = World::new().await;
    let id = world.agent("qa").await;
    let path = format!("/api/v1/agents/{id}/clone");
    let key = api_key(
        &world.platform,
        Role::Admin,
        Permissions::from_iter([Permission::AgentsWrite]),
    )
    .await;
    let before = world.snapshot().await;
    let answer = call("POST", &path)
        .json(json!({"persona": "strict"}))
        .token(&key)
        .send(&world.platform, loom_agents::handle)
        .await;
    assert_eq!((answer.status, answer.code().as_str()), (403, "forbidden"));
    assert_eq!(answer.json()["details"]["permission"], "personas:write");
    assert_eq!(world.snapshot().await, before);
    let answer = call("POST", &path)
        .json(json!({"name": "Plain"}))
        .token(&key)
        .send(&world.platform, loom_agents::handle)
        .await;
    assert_eq!(answer.status, 201, "{}", answer.json());
}
