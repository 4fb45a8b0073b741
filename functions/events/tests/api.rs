//! History and live stream, over the `handle`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a helper of tests fails the test"
)]

use std::time::Duration;

use http::Request;
use http_body_util::BodyExt;
use loom_api::testing::{self, Answer, call, platform, token};
use loom_domain::account::Role;
use loom_domain::agent::{Agent, AgentStatus};
use loom_domain::project::ProjectInput;
use loom_domain::time::Timestamp;
use loom_platform::native::NativePlatform;
use loom_platform::{Body, Database, Platform, Transaction, body_from};
use loom_store::{Change, agent};
use serde_json::{Value, json};

struct World {
    platform: NativePlatform,
    viewer: String,
}

impl World {
    async fn new() -> Self {
        let platform = platform();
        let viewer = token(&platform, Role::Viewer).await;
        Self { platform, viewer }
    }

    async fn get(&self, path: &str) -> Answer {
        call("GET", path)
            .token(&self.viewer)
            .send(&self.platform, loom_events::handle)
            .await
    }

    /// One event: `project.created`.
    async fn project(&self, name: &str) -> String {
        let input = ProjectInput {
            name: Some(name.to_owned()),
            ..ProjectInput::default()
        };
        testing::project(&self.platform, input).await.id
    }

    /// One event: `agent.spawned`.
    async fn agent(&self, name: &str) {
        let agent = Agent {
            id: String::new(),
            name: name.to_owned(),
            role: "qa-engineer".to_owned(),
            persona: "default/qa-engineer".to_owned(),
            project_id: None,
            provider_id: None,
            model: None,
            status: AgentStatus::Idle,
            status_reason: None,
            current_run: None,
            current_bead: None,
            version: 1,
            created_at: Timestamp(0),
            last_active_at: None,
        };
        let tx = self.platform.database().transaction().await.unwrap();
        let change = Change::new(&tx, self.platform.random(), "test")
            .await
            .unwrap();
        agent::spawn(&change, agent).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// Opens a stream; the first frame is taken off.
    async fn open(&self, path: &str, headers: &[(&str, &str)]) -> Stream {
        let mut request =
            Request::get(path).header("authorization", format!("Bearer {}", self.viewer));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(body_from("")).unwrap();
        let response = loom_events::handle(&self.platform, request).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert!(!response.headers().contains_key("content-length"));
        let mut stream = Stream(response.into_body());
        assert_eq!(stream.chunk().await, "retry: 2000\n\n");
        stream
    }
}

struct Stream(Body);

impl Stream {
    async fn chunk(&mut self) -> String {
        // Only so that a stream that never speaks fails the test instead of hanging it.
        let frame = tokio::time::timeout(Duration::from_secs(60), self.0.frame())
            .await
            .expect("the stream is silent");
        let data = frame.unwrap().unwrap().into_data().unwrap();
        String::from_utf8(data.to_vec()).unwrap()
    }

    /// The ids and events of the next chunk.
    async fn events(&mut self) -> Vec<(i64, Value)> {
        let chunk = self.chunk().await;
        let frames = chunk.split_terminator("\n\n").map(|frame| {
            let lines: Vec<&str> = frame.lines().collect();
            let [id, kind, data] = lines[..] else {
                panic!("{frame}")
            };
            let data: Value = serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
            assert_eq!(kind.strip_prefix("event: ").unwrap(), data["type"]);
            (id.strip_prefix("id: ").unwrap().parse().unwrap(), data)
        });
        frames.collect()
    }

