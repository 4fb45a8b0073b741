//! Every route of `system`, over its `handle`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a helper of tests fails the test"
)]

use std::sync::{Arc, Mutex};

use loom_api::Access;
use loom_api::testing::{Answer, SERVICE_TOKEN, call, platform, play, token};
use loom_domain::account::Role;
use loom_domain::provider::ProviderInput;
use loom_platform::native::{NativePlatform, handler};
use loom_platform::{Database, KeyValue, Platform, Statements, Transaction, body_from};
use loom_store::provider::{self, Probe};
use loom_store::{Change, migrate::migrate};
use serde_json::json;

async fn get(platform: &NativePlatform, path: &str) -> Answer {
    call("GET", path).send(platform, loom_system::handle).await
}

async fn provider(platform: &NativePlatform, id: &str, healthy: bool) {
    migrate(platform.database()).await.unwrap();
    let input = ProviderInput {
        id: Some(id.to_owned()),
        name: Some(id.to_owned()),
        endpoint: Some("http://t".to_owned()),
        ..ProviderInput::default()
    };
    let tx = platform.database().transaction().await.unwrap();
    let change = Change::new(&tx, platform.random(), "test").await.unwrap();
    let provider = provider::register(&change, input.register().unwrap())
        .await
        .unwrap();
    if healthy {
        let probe = Probe::Healthy {
            context_window: None,
        };
        provider::record_probe(&change, &provider, probe)
            .await
            .unwrap();
    }
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn health_tells_what_works() {
    let platform = platform();
    let answer = get(&platform, "/health").await;
    assert_eq!(
        (answer.status, &answer.json()["status"]),
        (200, &json!("degraded")),
        "no provider yet"
    );
    assert_eq!(
        answer.json()["dependencies"]["database"]["status"],
        "healthy"
    );
    provider(&platform, "good", true).await;
    let answer = get(&platform, "/health").await;
    assert_eq!(answer.json()["status"], "healthy");
    assert!(answer.json()["version"].is_string());
    provider(&platform, "new", false).await;
    let answer = get(&platform, "/health").await;
    assert_eq!(answer.json()["status"], "degraded");
    assert_eq!(
        answer.json()["dependencies"]["providers"]["message"],
        "1 of 2 can be called."
    );
    assert_eq!(get(&platform, "/health/ready").await.json()["ready"], true);
    assert_eq!(
        get(&platform, "/health/live").await.json()["status"],
        "alive"
    );
    let answer = get(&platform, "/api/v1/health").await;
    assert_eq!(
        (answer.status, answer.json()),
        (200, json!({"status": "ok"}))
    );
    let answer = call("POST", "/api/v1/health")
        .send(&platform, loom_system::handle)
        .await;
    assert_eq!(answer.status, 405);
}

#[tokio::test]
async fn without_a_database_it_is_unhealthy_and_says_no_more() {
    let platform = platform();
    provider(&platform, "good", true).await;
    platform
        .database()
        .execute("ALTER TABLE provider RENAME TO elsewhere", vec![])
        .await
        .unwrap();
    for (path, field, value) in [
        ("/health", "status", json!("unhealthy")),
        ("/health/ready", "ready", json!(false)),
    ] {
        let answer = get(&platform, path).await;
        assert_eq!(
            (answer.status, &answer.json()[field]),
            (503, &value),
            "{path}"
        );
        let text = answer.json().to_string();
        assert!(
            !text.contains("table"),
            "the cause is for the log alone: {text}"
        );
    }
    assert_eq!(get(&platform, "/health/live").await.status, 200);
    assert_eq!(get(&platform, "/api/v1/health").await.status, 200);
}

#[tokio::test]
async fn each_route_lets_in_whom_it_should() {
    let platform = platform();
    play(&platform, "dispatch-tick");
    play(&platform, "provider-heartbeat");
    for declared in loom_system::routes::<NativePlatform>().table() {
        let request = || call(declared.method.as_str(), declared.path);
        let nobody = request().send(&platform, loom_system::handle).await.status;
        let Access::Permission(permission) = declared.access else {
            assert_eq!(nobody, 200, "{} is public", declared.path);
            assert!(
                declared.path.contains("health"),
                "{} should not be",
                declared.path
            );
            continue;
        };
        assert_eq!(nobody, 401, "{}", declared.path);
        for role in Role::ALL {
            let token = token(&platform, role).await;
            let answer = request()
                .token(&token)
                .send(&platform, loom_system::handle)
                .await;
            let allowed = role.permissions().contains(permission);
            assert_eq!(
                answer.status != 403,
                allowed,
                "{} as {role:?}",
                declared.path
            );
        }
    }
}

#[tokio::test]
async fn a_tick_is_passed_on_with_its_answer() {
    let platform = platform();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    let tick = handler(move |request: http::Request<_>| {
        let id = request.headers()["x-request-id"]
            .to_str()
            .unwrap()
            .to_owned();
        log.lock().unwrap().push(format!(
            "{} {} {id}",
            request.method(),
            request.uri().path()
        ));
        async { http::Response::new(body_from(r#"{"dispatched":[]}"#)) }
    });
    platform
        .http()
        .route("dispatch-tick.spin.internal", Arc::clone(&tick));
    platform
        .http()
        .route("provider-heartbeat.spin.internal", tick);
    for (path, target) in [
        ("tick", "/internal/tick"),
        ("heartbeat", "/internal/heartbeat"),
    ] {
        let answer = call("POST", &format!("/api/v1/system/{path}"))
            .token(SERVICE_TOKEN)
            .header("x-request-id", "r1")
            .send(&platform, loom_system::handle)
            .await;
        assert_eq!(
            (answer.status, answer.json()),
            (200, json!({"dispatched": []}))
        );
        assert_eq!(
            seen.lock().unwrap().pop().unwrap(),
            format!("POST {target} r1")
        );
    }
}

#[tokio::test]
async fn a_function_that_fails_is_named() {
    let platform = platform();
    for (status, body, expected, code) in [
        (500, "oops", 502, "function_failed"),
        (409, r#"{"code":"x"}"#, 409, "x"),
    ] {
        let tick = handler(move |_| async move {
            http::Response::builder()
                .status(status)
                .body(body_from(body))
                .unwrap()
        });
        platform.http().route("dispatch-tick.spin.internal", tick);
        let answer = call("POST", "/api/v1/system/tick")
            .token(SERVICE_TOKEN)
            .send(&platform, loom_system::handle)
            .await;
        assert_eq!((answer.status, answer.code().as_str()), (expected, code));
    }
}

#[tokio::test]
async fn the_status_is_that_of_the_last_tick_and_of_the_runs() {
    let platform = platform();
    let viewer = token(&platform, Role::Viewer).await;
    let status = async || {
        call("GET", "/api/v1/system/status")
            .token(&viewer)
            .send(&platform, loom_system::handle)
            .await
            .json()
    };
    let before = status().await;
    assert_eq!(
        (&before["state"], &before["reason"]),
        (&json!("parked"), &json!("No tick has run yet."))
    );
    assert_eq!(before["last_tick"], json!(null));
    assert_eq!(
        before["counts"]["beads"],
        json!({"open": 0, "in_progress": 0, "blocked": 0, "closed": 0})
    );
    let tick = json!({
        "at": "2026-11-24T08:00:00.000Z", "state": "parked", "reason": "No bead can be dispatched.", "dispatched": [],
        "requeued": 0, "skipped": [{"bead_id": "bd-1", "code": "no_agent", "message": "There is none."}]
    });
    platform
        .key_value()
        .set("tick:last", tick.to_string().as_bytes())
        .await
        .unwrap();
    let parked = status().await;
    assert_eq!(
        (&parked["state"], &parked["reason"]),
        (&json!("parked"), &tick["reason"])
    );
    assert_eq!(
        (&parked["last_tick"], &parked["updated_at"]),
        (&tick, &tick["at"])
    );
    for sql in [
        "INSERT INTO project (id, name, description, git_repo, branch, status, git_strategy, bead_prefix, \
         allowed_commands, context, is_perpetual, max_concurrent, created_at, updated_at) \
         VALUES ('p', 'p', '', '/p', 'main', 'open', 'direct', 'p', '[]', '{}', 0, 1, 0, 0)",
        "INSERT INTO bead (id, project_id, kind, title, description, status, priority, touches, context, created_by, \
         run_id, created_at, updated_at) VALUES ('p-1', 'p', 'task', 'x', '', 'in_progress', 2, '[]', '{}', 't', 'r', 0, 0)",
        "INSERT INTO run (id, bead_id, project_id, agent_id, attempt, status, fence, lease_until, created_at) \
         VALUES ('r', 'p-1', 'p', 'a', 1, 'running', 1, 0, 0)",
    ] {
        platform.database().execute(sql, vec![]).await.unwrap();
    }
    let active = status().await;
    assert_eq!(
        (&active["state"], &active["reason"]),
        (&json!("active"), &json!("1 run(s) at work."))
    );
    assert_eq!(
        (
            &active["runs"][0]["id"],
            &active["counts"]["beads"]["in_progress"]
        ),
        (&json!("r"), &json!(1))
    );
}
