//! The double's exact bytes, over a plain socket.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods
)]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use loom_tokenhub_double::{
    Answer, Config, Key, Misbehaviour, Model, Provider, RateLimit, Running, Script, ScriptedReply,
    Then, TokenHub,
};
use serde_json::{Value, json};

struct Raw {
    head: Vec<String>,
    body: String,
}

impl Raw {
    fn status(&self) -> &str {
        self.head[0].strip_prefix("HTTP/1.1 ").unwrap()
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.head
            .iter()
            .find_map(|line| line.strip_prefix(&format!("{name}: ")))
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// Sends bytes and reads until the connection closes.
fn exchange(hub: &Running, request: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(hub.address()).unwrap();
    stream.write_all(request).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    answer
}

fn send(hub: &Running, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Raw {
    let mut request = format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n");
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str(&format!("Content-Length: {}\r\n\r\n{body}", body.len()));
    let answer = String::from_utf8(exchange(hub, request.as_bytes())).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let head: Vec<String> = head.lines().map(str::to_owned).collect();
    let chunked = head.iter().any(|line| line == "Transfer-Encoding: chunked");
    Raw {
        head,
        body: if chunked {
            dechunk(body)
        } else {
            body.to_owned()
        },
    }
}

fn dechunk(mut body: &str) -> String {
    let mut whole = String::new();
    while let Some((size, rest)) = body.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).unwrap();
        whole.push_str(&rest[..size]);
        body = &rest[size + 2..];
    }
    whole
}

fn post(hub: &Running, headers: &[(&str, &str)], body: &Value) -> Raw {
    let bearer = format!("Bearer {}", hub.api_key());
    let mut all = vec![("Authorization", bearer.as_str())];
    all.extend_from_slice(headers);
    send(hub, "POST", "/v1/chat/completions", &all, &body.to_string())
}

fn ask(text: &str) -> Value {
    json!({"messages": [{"role": "user", "content": text}]})
}

fn start(config: Config) -> Running {
    TokenHub::start(config).unwrap()
}

fn hello() -> Config {
    Config::respond(|_| Answer::text("hello <b> & co").usage(12, 9))
}

#[test]
fn authentication_fails_in_plain_text() {
    let chat_less = Key {
        scopes: String::from("[\"plan\"]"),
        ..Key::new("planner")
    };
    let broken = Key {
        scopes: String::from("chat"),
        ..Key::new("broken")
    };
    let off = Key {
        enabled: false,
        ..Key::new("off")
    };
    let (planner, broken_key, off_key) = (
        chat_less.secret.clone(),
        broken.secret.clone(),
        off.secret.clone(),
    );
    let mut config = hello();
    config.keys.extend([chat_less, broken, off]);
    let hub = start(config);
    let bearer = |key: &str| format!("Bearer {key}");
    for (header, value, status, body) in [
        (
            "Accept",
            String::from("*/*"),
            "401 Unauthorized",
            "authorization required\n",
        ),
        (
            "Authorization",
            String::from("bearer x"),
            "401 Unauthorized",
            "authorization required\n",
        ),
        (
            "Authorization",
            bearer("sk-1"),
            "401 Unauthorized",
            "invalid api key format\n",
        ),
        (
            "X-Api-Key",
            String::from("sk-1"),
            "401 Unauthorized",
            "invalid api key format\n",
        ),
        (
            "Authorization",
            bearer("tokenhub_0"),
            "401 Unauthorized",
            "invalid api key\n",
        ),
        (
            "Authorization",
            bearer(&off_key),
            "401 Unauthorized",
            "invalid api key\n",
        ),
        (
            "Authorization",
            bearer(&planner),
            "403 Forbidden",
            "insufficient scope\n",
        ),
        (
            "Authorization",
            bearer(&broken_key),
            "403 Forbidden",
            "insufficient scope\n",
        ),
    ] {
        let raw = send(
            &hub,
            "POST",
            "/v1/chat/completions",
            &[(header, &value)],
            "{}",
        );
        assert_eq!(
            (raw.status(), raw.body.as_str()),
            (status, body),
            "{header}: {value}"
        );
        assert_eq!(
            raw.header("Content-Type"),
            Some("text/plain; charset=utf-8")
        );
        assert_eq!(raw.header("X-Content-Type-Options"), Some("nosniff"));
        assert_eq!(raw.header("Vary"), Some("Origin"));
        assert!(raw.header("Date").is_some() && raw.header("Server").is_none());
    }
    assert!(hub.ledger().is_empty());
}

#[test]
fn three_kinds_of_429() {
    let spent = Key {
        monthly_budget_usd: 0.00001,
        spent_usd: 0.00003,
        ..Key::new("spent")
    };
    let slow = Key {
        rate_limit_rps: 1,
        ..Key::new("slow")
    };
    let (spent_key, slow_key) = (
        format!("Bearer {}", spent.secret),
        format!("Bearer {}", slow.secret),
    );
    let mut config = hello();
    config.key_rps = Some(60);
    config.address_limit = Some(RateLimit { rps: 2, burst: 4 });
    config.keys.extend([spent, slow]);
    let hub = start(config);
    let send = |key: &str, from: &str| {
        let headers = [("Authorization", key), ("X-Real-IP", from)];
        send(
            &hub,
            "POST",
            "/v1/chat/completions",
            &headers,
            &ask("x").to_string(),
        )
    };

    let budget = send(&spent_key, "10.0.0.1");
    assert_eq!(budget.status(), "429 Too Many Requests");
    assert_eq!(budget.header("Content-Type"), Some("application/json"));
    assert_eq!(budget.header("Retry-After"), None);
    assert_eq!(
        budget.body,
        "{\"budget_usd\":0.00001,\"error\":\"monthly budget exceeded\",\"spent_usd\":0.00003}\n"
    );

    for _ in 0..2 {
        assert_eq!(send(&slow_key, "10.0.0.2").status(), "200 OK");
    }
    let limited = send(&slow_key, "10.0.0.2");
    assert_eq!(
        (limited.status(), limited.body.as_str()),
        ("429 Too Many Requests", "api key rate limit exceeded\n")
    );
    assert_eq!(limited.header("Retry-After"), Some("1"));

    assert_eq!(
        send(&slow_key, "10.0.0.2").body,
        "api key rate limit exceeded\n"
    );
    let address = send(&slow_key, "10.0.0.2");
    assert_eq!(
        (address.status(), address.body.as_str()),
        ("429 Too Many Requests", "rate limit exceeded\n")
    );
    assert_eq!(address.header("Retry-After"), Some("1"));
    hub.advance(Duration::from_secs(1));
    assert_eq!(send(&slow_key, "10.0.0.2").status(), "200 OK");
}

#[test]
fn a_completion_has_exactly_this_form() {
    let mut config = hello();
    config.clock = Some(std::sync::Arc::new(|| 1_795_500_925_000));
    let hub = start(config);
    let raw = post(&hub, &[("X-Request-ID", "vm/1-000031")], &ask("x"));
    assert_eq!(raw.status(), "200 OK");
    assert_eq!(raw.header("Content-Type"), Some("application/json"));
    assert_eq!(raw.header("X-Negotiated-Model"), Some("scripted"));
    assert_eq!(raw.header("X-Alias-From"), None);
    assert_eq!(raw.header("Vary"), Some("Origin"));
    assert_eq!(
        raw.header("Content-Length").unwrap(),
        raw.body.len().to_string()
    );
    assert_eq!(
        raw.body,
        concat!(
            r#"{"id":"chatcmpl-vm/1-000031","object":"chat.completion","created":1795500925,"model":"scripted","#,
            r#""choices":[{"index":0,"message":{"role":"assistant","content":"hello \u003cb\u003e \u0026 co"},"#,
            r#""finish_reason":"stop"}],"usage":{"prompt_tokens":12,"completion_tokens":9,"total_tokens":21}}"#,
            "\n"
        )
    );
}

#[test]
fn long_answers_are_chunked() {
    let hub = start(Config::respond(|_| Answer::text("x".repeat(5_000))));
    let raw = post(&hub, &[], &ask("x"));
    assert_eq!(raw.header("Transfer-Encoding"), Some("chunked"));
    assert_eq!(
        raw.json()["choices"][0]["message"]["content"]
            .as_str()
            .unwrap()
            .len(),
        5_000
    );
}

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

#[test]
fn a_replay_is_marked_not_paid_and_bound_to_key_and_body() {
    let hub = start(Config::respond(|seen| {
        Answer::text(format!("attempt {}", seen.attempt))
    }));
    let keyed = |key: &str, body: &Value| {
        post(
            &hub,
            &[("Idempotency-Key", key), ("X-Request-ID", "r")],
            body,
        )
    };
    let first = keyed("k", &ask("x"));
    assert_eq!(first.header("Idempotency-Replay"), None);
    let again = keyed("k", &ask("x"));
    assert_eq!(again.header("Idempotency-Replay"), Some("true"));
    assert_eq!(again.header("X-Negotiated-Model"), Some("scripted"));
    assert_eq!(again.body, first.body);
    assert_eq!(hub.ledger().len(), 1);
    assert_eq!(keyed("other", &ask("x")).header("Idempotency-Replay"), None);
    assert_eq!(keyed("k", &ask("y")).header("Idempotency-Replay"), None);
    hub.advance(Duration::from_secs(301));
    assert_eq!(keyed("k", &ask("x")).header("Idempotency-Replay"), None);
    assert_eq!(hub.ledger().len(), 4);
    let requests = hub.requests();
    assert_eq!(
        requests.iter().filter(|request| request.replayed).count(),
        1
    );
    assert_eq!(requests.iter().filter(|request| request.paid).count(), 4);
}

#[test]
fn of_failures_400_is_stored_and_502_is_not() {
    let hub = start(hello());
    let keyed = |body: &Value| post(&hub, &[("Idempotency-Key", "k")], body);
    assert_eq!(keyed(&json!({})).header("Idempotency-Replay"), None);
    assert_eq!(keyed(&json!({})).header("Idempotency-Replay"), Some("true"));
    hub.set_provider("double", Some((500, String::new())));
    assert_eq!(keyed(&ask("x")).status(), "502 Bad Gateway");
    hub.set_provider("double", None);
    let healed = keyed(&ask("x"));
    assert_eq!(
        (healed.status(), healed.header("Idempotency-Replay")),
        ("200 OK", None)
    );
}

#[test]
fn two_at_once_are_both_paid() {
    let gate = loom_tokenhub_double::Gate::new();
    let closed = gate.clone();
    let hub = start(Config::respond(move |_| Answer::text("x").gated(&closed)));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| post(&hub, &[("Idempotency-Key", "k")], &ask("x")));
        }
        runtime.block_on(gate.arrived(2));
        gate.open();
    });
    assert_eq!(hub.ledger().len(), 2);
}

