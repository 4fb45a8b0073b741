//! Streams: complete ones, and those that only look so.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod common;

use std::time::Duration;

use bytes::Bytes;
use common::{client, request};
use http_body_util::{BodyExt, StreamBody};
use loom_domain::conversation::ToolCall;
use loom_domain::model_failure::ModelFailure;
use loom_platform::{Body, BodyError, HttpClient, HttpError};
use loom_tokenhub::{ChatReply, Client, TokenUsage};
use loom_tokenhub_double::{Answer, Config, Misbehaviour, Running, TokenHub};
use proptest::prelude::*;
use serde_json::json;

fn answering(answer: Answer) -> Running {
    TokenHub::start(Config::respond(move |_| answer.clone())).unwrap()
}

async fn streamed(hub: &Running) -> Result<ChatReply, ModelFailure> {
    client(hub).stream(&request("hello")).await?.finish().await
}

#[tokio::test]
async fn text_comes_in_pieces_and_the_whole_is_the_same() {
    let text = "words, wörds and <more> words ".repeat(20);
    let hub = answering(Answer::text(text.clone()));
    let mut stream = client(&hub).stream(&request("hello")).await.unwrap();
    assert_eq!(stream.model_given(), "scripted");
    let mut pieces = Vec::new();
    while let Some(piece) = stream.next().await.unwrap() {
        pieces.push(piece);
    }
    assert!(pieces.len() > 10);
    assert_eq!(pieces.concat(), text);
    let reply = stream.finish().await.unwrap();
    assert_eq!(reply.reply.content, text);
    assert_eq!(reply.reply.finish_reason, "stop");
    assert_eq!(
        reply.usage,
        Some(TokenUsage {
            prompt_tokens: 2,
            completion_tokens: 150,
            estimated: true
        })
    );
    assert!(
        !hub.requests()[0].headers.contains_key("idempotency-key"),
        "streams are not stored"
    );
}

#[tokio::test]
async fn tool_calls_are_put_together() {
    let arguments = json!({"path": "a/very/long/path/that/needs/several/chunks.rs"});
    let hub = answering(
        Answer::calls([
            (String::from("read_file"), arguments.clone()),
            (String::from("git_status"), json!({})),
        ])
        .with_text("I look."),
    );
    let reply = streamed(&hub).await.unwrap().reply;
    assert_eq!(reply.content, "I look.");
    assert_eq!(reply.finish_reason, "tool_calls");
    let call = |index: usize, name: &str, arguments: String| ToolCall {
        id: format!("call_0_{index}"),
        name: name.to_owned(),
        arguments,
    };
    assert_eq!(
        reply.tool_calls,
        [
            call(0, "read_file", arguments.to_string()),
            call(1, "git_status", String::from("{}"))
        ]
    );
}

#[tokio::test]
async fn a_clean_end_without_an_ending_is_a_truncation() {
    let hub = answering(
        Answer::text("x".repeat(64)).misbehave(Misbehaviour::CutStream { after_chunks: 3 }),
    );
    assert_eq!(
        streamed(&hub).await,
        Err(ModelFailure::StreamTruncated { received_chars: 32 })
    );
    assert_eq!(hub.ledger().len(), 1, "and it was paid");
}

#[tokio::test]
async fn an_abrupt_end_is_interrupted() {
    let hub = answering(
        Answer::text("x".repeat(64)).misbehave(Misbehaviour::AbortStream { after_chunks: 3 }),
    );
    assert_eq!(streamed(&hub).await.unwrap_err().code(), "interrupted");
}

#[tokio::test]
async fn an_error_in_the_middle_is_a_failure() {
    let hub = answering(
        Answer::text("x".repeat(64)).misbehave(Misbehaviour::ErrorInStream { after_chunks: 3 }),
    );
    assert_eq!(streamed(&hub).await.unwrap_err().code(), "stream_failed");
}

