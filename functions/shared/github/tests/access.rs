//! Who Loom is: plain tokens, and Apps with their installations.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod common;

use std::sync::OnceLock;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use common::{Asked, Stub, Told, message, told};
use loom_domain::time::{MINUTE, Timestamp};
use loom_github::{GitHub, GithubError};
use loom_platform::native::NativePlatform;
use loom_platform::system::SystemRandom;
use loom_platform::{Clock, Platform, Random};
use rsa::pkcs1::EncodeRsaPrivateKey;
use rsa::pkcs8::{EncodePrivateKey, LineEnding};
use rsa::rand_core::{Infallible, TryCryptoRng, TryRng};
use rsa::{PrivateKey, sha2::Sha256};
use serde_json::{Value, json};

struct Machine;

impl TryRng for Machine {
    type Error = Infallible;
    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(u32::from_le_bytes(SystemRandom.bytes()))
    }
    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(u64::from_le_bytes(SystemRandom.bytes()))
    }
    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        SystemRandom.fill(bytes);
        Ok(())
    }
}

impl TryCryptoRng for Machine {}

fn key() -> &'static PrivateKey {
    static KEY: OnceLock<PrivateKey> = OnceLock::new();
    KEY.get_or_init(|| PrivateKey::new(&mut Machine, 2048).unwrap())
}

fn pkcs1() -> String {
    key().to_pkcs1_pem(LineEnding::LF).unwrap().to_string()
}

fn now() -> i64 {
    let platform = NativePlatform::builder().build().unwrap();
    platform.clock().now()
}

fn rfc3339(from_now: i64) -> String {
    Timestamp(now() + from_now).to_rfc3339()
}

/// The claims of a JWT in the header, whose signature must be good.
fn claims(asked: &Asked) -> Value {
    let token = asked
        .header("authorization")
        .strip_prefix("Bearer ")
        .unwrap();
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    key()
        .to_public_key()
        .pkcs1v15_verify::<Sha256>(signed.as_bytes(), &signature)
        .unwrap();
    let (header, claims) = signed.split_once('.').unwrap();
    let json = |part: &str| -> Value {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
    };
    assert_eq!(json(header), json!({"alg": "RS256", "typ": "JWT"}));
    json(claims)
}

fn info() -> Told {
    told(
        200,
        &json!({"id": 1, "full_name": "acme/widget", "default_branch": "main", "html_url": "u"}),
    )
}

fn app(answer: impl Fn(&Asked, usize) -> Told + Send + Sync + 'static) -> Stub {
    let pem = pkcs1();
    let variables = [
        ("github_app_id", "4711"),
        ("github_app_private_key", pem.as_str()),
    ];
    Stub::with(&variables, answer)
}

#[tokio::test]
async fn without_access_it_says_which_variables_to_set() {
    for (variables, words) in [
        (
            vec![],
            vec!["github_token", "github_app_id", "github_app_private_key"],
        ),
        (vec![("github_token", "  ")], vec!["github_token"]),
        (
            vec![("github_app_id", "1")],
            vec!["github_app_private_key is not"],
        ),
        (
            vec![("github_app_private_key", "x")],
            vec!["github_app_id is not"],
        ),
        (
            vec![("github_token", "t"), ("github_url", "api.github.com")],
            vec!["github_url"],
        ),
        (
            vec![
                ("github_token", "t"),
                ("github_url", "https://x.test/api/v3"),
            ],
            vec!["github_api_path"],
        ),
        (
            vec![("github_token", "t"), ("github_url", "https://me@x.test")],
            vec!["github_url"],
        ),
        (
            vec![("github_token", "t"), ("github_api_path", "/a?b")],
            vec!["github_api_path"],
        ),
    ] {
        let mut builder = NativePlatform::builder();
        for (name, value) in &variables {
            builder = builder.variable(*name, *value);
        }
        let error = GitHub::load(&builder.build().unwrap()).await.unwrap_err();
        assert_eq!(error.code(), "github_not_configured");
        for word in words {
            assert!(error.to_string().contains(word), "{variables:?}: {error}");
        }
    }
}

#[tokio::test]
async fn a_token_is_sent_with_what_github_asks_for() {
    let stub = Stub::with(
        &[
            ("github_token", " fake-token\n"),
            ("github_api_path", "api/v3/"),
        ],
        |_, _| info(),
    );
    let github = stub.github().await;
    assert!(!github.is_app());
    let info = github
        .repository("acme", "widget", Some(5))
        .info()
        .await
        .unwrap();
    assert_eq!(info.default_branch, "main");
    assert_eq!(info.allow_squash_merge, None);
    let asked = &stub.asked()[0];
    assert_eq!(asked.line, "GET /api/v3/repos/acme/widget");
    assert_eq!(asked.header("authorization"), "Bearer fake-token");
    assert_eq!(asked.header("accept"), "application/vnd.github+json");
    assert_eq!(asked.header("x-github-api-version"), "2022-11-28");
    assert!(asked.header("user-agent").starts_with("loom/"));
}

