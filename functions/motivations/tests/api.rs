//! Every route of `motivations`, over its `handle`.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a broken assumption of a test should stop it at once"
)]

mod world;

use loom_api::testing::{assert_access, call};
use loom_domain::motivation::built_in;
use loom_platform::native::NativePlatform;
use serde_json::{Value, json};
use world::World;

const BASE: &str = "/api/v1/motivations";

fn ids(list: &Value) -> Vec<&str> {
    list.as_array()
        .unwrap()
        .iter()
        .map(|one| one["id"].as_str().unwrap())
        .collect()
}

fn wanted(world: &World) -> Value {
    json!({
        "name": "Nightly build", "condition": "scheduled_interval", "parameters": {"minutes": 1440}, "role": "devops",
        "project_id": world.project.id, "priority": 70,
        "bead_template": {"title": "Build everything", "type": "task", "priority": "P1", "tags": ["nightly"]},
    })
}

async fn create(world: &World) -> String {
    let answer = world.post(BASE, wanted(world)).await;
    assert_eq!(answer.status, 201, "{}", answer.json());
    let id = answer.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(answer.header("location"), format!("{BASE}/{id}"));
    id
}

#[tokio::test]
async fn each_route_lets_in_whom_its_permission_allows() {
    let world = World::new().await;
    let (all, writers) = ("admin user viewer", "admin user");
    let expected = [
        ("GET /api/v1/motivations", all),
        ("POST /api/v1/motivations", writers),
        ("GET /api/v1/motivations/history", all),
        ("GET /api/v1/motivations/idle", all),
        ("GET /api/v1/motivations/roles", all),
        ("POST /api/v1/motivations/defaults", writers),
        ("GET /api/v1/motivations/{id}", all),
        ("PUT /api/v1/motivations/{id}", writers),
        ("PATCH /api/v1/motivations/{id}", writers),
        ("DELETE /api/v1/motivations/{id}", writers),
        ("POST /api/v1/motivations/{id}/enable", writers),
        ("POST /api/v1/motivations/{id}/disable", writers),
        ("POST /api/v1/motivations/{id}/trigger", writers),
        ("POST /internal/sweep", "private"),
    ];
    let routes = loom_motivations::routes::<NativePlatform>();
    assert_access(&world.platform, routes, loom_motivations::handle, &expected).await;
}

#[tokio::test]
async fn templates_are_listed_and_do_nothing() {
    let world = World::new().await;
    let list = world.get(&format!("{BASE}?limit=1000")).await.json();
    assert_eq!(ids(&list).len(), built_in::all().count());
    for one in list.as_array().unwrap() {
        assert_eq!(one["status"], "template");
        assert_eq!(
            (&one["project_id"], &one["next_fire_at"]),
            (&json!(null), &json!(null))
        );
        assert_eq!(one["is_built_in"], true);
    }
    for (query, expected) in [
        ("role=QA", 6),
        ("role=ceo&type=idle", 1),
        ("type=external", 4),
        ("active=true", 0),
        ("built_in=false", 0),
        ("project_id=none", 0),
    ] {
        let list = world.get(&format!("{BASE}?{query}")).await.json();
        assert_eq!(ids(&list).len(), expected, "{query}");
    }
    assert_eq!(world.get(&format!("{BASE}?type=moon")).await.status, 422);
    let mut path = format!("{BASE}?limit=10");
    let mut seen = Vec::new();
    while !path.is_empty() {
        let answer = world.get(&path).await;
        seen.extend(ids(&answer.json()).into_iter().map(str::to_owned));
        let link = answer.header("link");
        path = link
            .split_once('>')
            .map_or(String::new(), |(path, _)| path[1..].to_owned());
    }
    assert_eq!(seen, ids(&list), "in pages");
    let template = "ceo-decision-pending";
    for (method, action) in [("POST", "/trigger"), ("POST", "/disable"), ("PUT", "")] {
        let request = call(method, &format!("{BASE}/{template}{action}")).json(json!({}));
        let answer = world.send(request).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (409, "motivation_is_template")
        );
    }
    let answer = world
        .send(call("DELETE", &format!("{BASE}/{template}")))
        .await;
    assert_eq!((answer.status, answer.code().as_str()), (409, "built_in"));
}