    async fn ids(&mut self) -> Vec<i64> {
        self.events().await.into_iter().map(|(id, _)| id).collect()
    }
}

fn sequences(history: &Value) -> Vec<i64> {
    let events = history["events"].as_array().unwrap();
    events
        .iter()
        .map(|event| event["sequence"].as_i64().unwrap())
        .collect()
}

#[tokio::test]
async fn i6_history_goes_both_ways_and_narrows() {
    let world = World::new().await;
    assert_eq!(
        world.get("/api/v1/events").await.json(),
        json!({"events": [], "newest": 0})
    );
    let a = world.project("A").await;
    world.agent("x").await;
    let b = world.project("B").await;
    world.agent("y").await;
    for (query, expected) in [
        ("".to_owned(), vec![4, 3, 2, 1]),
        ("limit=3".to_owned(), vec![4, 3, 2]),
        ("before=3".to_owned(), vec![2, 1]),
        ("after=2".to_owned(), vec![3, 4]),
        ("after=1&limit=1".to_owned(), vec![2]),
        ("after=9".to_owned(), vec![]),
        (format!("project_id={a}"), vec![1]),
        ("type=agent.spawned".to_owned(), vec![4, 2]),
        (
            format!("type=agent.spawned,project.created&project_id={b}"),
            vec![3],
        ),
        ("bead_id=none".to_owned(), vec![]),
    ] {
        let history = world.get(&format!("/api/v1/events?{query}")).await.json();
        assert_eq!(
            (sequences(&history), &history["newest"]),
            (expected, &json!(4)),
            "{query}"
        );
    }
    let first = &world.get("/api/v1/events?after=0&limit=1").await.json()["events"][0];
    assert_eq!(
        (&first["type"], &first["project_id"], &first["actor"]),
        (&json!("project.created"), &json!(a), &json!("test"))
    );
    for (query, field) in [
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("after=x", "after"),
        ("after=1&before=2", "before"),
        ("type=bead.exploded", "type"),
        ("kind=x", "kind"),
    ] {
        let answer = world.get(&format!("/api/v1/events?{query}")).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (422, "invalid_fields"),
            "{query}"
        );
        assert!(
            answer.json()["fields"].get(field).is_some(),
            "{query}: {}",
            answer.json()
        );
    }
}

#[tokio::test]
async fn a_stream_begins_with_what_is_new_or_where_it_is_told() {
    let world = World::new().await;
    for name in ["a", "b", "c"] {
        world.agent(name).await;
    }
    let stream = ("accept", "text/event-stream");
    let mut fresh = world.open("/api/v1/events", &[stream]).await;
    assert_eq!(
        world
            .open("/api/v1/events?after=1", &[stream])
            .await
            .ids()
            .await,
        [2, 3]
    );
    let resumed = [stream, ("last-event-id", "2")];
    assert_eq!(
        world
            .open("/api/v1/events?after=1", &resumed)
            .await
            .ids()
            .await,
        [3],
        "a reconnect counts for more"
    );
    let mut beyond = world.open("/api/v1/events/stream?after=99", &[]).await;
    world.agent("d").await;
    let events = fresh.events().await;
    assert_eq!(events.len(), 1);
    let history = world.get("/api/v1/events?after=3").await.json();
    assert_eq!(events[0], (4, history["events"][0].clone()));
    assert_eq!(beyond.ids().await, [4]);
    world.agent("e").await;
    assert_eq!(fresh.ids().await, [5], "nothing twice, nothing missed");
}

#[tokio::test]
async fn a_stream_narrows_and_long_histories_come_whole() {
    let world = World::new().await;
    let project = world.project("A").await;
    for number in 0..250 {
        world.agent(&format!("agent {number}")).await;
    }
    world.project("B").await;
    let path = format!("/api/v1/events/stream?after=0&project_id={project}");
    assert_eq!(world.open(&path, &[]).await.ids().await, [1]);
    let mut all = world.open("/api/v1/events/stream?after=0", &[]).await;
    let mut seen = Vec::new();
    while seen.len() < 252 {
        seen.extend(all.ids().await);
    }
    assert_eq!(seen, (1..=252).collect::<Vec<i64>>());
}

#[tokio::test(start_paused = true)]
async fn a_silent_stream_says_that_it_lives() {
    let world = World::new().await;
    let mut stream = world.open("/api/v1/events/stream", &[]).await;
    assert_eq!(stream.chunk().await, ": keepalive\n\n");
    let began = tokio::time::Instant::now();
    assert_eq!(stream.chunk().await, ": keepalive\n\n");
    assert_eq!(began.elapsed().as_secs(), 15, "by the paused clock");
}

#[tokio::test]
async fn who_may_not_and_what_is_not_understood() {
    let world = World::new().await;
    for path in ["/api/v1/events", "/api/v1/events/stream"] {
        let nobody = call("GET", path)
            .send(&world.platform, loom_events::handle)
            .await;
        assert_eq!(nobody.status, 401);
        let service = token(&world.platform, Role::Service).await;
        let answer = call("GET", path)
            .token(&service)
            .send(&world.platform, loom_events::handle)
            .await;
        assert_eq!((answer.status, answer.code().as_str()), (403, "forbidden"));
    }
    let answer = world.get("/api/v1/events/stream?limit=3").await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (422, "invalid_fields")
    );
    let request = call("GET", "/api/v1/events/stream")
        .token(&world.viewer)
        .header("last-event-id", "x");
    let answer = request.send(&world.platform, loom_events::handle).await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (400, "invalid_last_event_id")
    );
}
