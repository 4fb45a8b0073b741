//! Every failure that TokenHub can cause, made by its double and understood by the client.

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
use loom_domain::model_failure::{ModelFailure, Response, TABLE, response};
use loom_platform::native::NativeHttpClient;
use loom_platform::{Body, HttpClient, HttpError};
use loom_tokenhub::{Client, MAX_REPLY_BYTES};
use loom_tokenhub_double::{Answer, Config, Faults, Key, Misbehaviour, TokenHub};

/// What the double does, and what the client must make of it.
fn table() -> Vec<(Misbehaviour, ModelFailure)> {
    let status = |status: u16, body: &str| Misbehaviour::Status {
        status,
        body: body.to_owned(),
        content_type: String::from("text/html"),
        headers: vec![(String::from("Retry-After"), String::from("7"))],
    };
    let text = String::from;
    vec![
        (Misbehaviour::KeyMissing, ModelFailure::KeyMissing),
        (Misbehaviour::KeyMalformed, ModelFailure::KeyMalformed),
        (Misbehaviour::KeyRejected, ModelFailure::KeyRejected),
        (Misbehaviour::ScopeMissing, ModelFailure::ScopeMissing),
        (
            Misbehaviour::BudgetExceeded,
            ModelFailure::BudgetExceeded {
                budget_micro_usd: 10,
                spent_micro_usd: 30,
            },
        ),
        (
            Misbehaviour::KeyRateLimited,
            ModelFailure::KeyRateLimited {
                retry_after_ms: 1_000,
            },
        ),
        (
            Misbehaviour::AddressRateLimited,
            ModelFailure::AddressRateLimited {
                retry_after_ms: 1_000,
            },
        ),
        (
            status(429, "<h1>slow down</h1>"),
            ModelFailure::RateLimited {
                retry_after_ms: 7_000,
            },
        ),
        (
            Misbehaviour::RequestInvalid,
            ModelFailure::RequestInvalid {
                detail: text("invalid JSON: unexpected EOF"),
            },
        ),
        (Misbehaviour::RequestTooLarge, ModelFailure::RequestTooLarge),
        (status(413, ""), ModelFailure::RequestTooLarge),
        (
            status(400, "failed to read request body\n"),
            ModelFailure::Interrupted {
                detail: text("failed to read request body"),
            },
        ),
        (
            Misbehaviour::AllProvidersFailed,
            ModelFailure::AllProvidersFailed {
                detail: String::new(),
            },
        ),
        (
            Misbehaviour::NoEligibleModels,
            ModelFailure::NoEligibleModels,
        ),
        (
            Misbehaviour::BadGateway,
            ModelFailure::BadGateway {
                detail: text(
                    "request failed: Post \"http://upstream/v1/chat/completions\": context deadline exceeded",
                ),
            },
        ),
        (
            status(502, ""),
            ModelFailure::BadGateway {
                detail: String::new(),
            },
        ),
        (Misbehaviour::ServerPanicked, ModelFailure::ServerPanicked),
        (
            status(500, "oops"),
            ModelFailure::ServerFailed {
                status: 500,
                detail: text("oops"),
            },
        ),
        (
            status(503, "oops"),
            ModelFailure::ServerFailed {
                status: 503,
                detail: text("oops"),
            },
        ),
        (
            Misbehaviour::EndpointNotFound,
            ModelFailure::EndpointNotFound,
        ),
        (
            Misbehaviour::MethodNotAllowed,
            ModelFailure::MethodNotAllowed,
        ),
        (
            status(302, ""),
            ModelFailure::UnexpectedStatus { status: 302 },
        ),
        (
            status(403, "go away"),
            ModelFailure::UnexpectedStatus { status: 403 },
        ),
        (
            status(204, ""),
            ModelFailure::UnexpectedStatus { status: 204 },
        ),
        (
            Misbehaviour::HugeReply {
                bytes: MAX_REPLY_BYTES,
            },
            ModelFailure::ReplyTooLarge {
                limit: MAX_REPLY_BYTES,
            },
        ),
        (
            Misbehaviour::NotModelOutput,
            ModelFailure::NotModelOutput {
                detail: text(r#"{"error":{"message":"The upstream is overloaded","code":529}}"#),
            },
        ),
        (Misbehaviour::NoChoices, ModelFailure::NoChoices),
    ]
}

#[tokio::test]
async fn each_misbehaviour_is_told_apart() {
    for (misbehaviour, failure) in table() {
        let kind = misbehaviour.clone();
        let hub = TokenHub::start(Config::respond(move |_| {
            Answer::text("words")
                .without_usage()
                .misbehave(kind.clone())
        }))
        .unwrap();
        let result = client(&hub).complete(&request("hello")).await;
        assert_eq!(result, Err(failure), "{misbehaviour:?}");
    }
}

#[tokio::test]
async fn a_page_in_place_of_json_is_unreadable() {
    let hub = TokenHub::start(Config::respond(|_| {
        Answer::text("x").misbehave(Misbehaviour::Unreadable)
    }))
    .unwrap();
    let failure = client(&hub).complete(&request("hello")).await.unwrap_err();
    assert_eq!(failure.code(), "unreadable");
    assert!(failure.detail().unwrap().contains("It works!"));
}

#[tokio::test]
async fn what_breaks_off_is_interrupted_whether_or_not_an_answer_had_begun() {
    for misbehaviour in [
        Misbehaviour::Close,
        Misbehaviour::ReplyLost,
        Misbehaviour::ReplyCut,
    ] {
        let kind = misbehaviour.clone();
        let hub = TokenHub::start(Config::respond(move |_| {
            Answer::text("x").misbehave(kind.clone())
        }))
        .unwrap();
        let failure = client(&hub).complete(&request("hello")).await.unwrap_err();
        assert_eq!(failure.code(), "interrupted", "{misbehaviour:?}");
        assert!(failure.may_have_been_paid());
    }
}

#[tokio::test]
async fn real_keys_fail_as_scripted_ones_do() {
    let mut config = Config::respond(|_| Answer::text("x"));
    config.keys = vec![
        Key {
            scopes: String::from("[\"plan\"]"),
            ..Key::new("planner")
        },
        Key {
            monthly_budget_usd: 1.5,
            spent_usd: 2.25,
            ..Key::new("spent")
        },
    ];
    let hub = TokenHub::start(config).unwrap();
    let secret = |id: &str| Key::new(id).secret;
    for (key, failure) in [
        (String::new(), ModelFailure::KeyMissing),
        (String::from("sk-something"), ModelFailure::KeyMalformed),
        (
            String::from("tokenhub_with\nline"),
            ModelFailure::KeyMalformed,
        ),
        (secret("stranger"), ModelFailure::KeyRejected),
        (secret("planner"), ModelFailure::ScopeMissing),
        (
            secret("spent"),
            ModelFailure::BudgetExceeded {
                budget_micro_usd: 1_500_000,
                spent_micro_usd: 2_250_000,
            },
        ),
    ] {
        let client = Client::new(NativeHttpClient::default(), &hub.url(), &key);
        assert_eq!(
            client.complete(&request("x")).await,
            Err(failure),
            "{key:?}"
        );
    }
    assert!(hub.ledger().is_empty());
}

#[tokio::test]
async fn addresses_that_cannot_work() {
    let unused = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    for (endpoint, code) in [
        (String::new(), "endpoint_invalid"),
        (String::from("localhost:8090"), "endpoint_invalid"),
        (String::from("ftp://localhost"), "endpoint_invalid"),
        (String::from("http://"), "endpoint_invalid"),
        (String::from("http://host/?q=1"), "endpoint_invalid"),
        (format!("http://{unused}"), "cannot_connect"),
    ] {
        let client = Client::new(NativeHttpClient::default(), &endpoint, "tokenhub_x");
        assert_eq!(
            client.complete(&request("x")).await.unwrap_err().code(),
            code,
            "{endpoint}"
        );
        assert_eq!(
            client.models().await.unwrap_err().code(),
            code,
            "{endpoint}"
        );
        assert_eq!(
            client.health().await.unwrap_err().code(),
            code,
            "{endpoint}"
        );
    }
}

#[tokio::test]
async fn another_server_at_the_address_is_noticed() {
    let hub = TokenHub::start(Config::respond(|_| Answer::text("x"))).unwrap();
    let client = Client::new(
        NativeHttpClient::default(),
        &format!("{}/deeper", hub.url()),
        hub.api_key(),
    );
    assert_eq!(
        client.complete(&request("x")).await,
        Err(ModelFailure::EndpointNotFound)
    );
    assert_eq!(client.health().await, Err(ModelFailure::EndpointNotFound));
}

#[tokio::test]
async fn a_request_that_cannot_be_taken_is_not_sent() {
    let hub = TokenHub::start(Config::respond(|_| Answer::text("x"))).unwrap();
    let mut empty = request("x");
    empty.messages.clear();
    assert_eq!(
        client(&hub).complete(&empty).await.unwrap_err().code(),
        "request_invalid"
    );
    let large = request(&"x".repeat(10 * 1024 * 1024));
    assert_eq!(
        client(&hub).complete(&large).await,
        Err(ModelFailure::RequestTooLarge)
    );
    assert!(hub.requests().is_empty());
}

/// A network that fails.
#[derive(Clone)]
struct Failing(HttpError);

impl HttpClient for Failing {
    async fn send(
        &self,
        _: http::Request<Bytes>,
        _: Duration,
    ) -> Result<http::Response<Body>, HttpError> {
        Err(self.0.clone())
    }
}

#[tokio::test]
async fn failures_of_the_network_are_told_apart() {
    let reason = || String::from("reason");
    for (error, failure) in [
        (
            HttpError::Denied(String::from("host:1")),
            ModelFailure::HostDenied {
                detail: String::from("host:1"),
            },
        ),
        (
            HttpError::Timeout(Duration::from_secs(125)),
            ModelFailure::TimedOut { after_ms: 125_000 },
        ),
        (
            HttpError::Connect(reason()),
            ModelFailure::CannotConnect { detail: reason() },
        ),
        (
            HttpError::Interrupted(reason()),
            ModelFailure::Interrupted { detail: reason() },
        ),
        (
            HttpError::TooLarge { limit: 9 },
            ModelFailure::ReplyTooLarge { limit: 9 },
        ),
    ] {
        let client = Client::new(Failing(error), "http://hub", "tokenhub_x");
        assert_eq!(client.complete(&request("x")).await, Err(failure));
    }
}

/// A network whose limit is shorter than the client's, so that a test need not wait for it.
#[derive(Clone)]
struct Impatient(NativeHttpClient);

impl HttpClient for Impatient {
    async fn send(
        &self,
        request: http::Request<Bytes>,
        _: Duration,
    ) -> Result<http::Response<Body>, HttpError> {
        self.0.send(request, Duration::from_millis(50)).await
    }
}

#[tokio::test]
async fn a_hung_tokenhub_is_a_timeout_and_asking_again_is_paid_once() {
    let hub = TokenHub::start(Config::respond(|_| {
        Answer::text("x").misbehave(Misbehaviour::Hang)
    }))
    .unwrap();
    let hasty = Client::new(
        Impatient(NativeHttpClient::default()),
        &hub.url(),
        hub.api_key(),
    );
    let failure = hasty.complete(&request("hello")).await.unwrap_err();
    assert_eq!(failure, ModelFailure::TimedOut { after_ms: 50 });
    assert_eq!(
        response(&failure, 1),
        Response::Retry {
            after_ms: 5_000,
            new_key: false
        }
    );
    hub.release_hung();
    assert_eq!(
        client(&hub)
            .complete(&request("hello"))
            .await
            .unwrap()
            .reply
            .content,
        "x"
    );
    assert_eq!(hub.ledger().len(), 1);
}

#[tokio::test]
async fn a_lost_reply_is_replayed_under_the_same_key() {
    for lost in [Misbehaviour::ReplyLost, Misbehaviour::ReplyCut] {
        let hub = TokenHub::start(Config::respond(move |_| {
            Answer::text("x").misbehave_times(lost.clone(), 1)
        }))
        .unwrap();
        let failure = client(&hub).complete(&request("hello")).await.unwrap_err();
        assert!(matches!(
            response(&failure, 1),
            Response::Retry { new_key: false, .. }
        ));
        let reply = client(&hub).complete(&request("hello")).await.unwrap();
        assert!(reply.replayed);
        assert_eq!(hub.ledger().len(), 1);
    }
}

#[tokio::test]
async fn an_unusable_answer_is_stored_so_the_retry_needs_another_key() {
    for unusable in [Misbehaviour::NotModelOutput, Misbehaviour::NoChoices] {
        let hub = TokenHub::start(Config::respond(move |_| {
            Answer::text("x")
                .without_usage()
                .misbehave_times(unusable.clone(), 1)
        }))
        .unwrap();
        let mut request = request("hello");
        let failure = client(&hub).complete(&request).await.unwrap_err();
        assert!(matches!(
            response(&failure, 1),
            Response::Retry { new_key: true, .. }
        ));
        assert_eq!(
            client(&hub).complete(&request).await,
            Err(failure),
            "the same key is given the same answer"
        );
        request.idempotency_key.push_str("-2");
        assert_eq!(
            client(&hub).complete(&request).await.unwrap().reply.content,
            "x"
        );
    }
}

#[tokio::test]
async fn whoever_follows_the_table_gets_every_reply_and_pays_each_key_once() {
    let hub = TokenHub::start(
        Config::respond(|seen| Answer::text(seen.user()).without_usage())
            .with_faults(Faults::passing(11, 0.9)),
    )
    .unwrap();
    let client = client(&hub);
    let mut failures = 0;
    for turn in 0..200 {
        let mut request = request(&format!("turn {turn}"));
        request.idempotency_key = format!("run/{turn}");
        let mut calls = 0;
        let reply = loop {
            calls += 1;
            match client.complete(&request).await {
                Ok(reply) => break reply,
                Err(failure) => match response(&failure, calls) {
                    Response::Retry { after_ms, new_key } => {
                        hub.advance(Duration::from_millis(after_ms));
                        if new_key {
                            request.idempotency_key = format!("run/{turn}/{calls}");
                        }
                    }
                    end => panic!("{turn}: {end:?} after {failure:?}"),
                },
            }
        };
        failures += calls - 1;
        assert_eq!(reply.reply.content, format!("turn {turn}"));
        assert_eq!(
            hub.ledger()
                .iter()
                .filter(|paid| paid.idempotency_key == request.idempotency_key)
                .count(),
            1
        );
    }
    assert!(failures > 100, "the faults did happen: {failures}");
    let mut keys: Vec<String> = hub
        .ledger()
        .into_iter()
        .map(|paid| paid.idempotency_key)
        .collect();
    let paid = keys.len();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), paid);
}

#[test]
fn every_line_of_the_table_has_its_test_here_or_is_about_streams() {
    let mut tested: Vec<String> = table()
        .iter()
        .map(|(_, failure)| failure.code().to_owned())
        .collect();
    tested.extend(
        [
            "unreadable",
            "endpoint_invalid",
            "host_denied",
            "cannot_connect",
            "timed_out",
        ]
        .map(String::from),
    );
    let streams = ["stream_truncated", "stream_failed"];
    for row in TABLE {
        assert!(
            tested.iter().any(|code| code == row.code) || streams.contains(&row.code),
            "{}",
            row.code
        );
    }
}
