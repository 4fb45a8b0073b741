//! Every route of `providers`, over its `handle`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a helper of tests fails the test"
)]

use loom_api::Access;
use loom_api::testing::{Answer, Call, Calls, builder, call, play, rows, token};
use loom_domain::account::Role;
use loom_platform::native::{NativePlatform, handler};
use loom_platform::{Platform, Statements, body_from};
use serde_json::{Value, json};

struct World {
    platform: NativePlatform,
    admin: String,
    heartbeats: Calls,
}

impl World {
    async fn new() -> Self {
        let platform = builder()
            .variable("tokenhub_api_key", "sk-test")
            .build()
            .unwrap();
        let heartbeats = play(&platform, "provider-heartbeat");
        let admin = token(&platform, Role::Admin).await;
        Self {
            platform,
            admin,
            heartbeats,
        }
    }

    async fn send(&self, request: Call) -> Answer {
        request
            .token(&self.admin)
            .send(&self.platform, loom_providers::handle)
            .await
    }

    async fn get(&self, path: &str) -> Answer {
        self.send(call("GET", path)).await
    }

    async fn register(&self, body: Value) -> Answer {
        self.send(call("POST", "/api/v1/providers").json(body))
            .await
    }

    async fn heartbeats(&self) -> usize {
        self.platform.tasks().finished().await;
        self.heartbeats.count()
    }

    async fn snapshot(&self) -> Vec<String> {
        rows(&self.platform, &["provider", "event"]).await
    }

    /// Lets the host `tokenhub` answer every request with this.
    fn answers(&self, status: u16, body: &'static str) {
        let answer = handler(move |_| async move {
            http::Response::builder()
                .status(status)
                .body(body_from(body))
                .unwrap()
        });
        self.platform.http().route("tokenhub", answer);
    }
}

fn tokenhub() -> Value {
    json!({"name": "Token Hub", "endpoint": "http://tokenhub:8090/v1/"})
}