#[test]
fn a_stream_relays_the_provider_s_chunks() {
    let hub = start(hello());
    let raw = post(
        &hub,
        &[],
        &json!({"stream": true, "messages": [{"role": "user", "content": "x"}]}),
    );
    assert_eq!(raw.status(), "200 OK");
    assert_eq!(raw.header("Content-Type"), Some("text/event-stream"));
    assert_eq!(raw.header("Cache-Control"), Some("no-cache"));
    assert_eq!(raw.header("X-Negotiated-Model"), Some("scripted"));
    assert!(
        raw.body
            .starts_with("data: {\"id\":\"up-0\",\"object\":\"chat.completion.chunk\"")
    );
    assert!(
        raw.body.contains("hello <b> & co"),
        "not escaped again: {}",
        raw.body
    );
    assert!(
        raw.body
            .ends_with("\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n")
    );
    assert!(!raw.body.contains("usage"));
}

#[test]
fn a_cut_stream_ends_cleanly_and_an_aborted_one_does_not() {
    let misbehave = |kind: Misbehaviour| {
        start(Config::respond(move |_| {
            Answer::text("x".repeat(64)).misbehave(kind.clone())
        }))
    };
    let body = json!({"stream": true, "messages": [{"role": "user", "content": "x"}]});
    let cut = misbehave(Misbehaviour::CutStream { after_chunks: 2 });
    let raw = post(&cut, &[], &body);
    assert_eq!(raw.body.matches("data: ").count(), 2);
    assert!(!raw.body.contains("[DONE]"));

    let aborted = misbehave(Misbehaviour::AbortStream { after_chunks: 2 });
    let body = body.to_string();
    let request = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Length: {}\r\n\r\n{body}",
        aborted.api_key(),
        body.len()
    );
    let answer = String::from_utf8(exchange(&aborted, request.as_bytes())).unwrap();
    assert_eq!(answer.matches("data: ").count(), 2);
    assert!(!answer.ends_with("0\r\n\r\n"), "no terminating chunk");
}