#[tokio::test]
async fn a_motivation_is_made_read_changed_and_deleted() {
    let world = World::new().await;
    let id = create(&world).await;
    let path = format!("{BASE}/{id}");
    let read = world.get(&path).await;
    let made = read.json();
    assert_eq!(made["role"], "devops-engineer");
    assert_eq!(made["type"], "interval");
    assert_eq!(
        made["breaker"],
        json!({"state": "closed", "failures": 0, "wait_ms": 0, "retry_at": null})
    );
    assert!(made["next_fire_at"].is_string());
    let etag = read.header("etag").to_owned();
    let put = call("PUT", &path)
        .header("if-match", &etag)
        .json(json!({"priority": 20}));
    let changed = world.send(put).await;
    assert_eq!(changed.json()["priority"], 20);
    assert_eq!(
        changed.json()["name"],
        "Nightly build",
        "what is absent stays"
    );
    let stale = call("PATCH", &path)
        .header("if-match", &etag)
        .json(json!({"priority": 30}));
    assert_eq!(world.send(stale).await.status, 412);
    let patch = call("PATCH", &path).json(json!({"condition": "month_boundary"}));
    let other = world.send(patch).await.json();
    assert_eq!(
        (&other["type"], &other["parameters"]),
        (&json!("calendar"), &json!({}))
    );
    assert_ne!(other["next_fire_at"], made["next_fire_at"]);
    for (body, field) in [
        (json!({"priority": 101}), "priority"),
        (json!({"project_id": "other"}), "project_id"),
        (json!({"condition": "moon"}), "condition"),
    ] {
        let answer = world.send(call("PUT", &path).json(body)).await;
        assert_eq!(answer.status, 422);
        assert!(
            answer.json()["fields"][field].is_string(),
            "{}",
            answer.json()
        );
    }
    assert_eq!(world.send(call("DELETE", &path)).await.status, 204);
    assert_eq!(world.get(&path).await.code(), "motivation_not_found");
    let kinds = world.events().await;
    let ours: Vec<&str> = kinds
        .iter()
        .map(String::as_str)
        .filter(|kind| kind.starts_with("motivation."))
        .collect();
    assert_eq!(
        ours,
        [
            "motivation.updated",
            "motivation.updated",
            "motivation.updated",
            "motivation.deleted"
        ]
    );
}

#[tokio::test]
async fn what_cannot_be_made_is_refused_and_changes_nothing() {
    let world = World::new().await;
    for (change, field) in [
        (json!({"project_id": "none"}), "project_id"),
        (json!({"role": ""}), "role"),
        (
            json!({"bead_template": null, "wake_agent": false}),
            "wake_agent",
        ),
        (json!({"parameters": {"minutes": 1}}), "parameters.minutes"),
    ] {
        let mut body = wanted(&world);
        for (key, value) in change.as_object().unwrap() {
            body[key] = value.clone();
        }
        let answer = world.post(BASE, body).await;
        assert_eq!(answer.status, 422, "{change}");
        assert!(
            answer.json()["fields"][field].is_string(),
            "{}",
            answer.json()
        );
    }
    assert_eq!(world.count("SELECT COUNT(*) FROM motivation").await, 0);
}