#[tokio::test]
async fn each_route_lets_in_whom_its_permission_allows() {
    let world = World::new().await;
    for declared in loom_providers::routes::<NativePlatform>().table() {
        let Access::Permission(permission) = declared.access else {
            panic!("{} {} is open to anybody", declared.method, declared.path);
        };
        let path = declared.path.replace("{id}", "none");
        let request = || call(declared.method.as_str(), &path);
        assert_eq!(
            request()
                .send(&world.platform, loom_providers::handle)
                .await
                .status,
            401
        );
        for role in Role::ALL {
            let token = token(&world.platform, role).await;
            let answer = request()
                .token(&token)
                .send(&world.platform, loom_providers::handle)
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
async fn a_provider_is_registered_pending_and_probed_at_once() {
    let world = World::new().await;
    let answer = world.register(tokenhub()).await;
    assert_eq!(answer.status, 201, "{}", answer.json());
    let provider = answer.json();
    assert_eq!(
        (&provider["id"], &provider["status"]),
        (&json!("token-hub"), &json!("pending"))
    );
    assert_eq!(provider["endpoint"], "http://tokenhub:8090/v1");
    assert_eq!(
        world.get("/api/v1/providers/token-hub").await.json(),
        provider
    );
    assert_eq!(
        world.get("/api/v1/providers").await.json(),
        json!([provider])
    );
    assert_eq!(world.heartbeats().await, 1);
}

#[tokio::test]
async fn bad_registrations_change_nothing() {
    let world = World::new().await;
    world.register(tokenhub()).await;
    let before = world.snapshot().await;
    for (extra, status, code, field) in [
        (
            json!({"api_key": "sk-secret"}),
            422,
            "invalid_fields",
            "api_key",
        ),
        (json!({"type": "ollama"}), 422, "invalid_fields", "type"),
        (
            json!({"endpoint": "tokenhub:8090"}),
            422,
            "invalid_fields",
            "endpoint",
        ),
        (
            json!({"endpoint": "http://user@tokenhub"}),
            422,
            "invalid_fields",
            "endpoint",
        ),
        (json!({"id": "Not A Slug"}), 422, "invalid_fields", "id"),
        (
            json!({"context_window": 1}),
            422,
            "invalid_fields",
            "context_window",
        ),
        (
            json!({"prompt_price_micro_usd": -1}),
            422,
            "invalid_fields",
            "prompt_price_micro_usd",
        ),
        (json!({"colour": "red"}), 422, "invalid_fields", "colour"),
        (json!({}), 409, "provider_exists", ""),
    ] {
        let mut body = tokenhub();
        for (name, value) in extra.as_object().unwrap() {
            body[name] = value.clone();
        }
        let answer = world.register(body).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (status, code),
            "{extra}: {}",
            answer.json()
        );
        let text = answer.json().to_string();
        assert!(!text.contains("sk-secret"), "{text}");
        if !field.is_empty() {
            assert!(
                answer.json()["fields"].get(field).is_some(),
                "{extra}: {text}"
            );
        }
        assert_eq!(world.snapshot().await, before, "{extra}");
    }
    let answer = world
        .register(json!({"name": "x", "endpoint": "http://t", "api_key": "k"}))
        .await;
    let hint = answer.json()["fields"]["api_key"].to_string();
    assert!(hint.contains("SPIN_VARIABLE_TOKENHUB_API_KEY"), "{hint}");
    assert_eq!(world.heartbeats().await, 1);
}

#[tokio::test]
async fn a_new_endpoint_is_probed_again_and_versions_are_honoured() {
    let world = World::new().await;
    let path = "/api/v1/providers/token-hub";
    let tag = world.register(tokenhub()).await.header("etag").to_owned();
    let put = |tag: &str, body: Value| call("PUT", path).header("if-match", tag).json(body);
    let sql = "UPDATE provider SET status = 'healthy'";
    world
        .platform
        .database()
        .execute(sql, vec![])
        .await
        .unwrap();
    let answer = world.send(put(&tag, json!({"model": "m"}))).await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (412, "version_conflict"),
        "its health is part of what is shown"
    );
    let tag = world.get(path).await.header("etag").to_owned();
    let answer = world.send(put(&tag, json!({"model": "m"}))).await;
    assert_eq!(
        (&answer.json()["model"], &answer.json()["status"]),
        (&json!("m"), &json!("healthy"))
    );
    assert_eq!(world.heartbeats().await, 1);
    let answer = world
        .send(put(
            answer.header("etag"),
            json!({"endpoint": "http://elsewhere"}),
        ))
        .await;
    assert_eq!(answer.json()["status"], "pending");
    assert_eq!(world.heartbeats().await, 2);
    let before = world.snapshot().await;
    let answer = world
        .send(call("PUT", path).json(json!({"id": "other"})))
        .await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (422, "invalid_fields")
    );
    assert_eq!(world.snapshot().await, before);
    let answer = world.send(call("DELETE", path)).await;
    assert_eq!((answer.status, answer.body.len()), (204, 0));
    let answer = world.get(path).await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (404, "provider_not_found")
    );
}

#[tokio::test]
async fn models_are_asked_for_live_and_failures_are_told_apart() {
    let world = World::new().await;
    world.register(tokenhub()).await;
    let path = "/api/v1/providers/token-hub/models";
    world.answers(
        200,
        r#"{"data":[{"id":"b"},{"id":"a","context_length":8000}]}"#,
    );
    let answer = world.get(path).await;
    let models = json!({"models": [{"id": "a", "context_window": 8000}, {"id": "b", "context_window": null}]});
    assert_eq!((answer.status, answer.json()), (200, models));
    for (status, body) in [
        (502, "bad gateway"),
        (200, "<html>"),
        (404, "404 page not found"),
    ] {
        world.answers(status, body);
        let answer = world.get(path).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (502, "provider_failed"),
            "{status}"
        );
        assert!(answer.json()["details"]["failure"].is_string());
    }
    let answer = world.get("/api/v1/providers/none/models").await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (404, "provider_not_found")
    );
}