#[tokio::test]
async fn before_the_first_byte_errors_are_those_of_any_call() {
    for (misbehaviour, code) in [
        (Misbehaviour::KeyRejected, "key_rejected"),
        (Misbehaviour::KeyRateLimited, "key_rate_limited"),
        (Misbehaviour::NoEligibleModels, "no_eligible_models"),
        (Misbehaviour::Close, "interrupted"),
    ] {
        let hub = answering(Answer::text("x").misbehave(misbehaviour));
        assert_eq!(streamed(&hub).await.unwrap_err().code(), code);
    }
    let hub = answering(Answer::text("x").misbehave(Misbehaviour::AllProvidersFailed));
    let failure = streamed(&hub).await.unwrap_err();
    assert_eq!(
        failure,
        ModelFailure::AllProvidersFailed {
            detail: String::from(
                r#"API error (status 429): {"error":{"message":"Rate limit reached for key [redacted]"}}"#
            )
        }
    );
    assert!(
        !failure.to_string().contains("429"),
        "an upstream's words are not for users"
    );
}

#[tokio::test]
async fn a_provider_that_does_not_stream_is_read_as_a_whole() {
    let hub = answering(Answer::raw(
        r#"{"model":"m","choices":[{"message":{"content":"all at once"}}],"usage":{"prompt_tokens":3,"completion_tokens":4}}"#,
    ));
    let reply = streamed(&hub).await.unwrap();
    assert_eq!(reply.reply.content, "all at once");
    assert_eq!(
        reply.usage,
        Some(TokenUsage {
            prompt_tokens: 3,
            completion_tokens: 4,
            estimated: false
        })
    );
    let hub = answering(Answer::raw(r#"{"error":{"message":"overloaded"}}"#));
    assert_eq!(streamed(&hub).await.unwrap_err().code(), "not_model_output");
}

/// A network that answers every request with these pieces.
#[derive(Clone)]
struct Canned(Vec<Vec<u8>>);

impl HttpClient for Canned {
    async fn send(
        &self,
        _: http::Request<Bytes>,
        _: Duration,
    ) -> Result<http::Response<Body>, HttpError> {
        let frames: Vec<Result<_, BodyError>> = self
            .0
            .iter()
            .map(|piece| Ok(http_body::Frame::data(Bytes::from(piece.clone()))))
            .collect();
        let body = StreamBody::new(futures_util::stream::iter(frames)).boxed_unsync();
        Ok(http::Response::new(body))
    }
}

async fn read(pieces: Vec<Vec<u8>>) -> Result<ChatReply, ModelFailure> {
    Client::new(Canned(pieces), "http://hub", "")
        .stream(&request("x"))
        .await?
        .finish()
        .await
}

#[tokio::test]
async fn a_finish_reason_is_an_ending_too() {
    let stream =
        "data: {\"choices\":[{\"delta\":{\"content\":\"a\"},\"finish_reason\":\"length\"}]}";
    let reply = read(vec![stream.into()]).await.unwrap().reply;
    assert_eq!(
        (reply.content.as_str(), reply.finish_reason.as_str()),
        ("a", "length")
    );
}

#[tokio::test]
async fn anthropic_streams_are_understood() {
    let stream = r#"event: message_start
data: {"type":"message_start","message":{"usage":{"input_tokens":25,"output_tokens":1}}}

event: content_block_start
data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}

event: ping
data: {"type":"ping"}

data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hello"}}

data: {"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"toolu_1","name":"f","input":{}}}

data: {"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{\"a\":"}}

data: {"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"1}"}}

data: {"type":"message_delta","delta":{"stop_reason":"tool_use"},"usage":{"output_tokens":15}}

"#;
    let ending = "data: {\"type\":\"message_stop\"}\n\n";
    let reply = read(vec![stream.into(), ending.into()]).await.unwrap();
    assert_eq!(reply.reply.content, "Hello");
    assert_eq!(reply.reply.finish_reason, "tool_calls");
    let call = ToolCall {
        id: String::from("toolu_1"),
        name: String::from("f"),
        arguments: String::from("{\"a\":1}"),
    };
    assert_eq!(reply.reply.tool_calls, [call]);
    assert_eq!(
        reply.usage,
        Some(TokenUsage {
            prompt_tokens: 25,
            completion_tokens: 15,
            estimated: false
        })
    );

    assert_eq!(
        read(vec![stream.into()]).await,
        Err(ModelFailure::StreamTruncated { received_chars: 5 })
    );
    let error = "data: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\"}}\n\n";
    assert_eq!(
        read(vec![error.into()]).await.unwrap_err().code(),
        "stream_failed"
    );
}

/// Bytes that resemble what comes, so that the reader gets past its first check.
fn likely() -> impl Strategy<Value = Vec<u8>> {
    let parts = prop::sample::select(vec![
        "data: ",
        "[DONE]",
        "\n\n",
        "\n",
        "\r\n",
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"",
        "null",
        "7",
        "-1e999",
        "\\u00",
        "\"choices\"",
        "\"message\"",
        "\"delta\"",
        "\"content\"",
        "\"tool_calls\"",
        "\"function\"",
        "\"index\"",
        "\"error\"",
        "\"usage\"",
        "\"type\":\"content_block_delta\"",
        "\u{feff}",
        "é",
        "<html",
        "{\"choices\":[{\"delta\":{\"content\":\"a\"}}]}",
        "{\"choices\":[{\"message\":{\"content\":",
        "{\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":18446744073709551615}]}}]}",
    ]);
    prop_oneof![
        prop::collection::vec(parts, 0..40).prop_map(|parts| parts.concat().into_bytes()),
        prop::collection::vec(any::<u8>(), 0..200),
    ]
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(future)
}