#[test]
fn a_lost_reply_is_paid_once_and_replayed() {
    let hub = start(Config::respond(|_| {
        Answer::text("x").misbehave_times(Misbehaviour::ReplyLost, 1)
    }));
    let body = ask("x").to_string();
    let request = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nIdempotency-Key: k\r\nContent-Length: {}\r\n\r\n{body}",
        hub.api_key(),
        body.len()
    );
    assert_eq!(exchange(&hub, request.as_bytes()), b"");
    assert_eq!(hub.ledger().len(), 1);
    let again = post(&hub, &[("Idempotency-Key", "k")], &ask("x"));
    assert_eq!(
        (again.status(), again.header("Idempotency-Replay")),
        ("200 OK", Some("true"))
    );
    assert_eq!(hub.ledger().len(), 1);
    assert_eq!(hub.ledger()[0].idempotency_key, "k");
}

#[test]
fn a_caller_that_hangs_up_is_not_charged() {
    let gate = loom_tokenhub_double::Gate::new();
    let closed = gate.clone();
    let hub = start(Config::respond(move |_| Answer::text("x").gated(&closed)));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let body = ask("x").to_string();
    let request = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Length: {}\r\n\r\n{body}",
        hub.api_key(),
        body.len()
    );
    let mut stream = TcpStream::connect(hub.address()).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    runtime.block_on(gate.arrived(1));
    drop(stream);
    // Another call is answered after the first connection's end has been seen: the double has one thread.
    let health = send(&hub, "GET", "/healthz", &[], "");
    assert_eq!(health.status(), "200 OK");
    gate.open();
    assert_eq!(post(&hub, &[], &ask("y")).status(), "200 OK");
    assert_eq!(hub.ledger().len(), 1);
}

