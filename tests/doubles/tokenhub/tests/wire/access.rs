//! Keys, limits and budgets.

use std::time::Duration;

use loom_tokenhub_double::{Key, RateLimit};

use crate::exchange::{ask, hello, post, send, start};

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