proptest! {
    #[test]
    fn any_stream_ends_in_a_reply_or_a_failure(bytes in likely()) {
        if let Ok(reply) = run(read(vec![bytes.clone()])) {
            // Only what says that it is complete counts as complete.
            let text = String::from_utf8_lossy(&bytes);
            prop_assert!(
                ["[DONE]", "finish_reason", "message_stop"].iter().any(|end| text.contains(end))
                    || text.trim_start().starts_with('{'),
                "{text:?} became {reply:?}"
            );
        }
    }

    #[test]
    fn how_a_stream_is_cut_into_pieces_does_not_matter(
        text in "\\PC{0,80}",
        cuts in prop::collection::vec(0..600_usize, 0..8),
    ) {
        let stream = format!(
            "data: {}\n\ndata: [DONE]\n\n",
            json!({"choices": [{"delta": {"content": text}}]})
        ).into_bytes();
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(stream.len())).collect();
        cuts.extend([0, stream.len()]);
        cuts.sort_unstable();
        let pieces = cuts.windows(2).map(|cut| stream[cut[0]..cut[1]].to_vec()).collect();
        prop_assert_eq!(run(read(pieces)).unwrap().reply.content, text);
    }

    #[test]
    fn any_answer_to_any_call_is_a_result(bytes in likely(), status in 200..600_u16) {
        #[derive(Clone)]
        struct Anything(u16, Vec<u8>);
        impl HttpClient for Anything {
            async fn send(&self, _: http::Request<Bytes>, _: Duration) -> Result<http::Response<Body>, HttpError> {
                let mut response = http::Response::new(loom_platform::body_from(self.1.clone()));
                *response.status_mut() = http::StatusCode::from_u16(self.0).unwrap();
                Ok(response)
            }
        }
        let client = Client::new(Anything(status, bytes), "http://hub", "tokenhub_x");
        let reply = run(client.complete(&request("x")));
        prop_assert!(status == 200 || reply.is_err());
        prop_assert!(run(client.models()).is_err() || status == 200);
        prop_assert!(run(client.health()).is_err() || status == 200 || status == 503);
    }
}