#[tokio::test]
async fn a_project_elsewhere_is_refused() {
    let stub = Stub::new(|_, _| info());
    let github = stub.github().await;
    let there = loom_domain::github::Repository::parse("https://github.com/acme/widget").unwrap();
    assert_eq!(
        common::code(github.repository_of(&there, None).map(|_| ())),
        "github_not_configured"
    );
    let here = format!("{}/acme/widget", stub.url);
    let here = loom_domain::github::Repository::parse(&here).unwrap();
    assert_eq!(
        github.repository_of(&here, None).unwrap().full_name(),
        "acme/widget"
    );
}

#[tokio::test]
async fn an_app_gets_a_token_once_for_each_installation() {
    let started = now();
    let stub = app(move |asked, _| {
        if asked.line.ends_with("/access_tokens") {
            let claims = claims(asked);
            assert_eq!(claims["iss"], "4711");
            let (issued, expires) = (
                claims["iat"].as_i64().unwrap(),
                claims["exp"].as_i64().unwrap(),
            );
            // A minute back and nine ahead: GitHub takes ten, and clocks differ.
            assert_eq!(expires - issued, 600);
            assert!((started / 1_000 - 60..=now() / 1_000 - 60).contains(&issued));
            let token = format!("fake-{}", asked.line.contains("/8/"));
            return told(
                201,
                &json!({"token": token, "expires_at": rfc3339(60 * MINUTE)}),
            );
        }
        if asked.line.ends_with("/installation") {
            claims(asked);
            return told(200, &json!({"id": 8}));
        }
        let installation = asked.header("authorization") == "Bearer fake-true";
        assert_eq!(installation, asked.line.contains("other"), "{}", asked.line);
        info()
    });
    let github = stub.github().await;
    assert!(github.is_app());
    for _ in 0..3 {
        // One whose installation is known, and one that is looked up.
        github
            .repository("acme", "widget", Some(7))
            .info()
            .await
            .unwrap();
        github
            .repository("acme", "other", None)
            .info()
            .await
            .unwrap();
    }
    // The next request of the same process, with what it loads anew.
    stub.github()
        .await
        .repository("acme", "widget", Some(7))
        .info()
        .await
        .unwrap();
    assert_eq!(stub.count("POST /app/installations/7/access_tokens"), 1);
    assert_eq!(stub.count("POST /app/installations/8/access_tokens"), 1);
    assert_eq!(stub.count("GET /repos/acme/other/installation"), 1);
}

#[tokio::test]
async fn a_token_about_to_expire_is_not_used_again() {
    let stub = app(|asked, before| {
        if asked.line.ends_with("/access_tokens") {
            let left = if before < 2 { 4 * MINUTE } else { 60 * MINUTE };
            let token = format!("fake-{before}");
            return told(201, &json!({"token": token, "expires_at": rfc3339(left)}));
        }
        info()
    });
    let repository = stub.github().await.repository("acme", "widget", Some(7));
    for _ in 0..5 {
        repository.info().await.unwrap();
    }
    assert_eq!(stub.count("POST"), 3);
    let last = stub.asked().pop().unwrap();
    assert_eq!(last.header("authorization"), "Bearer fake-2");
}

#[tokio::test]
async fn a_revoked_token_is_replaced_even_for_a_write() {
    let stub = app(|asked, before| {
        if asked.line.ends_with("/access_tokens") {
            return told(
                201,
                &json!({"token": format!("fake-{before}"), "expires_at": rfc3339(60 * MINUTE)}),
            );
        }
        if asked.is("POST /repos/acme/widget/issues/1/comments") {
            return match (before, asked.header("authorization")) {
                (0, "Bearer fake-0") => message(401, "Bad credentials"),
                (1, "Bearer fake-1") => told(201, &json!({"id": 3, "body": asked.body["body"]})),
                other => panic!("{other:?}"),
            };
        }
        info()
    });
    let repository = stub.github().await.repository("acme", "widget", Some(7));
    repository.info().await.unwrap();
    assert_eq!(
        repository.create_comment(1, "hello").await.unwrap().body,
        "hello"
    );
    assert_eq!(stub.count("POST /app"), 2);
}