#[tokio::test]
async fn a_template_is_enabled_for_a_project_and_disabled_again() {
    let world = World::new().await;
    let template = format!("{BASE}/perpetual-qa-daily-test-run");
    let answer = world.post(&format!("{template}/enable"), json!({})).await;
    assert_eq!(answer.status, 422, "for which project?");
    let body = json!({"project_id": world.project.id});
    let made = world
        .post(&format!("{template}/enable"), body.clone())
        .await
        .json();
    assert_eq!(made["status"], "active");
    assert_eq!(made["project_id"], world.project.id);
    assert_eq!(made["built_in"], "perpetual-qa-daily-test-run");
    assert_eq!(
        world.post(&format!("{template}/enable"), body).await.json(),
        made,
        "once"
    );
    let own = format!("{BASE}/{}", made["id"].as_str().unwrap());
    assert_eq!(world.send(call("DELETE", &own)).await.code(), "built_in");
    let off = world
        .post(&format!("{own}/disable"), json!({}))
        .await
        .json();
    assert_eq!(
        (&off["status"], &off["next_fire_at"]),
        (&json!("disabled"), &json!(null))
    );
    assert_eq!(
        world
            .post(&format!("{own}/trigger"), json!({}))
            .await
            .code(),
        "motivation_disabled"
    );
    let on = world.post(&format!("{own}/enable"), json!({})).await.json();
    assert_eq!(on["status"], "active");
    assert!(on["next_fire_at"].is_string());
    let elsewhere = json!({"project_id": "other"});
    assert_eq!(
        world.post(&format!("{own}/enable"), elsewhere).await.status,
        422
    );
}

#[tokio::test]
async fn a_person_fires_a_motivation() {
    let world = World::new().await;
    let id = create(&world).await;
    let path = format!("{BASE}/{id}/trigger");
    let fired = world
        .post(&path, json!({"reason": "Before the demo"}))
        .await;
    assert_eq!(fired.status, 200, "{}", fired.json());
    let fired = fired.json();
    assert_eq!(
        (&fired["result"], &fired["is_manual"]),
        (&json!("fired"), &json!(true))
    );
    assert_eq!(fired["reason"], "admin triggered it: Before the demo");
    assert_eq!(world.nudges().await, 1);
    let bead = world.bead(fired["bead_id"].as_str().unwrap()).await;
    assert_eq!(bead.title, "[devops-engineer] Build everything");
    assert_eq!(bead.wanted_role.as_deref(), Some("devops-engineer"));
    assert_eq!(bead.tags, ["nightly", "auto-filed"]);
    assert_eq!(bead.context["motivation_id"], json!(id));
    let again = world.post(&path, json!({})).await;
    assert_eq!(
        (again.status, again.code().as_str()),
        (409, "motivation_bead_open")
    );
    assert_eq!(again.json()["details"]["bead_id"], bead.id);
    let history = world
        .get(&format!("{BASE}/history?motivation_id={id}"))
        .await
        .json();
    assert_eq!(ids(&history), [fired["id"].as_str().unwrap()]);
    let none = world
        .get(&format!("{BASE}/history?result=missed"))
        .await
        .json();
    assert_eq!(none, json!([]));
}

#[tokio::test]
async fn the_views_tell_who_is_idle_and_which_roles_there_are() {
    let world = World::new().await;
    world.agent(world.start, "A", "qa-engineer").await;
    let idle = world.get(&format!("{BASE}/idle")).await.json();
    assert_eq!(
        (&idle["is_system_idle"], &idle["total_agents"]),
        (&json!(false), &json!(1))
    );
    assert_eq!(idle["idle_projects"], json!([]));
    world
        .sql("UPDATE event SET created_at = created_at - 3600000", vec![])
        .await;
    let idle = world.get(&format!("{BASE}/idle")).await.json();
    assert_eq!(idle["is_system_idle"], true);
    assert_eq!(idle["idle_projects"], json!([world.project.id]));
    let roles = world.get(&format!("{BASE}/roles")).await.json();
    let ceo = &roles[0];
    assert_eq!(
        (&ceo["role"], &ceo["is_human_seat"]),
        (&json!("ceo"), &json!(true))
    );
    assert_eq!(ceo["templates"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn defaults_are_made_once() {
    let world = World::new().await;
    let path = format!("{BASE}/defaults");
    let first = world
        .post(&path, json!({"project_id": world.project.id}))
        .await
        .json();
    let expected = built_in::all().filter(|one| one.is_default()).count();
    assert_eq!(first, json!({"status": "ok", "count": expected}));
    assert_eq!(world.post(&path, json!({})).await.json()["count"], 0);
    let list = world
        .get(&format!("{BASE}?active=true&limit=1000"))
        .await
        .json();
    assert_eq!(ids(&list).len(), expected);
    let unknown = world.post(&path, json!({"project_id": "none"})).await;
    assert_eq!(unknown.status, 404);
}
