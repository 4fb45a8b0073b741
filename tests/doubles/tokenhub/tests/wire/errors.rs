//! What is refused, and what needs no key.

use loom_tokenhub_double::Model;
use serde_json::json;

use crate::exchange::{ask, hello, post, send, start};

#[test]
fn handler_errors_are_json_in_openai_s_form() {
    let hub = start(hello());
    let bearer = format!("Bearer {}", hub.api_key());
    for (body, message) in [
        ("{\"messages\":[]}", "messages is required"),
        ("{\"model\"", "invalid JSON: unexpected EOF"),
        ("", "invalid JSON: EOF"),
    ] {
        let raw = send(
            &hub,
            "POST",
            "/v1/chat/completions",
            &[("Authorization", &bearer)],
            body,
        );
        assert_eq!(raw.status(), "400 Bad Request");
        assert_eq!(
            raw.body,
            format!(
                "{{\"error\":{{\"message\":\"{message}\",\"type\":\"invalid_request_error\",\"code\":null}}}}\n"
            )
        );
        assert_eq!(raw.header("Content-Type"), Some("application/json"));
    }
    hub.set_provider("double", Some((429, String::from("slow down"))));
    let failed = post(&hub, &[], &ask("x"));
    assert_eq!(failed.status(), "502 Bad Gateway");
    assert_eq!(
        failed.body,
        "{\"error\":{\"message\":\"all providers failed\",\"type\":\"server_error\",\"code\":null}}\n"
    );
    let stream = post(
        &hub,
        &[],
        &json!({"stream": true, "messages": [{"role": "user", "content": "x"}]}),
    );
    assert_eq!(
        stream.json()["error"]["message"],
        "all providers failed for streaming: API error (status 429): slow down"
    );
    hub.set_models(Vec::new());
    assert_eq!(
        post(&hub, &[], &ask("x")).json()["error"]["message"],
        "no eligible models registered"
    );
}

#[test]
fn wrong_paths_and_methods() {
    let hub = start(hello());
    for path in [
        "/v1/completions",
        "/v1/models/",
        "/V1/models",
        "/health",
        "/",
    ] {
        let raw = send(&hub, "GET", path, &[], "");
        assert_eq!(
            (raw.status(), raw.body.as_str()),
            ("404 Not Found", "404 page not found\n"),
            "{path}"
        );
    }
    for (method, path, allow) in [
        ("GET", "/v1/chat/completions", "POST"),
        ("POST", "/v1/models", "GET"),
        ("HEAD", "/healthz", "GET"),
    ] {
        let raw = send(&hub, method, path, &[], "");
        assert_eq!(
            (raw.status(), raw.body.as_str()),
            ("405 Method Not Allowed", ""),
            "{method} {path}"
        );
        assert_eq!(raw.header("Allow"), Some(allow));
    }
}

#[test]
fn health_and_models_need_no_key() {
    let hub = start(hello());
    assert_eq!(
        send(&hub, "GET", "/healthz", &[], "").body,
        "{\"adapters\":1,\"models\":1,\"status\":\"ok\"}\n"
    );
    assert_eq!(
        send(&hub, "GET", "/v1/models", &[], "").body,
        concat!(
            r#"{"data":[{"id":"scripted","object":"model","owned_by":"double","context_length":128000,"#,
            r#""max_model_len":128000}],"object":"list"}"#,
            "\n"
        )
    );
    hub.set_models(vec![Model {
        enabled: false,
        ..Model::new("off", "double")
    }]);
    assert_eq!(
        send(&hub, "GET", "/v1/models", &[], "").body,
        "{\"data\":null,\"object\":\"list\"}\n"
    );
    assert_eq!(send(&hub, "GET", "/healthz", &[], "").status(), "200 OK");
    hub.set_models(Vec::new());
    let unhealthy = send(&hub, "GET", "/healthz", &[], "");
    assert_eq!(unhealthy.status(), "503 Service Unavailable");
    assert_eq!(
        unhealthy.body,
        "{\"adapters\":1,\"models\":0,\"status\":\"unhealthy\"}\n"
    );
}

#[test]
fn bodies_over_ten_mebibytes_are_400_and_close() {
    let hub = start(hello());
    let large = ask(&"x".repeat(10 * 1024 * 1024));
    let raw = post(&hub, &[], &large);
    assert_eq!(raw.status(), "400 Bad Request");
    assert_eq!(
        raw.json()["error"]["message"],
        "invalid JSON: http: request body too large"
    );
    assert_eq!(raw.header("Connection"), Some("close"));
    let keyed = post(&hub, &[("Idempotency-Key", "k")], &large);
    assert_eq!(
        (keyed.status(), keyed.body.as_str()),
        ("400 Bad Request", "failed to read request body\n")
    );
}