#[test]
fn what_is_forwarded_is_recorded() {
    let hub = start(hello());
    let body = json!({
        "model": "scripted", "response_format": {"type": "json_object"}, "seed": 4, "temperature": 0.25,
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "image_url"}]},
            {"role": "assistant", "content": null, "refusal": "no",
             "tool_calls": [{"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
            {"role": "tool", "tool_call_id": "call_1", "content": "r"},
        ],
    });
    post(&hub, &[], &body);
    assert_eq!(
        hub.requests()[0].forwarded,
        Some(json!({
            "model": "scripted", "temperature": 0.25,
            "messages": [
                {"role": "user", "content": "a"},
                {"role": "assistant", "content": "",
                 "tool_calls": [{"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
                {"role": "tool", "tool_call_id": "call_1", "content": "r"},
            ],
        }))
    );
}

#[test]
fn models_are_substituted_without_a_word() {
    let mut config = hello();
    config.models = vec![
        Model {
            input_per_1k: 0.015,
            output_per_1k: 0.075,
            ..Model::new("dear", "double")
        },
        Model::new("good", "double"),
    ];
    config.aliases = vec![(String::from("house"), String::from("good"))];
    let hub = start(config);
    let model = |asked: &str, chars: usize| {
        let body =
            json!({"model": asked, "messages": [{"role": "user", "content": "x".repeat(chars)}]});
        let raw = post(&hub, &[], &body);
        assert_eq!(
            raw.json()["model"].as_str(),
            raw.header("X-Negotiated-Model")
        );
        (
            raw.header("X-Negotiated-Model").unwrap().to_owned(),
            raw.header("X-Alias-From").map(str::to_owned),
        )
    };
    assert_eq!(model("dear", 3_000), (String::from("dear"), None));
    assert_eq!(model("dear", 3_200), (String::from("good"), None));
    assert_eq!(model("nope", 4), (String::from("good"), None));
    assert_eq!(model("x/dear", 4), (String::from("dear"), None));
    assert_eq!(
        model("house", 4),
        (String::from("good"), Some(String::from("house")))
    );
}

#[test]
fn the_native_route_wraps_json_in_plain_text() {
    let hub = start(hello());
    let bearer = format!("Bearer {}", hub.api_key());
    let body = json!({"request": {"messages": [{"role": "user", "content": "x"}], "parameters": {"seed": 1}}});
    let raw = send(
        &hub,
        "POST",
        "/v1/chat",
        &[("Authorization", &bearer)],
        &body.to_string(),
    );
    assert_eq!(
        raw.header("Content-Type"),
        Some("text/plain; charset=utf-8")
    );
    assert_eq!(raw.json()["negotiated_model"], "scripted");
    assert_eq!(
        raw.json()["response"]["choices"][0]["message"]["content"],
        "hello <b> & co"
    );
    assert_eq!(hub.requests()[0].forwarded.as_ref().unwrap()["seed"], 1);
    let bad = send(
        &hub,
        "POST",
        "/v1/chat",
        &[("Authorization", &bearer)],
        "{\"request\":{}}",
    );
    assert_eq!(
        (bad.status(), bad.body.as_str()),
        ("400 Bad Request", "{\"error\":\"messages required\"}\n")
    );
}

#[test]
fn a_budget_is_spent_by_calls_and_then_refuses() {
    let mut config = hello();
    config.keys = vec![Key {
        monthly_budget_usd: 0.00003,
        ..Key::new("poor")
    }];
    let hub = start(config);
    assert_eq!(post(&hub, &[], &ask("x")).status(), "200 OK");
    let refused = post(&hub, &[], &ask("x"));
    assert_eq!(refused.status(), "429 Too Many Requests");
    assert_eq!(refused.json()["budget_usd"], 0.00003);
}

#[test]
fn remembered_keys_work_on_for_five_minutes() {
    let mut config = hello();
    config.remember_keys = true;
    let hub = start(config);
    assert_eq!(post(&hub, &[], &ask("x")).status(), "200 OK");
    hub.update_key("double", |key| key.enabled = false);
    assert_eq!(post(&hub, &[], &ask("x")).status(), "200 OK");
    hub.advance(Duration::from_secs(300));
    assert_eq!(post(&hub, &[], &ask("x")).body, "invalid api key\n");
}

#[test]
fn a_failing_provider_is_passed_over() {
    let mut config = hello();
    config.models = vec![
        Model::new("first", "a"),
        Model {
            weight: 1,
            ..Model::new("second", "b")
        },
    ];
    config.providers = vec![
        Provider {
            failing: Some((500, String::from("down"))),
            ..Provider::new("a")
        },
        Provider::new("b"),
    ];
    let hub = start(config);
    let raw = post(
        &hub,
        &[],
        &json!({"model": "first", "messages": [{"role": "user", "content": "x"}]}),
    );
    assert_eq!(raw.header("X-Negotiated-Model"), Some("second"));
}

#[test]
fn a_script_answers_by_conversation_and_turn() {
    let script = Script::default()
        .conversation(
            "bd-1",
            [
                ScriptedReply::call("read_file", json!({"path": "a"}))
                    .and_call("git_status", json!({})),
                ScriptedReply::text("two"),
            ],
            Then::Done,
        )
        .conversation("", [ScriptedReply::text("any")], Then::RepeatLast);
    let hub = start(script.into());
    let turn = |bead: &str, turns: usize| {
        let mut messages = vec![json!({"role": "user", "content": format!("work on {bead}")})];
        for _ in 0..turns {
            messages.push(json!({"role": "assistant", "content": "said"}));
            messages.push(json!({"role": "tool", "content": "bd-1 occurs here too"}));
        }
        post(&hub, &[], &json!({"messages": messages})).json()["choices"][0]["message"].clone()
    };
    let first = turn("bd-1", 0);
    assert_eq!(first["content"], Value::Null);
    assert_eq!(
        first["tool_calls"][0]["function"],
        json!({"name": "read_file", "arguments": "{\"path\":\"a\"}"})
    );
    assert_eq!(first["tool_calls"][1]["id"], "call_0_1");
    assert_eq!(
        turn("bd-1", 0),
        first,
        "the same turn again is the same answer"
    );
    assert_eq!(turn("bd-1", 1)["content"], "two");
    assert_eq!(turn("bd-1", 2)["tool_calls"][0]["function"]["name"], "done");
    assert_eq!(turn("bd-2", 3)["content"], "any");
}

#[test]
fn a_script_is_read_from_json_and_its_errors_are_named() {
    let script = Script::from_json(
        r#"{"conversations":[{"match":"x","then":"done","replies":[
            {"content":"a","usage":{"prompt_tokens":1,"completion_tokens":2}},
            {"tool_calls":[{"name":"f","arguments":{"a":1}}],"misbehave":"hang"},
            {"raw":{"choices":[]},"misbehave":{"cut_stream":{"after_chunks":2}},"misbehave_times":3}]}]}"#,
    )
    .unwrap();
    assert_eq!(script.conversations[0].replies.len(), 3);
    assert_eq!(
        Script::from_json(&serde_json::to_string(&script).unwrap()),
        Ok(script)
    );
    for (json, part) in [
        ("{", "EOF"),
        (
            r#"{"conversations":[{"match":"x","replies":[]}]}"#,
            "no replies",
        ),
        (
            r#"{"conversations":[{"match":"x","replies":[{"contents":"a"}]}]}"#,
            "contents",
        ),
    ] {
        assert!(
            Script::from_json(json).unwrap_err().contains(part),
            "{json}"
        );
    }
}

