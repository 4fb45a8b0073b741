//! The heartbeat over its `handle`, with providers that are played.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a helper of tests fails the test"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::join_all;
use loom_api::testing::{self, builder, call};
use loom_domain::provider::{Provider, ProviderInput, ProviderStatus};
use loom_platform::native::{NativePlatform, handler};
use loom_platform::{Database, Platform, Statements, Transaction, body_from};
use loom_store::migrate::migrate;
use loom_store::{Change, provider};
use serde_json::{Value, json};

const WELL: &str = r#"{"status":"healthy","adapters":1,"models":1}"#;
const MODELS: &str = r#"{"data":[{"id":"m","context_length":16000}]}"#;

async fn beat(platform: &NativePlatform) -> Value {
    let answer = call("POST", "/internal/heartbeat")
        .send(platform, loom_provider_heartbeat::handle)
        .await;
    assert_eq!(answer.status, 200, "{}", answer.json());
    answer.json()
}

/// Plays a provider on that host and counts what it is asked.
fn play(
    platform: &NativePlatform,
    host: &str,
    status: u16,
    models: &'static str,
) -> Arc<AtomicUsize> {
    let calls = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&calls);
    let answer = handler(move |request| {
        let body = match request.uri().path() {
            "/healthz" => WELL,
            "/v1/models" => {
                counter.fetch_add(1, Ordering::SeqCst);
                models
            }
            other => panic!("nobody asks for {other}"),
        };
        async move {
            http::Response::builder()
                .status(status)
                .body(body_from(body))
                .unwrap()
        }
    });
    platform.http().route(host, answer);
    calls
}

async fn register(platform: &NativePlatform, id: &str) {
    migrate(platform.database()).await.unwrap();
    let input = ProviderInput {
        id: Some(id.to_owned()),
        name: Some(id.to_owned()),
        endpoint: Some(format!("http://{id}")),
        ..ProviderInput::default()
    };
    let tx = platform.database().transaction().await.unwrap();
    let change = Change::new(&tx, platform.random(), "test").await.unwrap();
    provider::register(&change, input.register().unwrap())
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

async fn read(platform: &NativePlatform, id: &str) -> Provider {
    provider::get(platform.database(), id).await.unwrap()
}

async fn make_due(platform: &NativePlatform) {
    let sql = "UPDATE provider SET next_heartbeat_at = 0";
    platform.database().execute(sql, vec![]).await.unwrap();
}

#[tokio::test]
async fn a_fresh_loom_registers_tokenhub_and_tells_the_dispatcher_when_it_is_well() {
    let platform = builder()
        .variable("tokenhub_url", "http://hub:8090")
        .build()
        .unwrap();
    let asked = play(&platform, "hub", 200, MODELS);
    let nudges = testing::play(&platform, "dispatch-tick");
    let report = beat(&platform).await;
    let probed = json!([{"provider_id": "tokenhub", "status": "healthy", "error": null}]);
    assert_eq!(report, json!({"bootstrapped": true, "probed": probed}));
    let found = read(&platform, "tokenhub").await;
    assert_eq!(
        (found.name.as_str(), found.endpoint.as_str()),
        ("TokenHub", "http://hub:8090")
    );
    assert_eq!(
        (found.status, found.context_window, found.failures),
        (ProviderStatus::Healthy, 16000, 0)
    );
    platform.tasks().finished().await;
    assert_eq!(nudges.count(), 1);

    assert_eq!(
        beat(&platform).await,
        json!({"bootstrapped": false, "probed": []}),
        "it is not due"
    );
    make_due(&platform).await;
    beat(&platform).await;
    platform.tasks().finished().await;
    assert_eq!(asked.load(Ordering::SeqCst), 2);
    assert_eq!(nudges.count(), 1, "nothing new for the dispatcher");
}

#[tokio::test]
async fn without_an_address_nothing_is_registered() {
    for url in ["", "not a url"] {
        let platform = builder().variable("tokenhub_url", url).build().unwrap();
        assert_eq!(
            beat(&platform).await,
            json!({"bootstrapped": false, "probed": []}),
            "{url:?}"
        );
    }
    assert_eq!(
        beat(&builder().build().unwrap()).await["bootstrapped"],
        false
    );
}

#[tokio::test]
async fn every_provider_is_covered_and_failures_back_off() {
    let platform = builder()
        .variable("tokenhub_url", "http://hub")
        .build()
        .unwrap();
    for (id, status, models) in [
        ("good", 200, MODELS),
        ("empty", 200, r#"{"data":null}"#),
        ("down", 502, ""),
    ] {
        play(&platform, id, status, models);
        register(&platform, id).await;
    }
    testing::play(&platform, "dispatch-tick");
    let report = beat(&platform).await;
    assert_eq!(report["bootstrapped"], false, "there are providers already");
    assert_eq!(report["probed"].as_array().unwrap().len(), 3);
    assert_eq!(
        read(&platform, "good").await.status,
        ProviderStatus::Healthy
    );
    for id in ["empty", "down"] {
        let found = read(&platform, id).await;
        assert_eq!(
            (found.status, found.failures),
            (ProviderStatus::Failed, 1),
            "{id}"
        );
        assert!(
            found.last_error.is_some_and(|error| !error.is_empty()),
            "{id}"
        );
    }
    let mut waits = Vec::new();
    for _ in 0..3 {
        let found = read(&platform, "down").await;
        waits.push(found.next_heartbeat_at.0 - found.last_heartbeat_at.unwrap().0);
        make_due(&platform).await;
        beat(&platform).await;
    }
    assert_eq!(waits, [60_000, 120_000, 240_000]);
    play(&platform, "down", 200, MODELS);
    make_due(&platform).await;
    beat(&platform).await;
    let found = read(&platform, "down").await;
    assert_eq!(
        (found.status, found.failures, found.last_error),
        (ProviderStatus::Healthy, 0, None)
    );
}

#[tokio::test]
async fn of_concurrent_heartbeats_each_provider_is_probed_by_one() {
    let platform = builder().build().unwrap();
    let asked = play(&platform, "good", 200, MODELS);
    testing::play(&platform, "dispatch-tick");
    register(&platform, "good").await;
    let reports = join_all((0..8).map(|_| beat(&platform))).await;
    let probed: usize = reports
        .iter()
        .map(|report| report["probed"].as_array().unwrap().len())
        .sum();
    assert_eq!((probed, asked.load(Ordering::SeqCst)), (1, 1));
}
