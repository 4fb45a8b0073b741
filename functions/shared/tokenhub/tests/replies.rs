//! What the client makes of replies, and what it sends.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod common;

use common::{client, request};
use loom_domain::conversation::{Message, Speaker, ToolCall};
use loom_platform::native::NativeHttpClient;
use loom_tokenhub::{Client, Health, Model, TokenUsage};
use loom_tokenhub_double::{Answer, Config, Misbehaviour, Running, TokenHub};
use serde_json::json;

fn answering(answer: Answer) -> Running {
    TokenHub::start(Config::respond(move |_| answer.clone())).unwrap()
}

#[tokio::test]
async fn text_and_usage() {
    let hub = answering(Answer::text("héllo <b>").usage(12, 9));
    let reply = client(&hub).complete(&request("x")).await.unwrap();
    assert_eq!(reply.reply.content, "héllo <b>");
    assert_eq!(reply.reply.finish_reason, "stop");
    assert_eq!(reply.model_given, "scripted");
    assert_eq!(
        reply.usage,
        Some(TokenUsage {
            prompt_tokens: 12,
            completion_tokens: 9,
            estimated: false
        })
    );
    assert!(!reply.replayed && !reply.substituted);
}

#[tokio::test]
async fn missing_usage_is_estimated_and_says_so() {
    for answer in [
        Answer::text("x".repeat(10)).without_usage(),
        Answer::text("x".repeat(10)).usage(0, 0),
    ] {
        let hub = answering(answer);
        let reply = client(&hub)
            .complete(&request(&"é".repeat(8)))
            .await
            .unwrap();
        assert_eq!(
            reply.usage,
            Some(TokenUsage {
                prompt_tokens: 2,
                completion_tokens: 3,
                estimated: true
            })
        );
    }
}