#[test]
fn the_ledger_outlives_the_double() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger.jsonl");
    for round in 1..=2 {
        let hub = start(hello().with_ledger_file(&path));
        post(
            &hub,
            &[("X-Request-ID", "r"), ("Idempotency-Key", "k")],
            &ask("x"),
        );
        assert_eq!(
            hub.ledger().len(),
            round,
            "after a restart the store is empty, so it is paid again"
        );
        hub.shutdown();
    }
    let mut entries = loom_tokenhub_double::read_ledger(&path).unwrap();
    assert_eq!(entries.len(), 2);
    let entry = entries.swap_remove(0);
    assert_eq!(
        (entry.idempotency_key.as_str(), entry.request_id.as_str()),
        ("k", "r")
    );
    assert_eq!((entry.prompt_tokens, entry.completion_tokens), (12, 9));
    let mut cut = std::fs::OpenOptions::new()
        .append(true)
        .open(&path)
        .unwrap();
    cut.write_all(b"{\"idempotency_key\":\"half").unwrap();
    assert_eq!(loom_tokenhub_double::read_ledger(&path).unwrap().len(), 2);
}

#[test]
fn it_answers_without_a_socket() {
    let hub = TokenHub::in_process(hello()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let request = http::Request::post("/v1/chat/completions")
        .header("Authorization", format!("Bearer {}", hub.api_key()))
        .body(bytes::Bytes::from(ask("x").to_string()))
        .unwrap();
    let response = runtime.block_on(hub.call(request)).unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(hub.ledger().len(), 1);
}

#[test]
fn the_program_prints_where_it_is_and_how_to_get_in() {
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};

    let directory = tempfile::tempdir().unwrap();
    let script = directory.path().join("script.json");
    std::fs::write(
        &script,
        r#"{"conversations":[{"match":"","replies":[{"content":"hi"}]}]}"#,
    )
    .unwrap();
    let mut program = Command::new(env!("CARGO_BIN_EXE_loom-tokenhub-double"))
        .args(["--listen", "127.0.0.1:0", "--script"])
        .arg(&script)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines: Vec<String> = BufReader::new(program.stdout.take().unwrap())
        .lines()
        .take(2)
        .map(Result::unwrap)
        .collect();
    let address = lines[0].strip_prefix("TOKENHUB_URL=http://").unwrap();
    let key = lines[1].strip_prefix("TOKENHUB_API_KEY=").unwrap();
    let body = ask("x").to_string();
    let request = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {key}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    program.kill().unwrap();
    program.wait().unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 200 OK") && answer.contains("\"content\":\"hi\""),
        "{answer}"
    );

    let missing = Command::new(env!("CARGO_BIN_EXE_loom-tokenhub-double"))
        .args(["--listen", "127.0.0.1:0", "--script", "/nowhere.json"])
        .output()
        .unwrap();
    assert!(!missing.status.success());
    assert!(
        String::from_utf8(missing.stderr)
            .unwrap()
            .starts_with("/nowhere.json: ")
    );
}
