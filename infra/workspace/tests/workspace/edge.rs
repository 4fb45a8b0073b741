use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use loom_platform::native::NativeHttpClient;
use loom_platform::{HttpClient, read_body};
use loom_workspace::{ErrorKind, LocalWorkspace, Operation, Workspace};
use serde_json::{Value, json};

use crate::support::{TOKEN, World};

async fn send(
    world: &World,
    method: Method,
    path: &str,
    token: Option<&str>,
    body: impl Into<Bytes>,
) -> (StatusCode, Value) {
    let mut request = Request::builder()
        .method(method)
        .uri(format!("{}{path}", world.address));
    if let Some(token) = token {
        request = request.header("authorization", token);
    }
    let request = request.body(body.into()).unwrap();
    let answer = NativeHttpClient::default()
        .send(request, Duration::from_secs(60))
        .await
        .unwrap();
    let status = answer.status();
    let body = read_body(answer.into_body(), 1 << 20).await.unwrap();
    (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
}

async fn post(world: &World, body: impl Into<Bytes>) -> (StatusCode, Value) {
    send(
        world,
        Method::POST,
        "/v1/perform",
        Some(&format!("Bearer {TOKEN}")),
        body,
    )
    .await
}

#[tokio::test]
async fn a_call_needs_the_token() {
    let world = World::with(&[]).await;
    let call = serde_json::to_vec(&world.call("r", 1, "k", Operation::Open)).unwrap();
    for token in [
        None,
        Some("Bearer "),
        Some("Bearer wrong"),
        Some(TOKEN),
        Some("Basic workspace-test-token"),
    ] {
        let (status, body) = send(&world, Method::POST, "/v1/perform", token, call.clone()).await;
        assert_eq!(
            (status, body["code"].as_str()),
            (StatusCode::UNAUTHORIZED, Some("unauthorized")),
            "{token:?}"
        );
    }
    assert!(!world.tree("r").exists());
    let stranger = LocalWorkspace::new(NativeHttpClient::default(), &world.address, "wrong");
    let error = stranger
        .perform(world.call("r", 1, "k", Operation::Open))
        .await
        .unwrap_err();
    assert_eq!(
        (error.code.as_str(), error.kind),
        ("unauthorized", ErrorKind::Unavailable)
    );
}

#[tokio::test]
async fn bad_calls_are_refused_with_status_and_code() {
    let world = World::with(&[]).await;
    let good = serde_json::to_value(world.call("r", 1, "k", Operation::Open)).unwrap();
    let with = |pointer: &str, value: Value| {
        let mut call = good.clone();
        *call.pointer_mut(pointer).unwrap() = value;
        call.to_string()
    };
    let mut unknown = good.clone();
    unknown["extra"] = json!(1);
    for (body, status, code) in [
        ("{".to_owned(), 400, "invalid_json"),
        (String::new(), 400, "invalid_json"),
        ("[]".to_owned(), 422, "invalid_call"),
        (unknown.to_string(), 422, "invalid_call"),
        (with("/run/fence", json!("1")), 422, "invalid_call"),
        (with("/operation/op", json!("explode")), 422, "invalid_call"),
        (
            with(
                "/operation",
                json!({"op": "read_file", "path": "a", "extra": 1}),
            ),
            422,
            "invalid_call",
        ),
        (with("/run/id", json!("../r")), 422, "invalid_run"),
        (with("/run/id", json!("")), 422, "invalid_run"),
        (with("/key", json!("")), 422, "invalid_key"),
        (with("/key", json!("a\nStep: b")), 422, "invalid_key"),
        (
            with("/project/repository", json!("/nonexistent")),
            422,
            "repository_not_found",
        ),
    ] {
        let (found, answer) = post(&world, body.clone()).await;
        assert_eq!(
            (found.as_u16(), answer["code"].as_str()),
            (status, Some(code)),
            "{body}"
        );
        assert!(
            answer["error"]
                .as_str()
                .is_some_and(|error| error.len() > 10),
            "{answer}"
        );
    }
    let (status, answer) = post(&world, vec![0xff, 0xfe]).await;
    assert_eq!(
        (status.as_u16(), answer["code"].as_str()),
        (400, Some("invalid_json"))
    );
    let (status, answer) = post(&world, vec![b' '; 41 << 20]).await;
    assert_eq!(
        (status.as_u16(), answer["code"].as_str()),
        (413, Some("body_too_large"))
    );
    assert!(!world.tree("r").exists());
}

#[tokio::test]
async fn statuses_follow_the_kind() {
    let world = World::with(&[]).await;
    let call =
        |fence, operation| serde_json::to_vec(&world.call("r", fence, "k", operation)).unwrap();
    assert_eq!(
        post(&world, call(2, Operation::Open)).await.0,
        StatusCode::OK
    );
    let (status, answer) = post(&world, call(1, Operation::Open)).await;
    assert_eq!(
        (status, answer["kind"].as_str()),
        (StatusCode::CONFLICT, Some("stale_fence"))
    );
    let missing = Operation::ReadFile {
        path: "nope".into(),
        first_line: None,
        last_line: None,
    };
    let (status, answer) = post(&world, call(2, missing)).await;
    assert_eq!(
        (status, answer["code"].as_str()),
        (StatusCode::UNPROCESSABLE_ENTITY, Some("file_not_found"))
    );
}

#[tokio::test]
async fn other_routes_are_not_there() {
    let world = World::with(&[]).await;
    let (status, _) = send(&world, Method::GET, "/healthz", None, "").await;
    assert_eq!(status, StatusCode::OK);
    let (status, answer) = send(&world, Method::GET, "/nope", None, "").await;
    assert_eq!(
        (status, answer["code"].as_str()),
        (StatusCode::NOT_FOUND, Some("not_found"))
    );
    let token = format!("Bearer {TOKEN}");
    let (status, answer) = send(&world, Method::GET, "/v1/perform", Some(&token), "").await;
    assert_eq!(
        (status, answer["code"].as_str()),
        (StatusCode::METHOD_NOT_ALLOWED, Some("method_not_allowed"))
    );
}

#[tokio::test]
async fn a_service_that_is_not_there_is_worth_a_retry() {
    let world = World::with(&[]).await;
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let nobody = LocalWorkspace::new(
        NativeHttpClient::default(),
        &format!("http://{free}"),
        TOKEN,
    );
    let error = nobody
        .perform(world.call("r", 1, "k", Operation::Open))
        .await
        .unwrap_err();
    assert_eq!(
        (error.code.as_str(), error.kind),
        ("workspace_unreachable", ErrorKind::Unavailable)
    );
}

#[tokio::test]
async fn an_empty_token_is_not_accepted_at_the_start() {
    let root = tempfile::tempdir().unwrap();
    let config = loom_workspace_service::Config {
        root: root.path().to_owned(),
        ..loom_workspace_service::Config::default()
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let error = loom_workspace_service::serve(listener, config)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
}