#[tokio::test]
async fn credentials_that_are_never_accepted_are_tried_at_most_twice() {
    let stub = app(|asked, before| {
        if asked.line.ends_with("/access_tokens") {
            return told(
                201,
                &json!({"token": format!("fake-{before}"), "expires_at": rfc3339(60 * MINUTE)}),
            );
        }
        message(401, "Bad credentials")
    });
    let repository = stub.github().await.repository("acme", "widget", Some(7));
    for sent in [1, 3] {
        assert_eq!(
            common::code(repository.get_pull(1).await),
            "github_unauthorized"
        );
        assert_eq!(stub.count("GET"), sent);
    }
    let plain = Stub::new(|_, _| message(401, "Bad credentials"));
    let error = plain.repository().await.get_pull(1).await.unwrap_err();
    assert!(error.to_string().contains("github_token"), "{error}");
    assert_eq!(plain.asked().len(), 1);
}

#[tokio::test]
async fn an_app_that_was_installed_again_is_found_again() {
    let stub = app(|asked, _| match asked.line.as_str() {
        "POST /app/installations/7/access_tokens" => message(404, "Not Found"),
        "GET /repos/acme/widget/installation" => told(200, &json!({"id": 9})),
        "POST /app/installations/9/access_tokens" => told(
            201,
            &json!({"token": "fake", "expires_at": rfc3339(60 * MINUTE)}),
        ),
        _ => info(),
    });
    let repository = stub.github().await.repository("acme", "widget", Some(7));
    repository.info().await.unwrap();
    repository.info().await.unwrap();
    assert_eq!(stub.count("POST /app/installations/7"), 1);
}

#[tokio::test]
async fn an_app_that_is_not_installed_is_no_missing_branch() {
    let stub = app(|_, _| message(404, "Not Found"));
    let repository = stub.github().await.repository("acme", "widget", None);
    let error = repository.get_ref("heads/main").await.unwrap_err();
    assert_eq!(error.code(), "github_not_configured");
    assert!(
        error.to_string().contains("not installed on acme/widget"),
        "{error}"
    );
}

#[tokio::test]
async fn a_lost_token_is_asked_for_again() {
    let stub = app(|asked, before| {
        if asked.line.ends_with("/access_tokens") {
            return match before {
                0 => common::lost(),
                _ => told(
                    201,
                    &json!({"token": "fake", "expires_at": rfc3339(60 * MINUTE)}),
                ),
            };
        }
        info()
    });
    let repository = stub.github().await.repository("acme", "widget", Some(7));
    repository.info().await.unwrap();
}

#[tokio::test]
async fn keys_come_in_two_forms_and_on_one_line() {
    let pkcs8 = key().to_pkcs8_pem(LineEnding::LF).unwrap().to_string();
    for pem in [
        pkcs1(),
        pkcs8,
        pkcs1().replace('\n', "\\n"),
        format!("\n  {}", pkcs1()),
    ] {
        let variables = [
            ("github_app_id", "4711"),
            ("github_app_private_key", pem.as_str()),
        ];
        let stub = Stub::with(&variables, |asked, _| {
            claims(asked);
            told(200, &json!({"slug": "loom-test"}))
        });
        let viewer = stub.github().await.viewer().await.unwrap();
        assert_eq!(viewer.login, "loom-test[bot]");
        assert!(viewer.is_bot());
    }
}

#[tokio::test]
async fn secrets_are_never_shown() {
    let broken = pkcs1().replace("MII", "!!!");
    let variables = [
        ("github_app_id", "4711"),
        ("github_app_private_key", broken.as_str()),
    ];
    let stub = Stub::with(&variables, |_, _| panic!("nothing can be signed"));
    let github = stub.github().await;
    let error: GithubError = github.viewer().await.unwrap_err();
    assert_eq!(error.code(), "github_not_configured");
    assert!(error.to_string().contains("github_app_private_key"));
    let token = "fake-token-that-must-not-show";
    let plain = Stub::with(&[("github_token", token)], |_, _| {
        message(401, "Bad credentials")
    });
    let repository = plain.repository().await;
    let failed = repository.info().await.unwrap_err();
    let line = broken.lines().nth(3).unwrap();
    for shown in [
        format!("{error} {error:?} {github:?}"),
        format!(
            "{failed} {failed:?} {repository:?} {:?}",
            repository.github()
        ),
    ] {
        assert!(!shown.contains(token) && !shown.contains(line), "{shown}");
    }
    let unsendable = Stub::with(&[("github_token", "fake\ntoken")], |_, _| panic!("sent"));
    let error = unsendable.repository().await.info().await.unwrap_err();
    assert_eq!(error.code(), "github_not_configured");
}

#[tokio::test]
async fn the_own_account_is_looked_up_once() {
    let stub = Stub::new(|_, _| told(200, &json!({"login": "loom-bot", "type": "User"})));
    let github = stub.github().await;
    for _ in 0..2 {
        assert_eq!(github.viewer().await.unwrap().login, "loom-bot");
    }
    assert_eq!(stub.lines(), ["GET /user"]);
}
