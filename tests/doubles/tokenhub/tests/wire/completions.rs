//! Which model answers, and in which form.

use loom_tokenhub_double::{Answer, Config, Model, Provider};
use serde_json::json;

use crate::exchange::{ask, hello, post, send, start};

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