#[tokio::test]
async fn tool_calls_with_null_content() {
    let hub = answering(Answer::calls([
        (String::from("read_file"), json!({"path": "a<b"})),
        (String::from("git_status"), json!({})),
    ]));
    let reply = client(&hub).complete(&request("x")).await.unwrap().reply;
    assert_eq!(reply.content, "");
    assert_eq!(reply.finish_reason, "tool_calls");
    let call = |index: usize, name: &str, arguments: &str| ToolCall {
        id: format!("call_0_{index}"),
        name: name.to_owned(),
        arguments: arguments.to_owned(),
    };
    assert_eq!(
        reply.tool_calls,
        [
            call(0, "read_file", r#"{"path":"a<b"}"#),
            call(1, "git_status", "{}")
        ]
    );
}

#[tokio::test]
async fn odd_but_usable_replies() {
    let choice = |message: &str| {
        format!(r#"{{"choices":[{{"message":{message}}}],"usage":{{"prompt_tokens":1}}}}"#)
    };
    for (message, content, calls) in [
        (
            r#"{"content":[{"type":"text","text":"a"},{"type":"x"},{"text":"b"}]}"#,
            "ab",
            vec![],
        ),
        (r#"{"content":null}"#, "", vec![]),
        (r#"{}"#, "", vec![]),
        (
            r#"{"content":"{\"error\":\"a bug\"}"}"#,
            "{\"error\":\"a bug\"}",
            vec![],
        ),
        (
            r#"{"tool_calls":[{"function":{"name":"f","arguments":{"a":1}}},{"id":"call_0","function":{"name":"g"}}]}"#,
            "",
            vec![("call_0", "f", "{\"a\":1}"), ("call_0_1", "g", "")],
        ),
        (
            r#"{"tool_calls":null,"function_call":{"name":"f","arguments":"{}"}}"#,
            "",
            vec![("call_0", "f", "{}")],
        ),
        (r#"{"tool_calls":[7]}"#, "", vec![("call_0", "", "")]),
    ] {
        let hub = answering(Answer::raw(choice(message)));
        let reply = client(&hub).complete(&request("x")).await.unwrap().reply;
        let got: Vec<_> = reply
            .tool_calls
            .iter()
            .map(|c| (c.id.as_str(), c.name.as_str(), c.arguments.as_str()))
            .collect();
        assert_eq!((reply.content.as_str(), got), (content, calls), "{message}");
    }
}

#[tokio::test]
async fn a_provider_s_page_or_error_is_not_the_model_s_words() {
    for raw in [
        r#"{"error":"quota"}"#,
        "<html>502</html>",
        "  <!DOCTYPE html><p>",
    ] {
        let hub = answering(Answer::raw(raw));
        let failure = client(&hub).complete(&request("x")).await.unwrap_err();
        assert_eq!(failure.code(), "not_model_output", "{raw}");
    }
    let hub = answering(Answer::raw("plain words of a simple server"));
    let reply = client(&hub).complete(&request("x")).await.unwrap();
    assert_eq!(reply.reply.content, "plain words of a simple server");
    assert!(reply.usage.unwrap().estimated);
}

#[tokio::test]
async fn substitution_is_noticed_and_its_lookalikes_are_not() {
    let mut config = Config::respond(|_| Answer::text("x"));
    config.models = vec![
        loom_tokenhub_double::Model::new("good", "double"),
        loom_tokenhub_double::Model {
            enabled: false,
            ..loom_tokenhub_double::Model::new("off", "double")
        },
    ];
    config.aliases = vec![(String::from("house"), String::from("good"))];
    let hub = TokenHub::start(config).unwrap();
    for (asked, substituted) in [
        (None, false),
        (Some(""), false),
        (Some("*"), false),
        (Some("good"), false),
        (Some(" good "), false),
        (Some("any/good"), false),
        (Some("house"), false),
        (Some("off"), true),
        (Some("unknown"), true),
        (Some("any/unknown"), true),
    ] {
        let mut request = request("x");
        request.model = asked.map(str::to_owned);
        let reply = client(&hub).complete(&request).await.unwrap();
        assert_eq!(
            (reply.model_given.as_str(), reply.substituted),
            ("good", substituted),
            "{asked:?}"
        );
    }
}

#[tokio::test]
async fn the_same_request_is_the_same_bytes_and_replayed() {
    let hub = TokenHub::start(Config::respond(|seen| {
        Answer::text(format!("attempt {}", seen.attempt))
    }))
    .unwrap();
    let mut request = request("x");
    request.tools = vec![
        json!({"type": "function", "function": {"name": "f", "parameters": {"b": 1, "a": 2}}}),
    ];
    request.temperature = Some(0.2);
    let first = client(&hub).complete(&request).await.unwrap();
    let second = client(&hub).complete(&request.clone()).await.unwrap();
    assert!(!first.replayed && second.replayed);
    assert_eq!(first.reply, second.reply);
    assert_eq!(hub.ledger().len(), 1);
    let bodies: Vec<Vec<u8>> = hub
        .requests()
        .into_iter()
        .map(|request| request.body)
        .collect();
    assert_eq!(bodies[0], bodies[1]);
}

#[tokio::test]
async fn nothing_is_sent_that_tokenhub_drops() {
    let hub = answering(Answer::text("x"));
    let mut request = request("task");
    request.model = Some(String::from("scripted"));
    request.messages.push(Message {
        role: Speaker::Assistant,
        content: String::new(),
        tool_calls: vec![ToolCall {
            id: String::from("call_1"),
            name: String::from("f"),
            arguments: String::from("{\"a\":1}"),
        }],
        tool_call_id: None,
    });
    request
        .messages
        .push(Message::tool_result("call_1", "result"));
    request.tools = vec![json!({"type": "function", "function": {"name": "f"}})];
    request.temperature = Some(0.5);
    request.max_tokens = Some(100);
    client(&hub).complete(&request).await.unwrap();
    let seen = hub.requests().swap_remove(0);
    let sent: serde_json::Value = serde_json::from_slice(&seen.body).unwrap();
    assert_eq!(seen.forwarded, Some(sent.clone()));
    assert_eq!(
        sent,
        json!({
            "model": "scripted",
            "messages": [
                {"role": "user", "content": "task"},
                {"role": "assistant", "content": "", "tool_calls": [
                    {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{\"a\":1}"}}]},
                {"role": "tool", "content": "result", "tool_call_id": "call_1"},
            ],
            "tools": [{"type": "function", "function": {"name": "f"}}],
            "temperature": 0.5,
            "max_tokens": 100,
        })
    );
    assert_eq!(seen.headers["x-request-id"], "run-1/0");
    assert_eq!(seen.headers["idempotency-key"], "run-1/0");
}

#[tokio::test]
async fn odd_ids_do_not_stop_a_call() {
    let hub = answering(Answer::text("x"));
    let mut request = request("x");
    request.idempotency_key = String::from("a b\r\nX-Evil: é1");
    request.request_id = String::from("\n");
    request.temperature = Some(f64::NAN);
    client(&hub).complete(&request).await.unwrap();
    let seen = hub.requests().swap_remove(0);
    assert_eq!(seen.headers["idempotency-key"], "abX-Evil:1");
    assert!(!seen.headers.contains_key("x-evil"));
}

#[tokio::test]
async fn the_address_may_have_v1_or_not() {
    let hub = answering(Answer::text("x"));
    for suffix in ["", "/", "/v1", "/v1/", "//"] {
        let client = Client::new(
            NativeHttpClient::default(),
            &format!(" {}{suffix} ", hub.url()),
            &format!("{}\n", hub.api_key()),
        );
        assert!(client.complete(&request("x")).await.is_ok(), "{suffix}");
    }
}

#[tokio::test]
async fn models_are_listed_in_order_and_an_empty_list_is_null() {
    let mut config = Config::respond(|_| Answer::text("x"));
    config.models = ["b", "a"]
        .map(|id| loom_tokenhub_double::Model::new(id, "double"))
        .to_vec();
    config.models[0].max_context_tokens = 0;
    let hub = TokenHub::start(config).unwrap();
    let expected = [
        Model {
            id: String::from("a"),
            context_length: Some(128_000),
        },
        Model {
            id: String::from("b"),
            context_length: None,
        },
    ];
    for _ in 0..2 {
        assert_eq!(client(&hub).models().await.unwrap(), expected);
    }
    hub.set_models(Vec::new());
    assert_eq!(client(&hub).models().await.unwrap(), []);
}

#[tokio::test]
async fn an_unhealthy_tokenhub_is_an_answer() {
    let hub = answering(Answer::text("x"));
    let health = client(&hub).health().await.unwrap();
    assert_eq!(
        health,
        Health {
            adapters: 1,
            models: 1
        }
    );
    assert!(health.is_healthy());
    hub.set_models(Vec::new());
    let health = client(&hub).health().await.unwrap();
    assert_eq!(
        health,
        Health {
            adapters: 1,
            models: 0
        }
    );
    assert!(!health.is_healthy());
}

#[tokio::test]
async fn a_key_is_never_shown() {
    let hub = answering(Answer::text("x").misbehave(Misbehaviour::Status {
        status: 500,
        body: format!(
            "you sent Bearer {}",
            loom_tokenhub_double::Key::new("double").secret
        ),
        content_type: String::from("text/plain"),
        headers: Vec::new(),
    }));
    let client = client(&hub);
    let failure = client.complete(&request("x")).await.unwrap_err();
    for text in [
        format!("{client:?}"),
        format!("{failure:?}"),
        failure.to_string(),
    ] {
        assert!(!text.contains("tokenhub_"), "{text}");
    }
}
