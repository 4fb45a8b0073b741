//! What is paid, and what is replayed.

use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;

use loom_tokenhub_double::{Answer, Config, Misbehaviour};
use serde_json::{Value, json};

use crate::exchange::{ask, exchange, hello, post, send, start};

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
