//! Streamed answers.

use loom_tokenhub_double::{Answer, Config, Misbehaviour};
use serde_json::json;

use crate::exchange::{exchange, hello, post, start};

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
