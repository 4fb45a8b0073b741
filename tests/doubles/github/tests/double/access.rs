//! Who gets in: tokens, the App's JWTs, strangers; and what all answers have.

use loom_github_double::{App, Config, GitHub, NewRepository};
use rsa::pkcs1v15::SigningKey;
use rsa::pkcs8::DecodePrivateKey;
use rsa::signature::{SignatureEncoding, Signer};
use serde_json::{Value, json};

use crate::api::{Api, SHOP, shop};

fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    i64::try_from(since.unwrap().as_secs()).unwrap()
}

fn jwt(app: &App, claims: &Value) -> String {
    use base64::Engine;
    let encode = |bytes: &[u8]| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes);
    let header = json!({"alg": "RS256", "typ": "JWT"}).to_string();
    let signed = format!(
        "{}.{}",
        encode(header.as_bytes()),
        encode(claims.to_string().as_bytes())
    );
    let key = rsa::PrivateKey::from_pkcs8_pem(&app.private_key_pem).unwrap();
    let key = SigningKey::<rsa::sha2::Sha256>::new(key);
    format!(
        "{signed}.{}",
        encode(&key.sign(signed.as_bytes()).to_bytes())
    )
}

/// A JWT of the App that is right.
pub(crate) fn good(app: &App) -> String {
    at(app, 0)
}

/// A JWT that is right so many seconds from now.
pub(crate) fn at(app: &App, later: i64) -> String {
    let now = now() + later;
    let claims = json!({"iat": now - 60, "exp": now + 540, "iss": app.id.to_string()});
    jwt(app, &claims)
}

#[test]
fn the_app_gets_a_token_that_expires() {
    let config = Config {
        token_lifetime_seconds: 600,
        ..Config::default()
    };
    let github = GitHub::start(config).unwrap();
    github.create_repository(&NewRepository::new("acme", "shop").file("a", "a"));
    let app = Api::new(&github, Some(&good(&github.app())));
    assert_eq!(app.get("/app").with(200)["slug"], "loom-test");
    let installation = app.get(&format!("{SHOP}/installation")).with(200);
    let url = format!("/app/installations/{}/access_tokens", installation["id"]);
    let token = app.post(&url, json!({})).with(201);
    let api = Api::new(&github, token["token"].as_str());
    assert_eq!(api.get(SHOP).with(200)["permissions"]["push"], true);
    app.post("/app/installations/1/access_tokens", json!({}))
        .with(404);
    app.get("/repos/acme/nothing/installation").with(404);
    let limited = json!({"permissions": {"contents": "read"}});
    let token = app.post(&url, limited).with(201);
    let reader = Api::new(&github, token["token"].as_str());
    let refused = reader
        .post(&format!("{SHOP}/git/blobs"), json!({"content": "x"}))
        .error(403);
    assert_eq!(refused, "Resource not accessible by integration");
    github.advance(std::time::Duration::from_secs(601));
    assert_eq!(api.get(SHOP).error(401), "Bad credentials");
}

#[test]
fn a_jwt_must_be_right() {
    let (github, _) = shop();
    let app = github.app();
    let (iat, exp) = (now() - 10, now() + 300);
    for (claims, says) in [
        (
            json!({"iat": iat, "exp": now() - 1, "iss": app.id}),
            "'Expiration time'",
        ),
        (
            json!({"iat": iat, "exp": now() + 700, "iss": app.id}),
            "too far in the future",
        ),
        (
            json!({"iat": now() + 500, "exp": now() + 590, "iss": app.id}),
            "'Issued at'",
        ),
        (
            json!({"iat": iat, "exp": exp, "iss": app.id + 1}),
            "'Issuer'",
        ),
    ] {
        let api = Api::new(&github, Some(&jwt(&app, &claims)));
        let message = api.get("/app").error(401);
        assert!(message.contains(says), "{message}");
    }
    let token = good(&app);
    let (head, _) = token.rsplit_once('.').unwrap();
    let forged = format!("{head}.{}", "A".repeat(342));
    let api = Api::new(&github, Some(&forged));
    assert_eq!(
        api.get("/app").error(401),
        "A JSON web token could not be decoded"
    );
}

#[test]
fn strangers_find_nothing() {
    let (github, _) = shop();
    let wrong = Api::new(&github, Some("ghp_wrong"));
    let refused = wrong.get(SHOP).with(401);
    assert_eq!(
        (&refused["message"], &refused["status"]),
        (&json!("Bad credentials"), &json!("401"))
    );
    let stranger = Api::new(&github, Some(&github.token("stranger")));
    let refused = stranger.get(SHOP).with(404);
    assert_eq!(
        (&refused["message"], &refused["status"]),
        (&json!("Not Found"), &json!("404"))
    );
    Api::new(&github, None).get(SHOP).with(404);
    github.create_repository(&NewRepository::new("other", "open").file("a", "a").public());
    stranger
        .get("/repos/other/open/git/ref/heads/main")
        .with(200);
    stranger
        .post("/repos/other/open/git/blobs", json!({"content": ""}))
        .with(403);
    // The installation on one account opens nothing of another.
    let api = Api::new(&github, Some(&github.app_token("other")));
    api.get(SHOP).with(404);
}

#[test]
fn people_are_told_who_they_are() {
    let (github, api) = shop();
    let ada = Api::new(&github, Some(&github.token("ada")));
    assert_eq!(ada.get("/user").with(200)["login"], "ada");
    assert_eq!(
        api.get("/user").error(403),
        "Resource not accessible by integration"
    );
    Api::new(&github, None).get("/user").with(401);
    assert_eq!(ada.get("/users/bob").with(200)["type"], "User");
    let all = api.get("/installation/repositories").with(200);
    assert_eq!(all["repositories"][0]["full_name"], "acme/shop");
}

#[test]
fn answers_have_githubs_headers() {
    let (_github, api) = shop();
    let reply = api.get(SHOP);
    assert_eq!(reply.header("x-github-api-version-selected"), "2022-11-28");
    assert_eq!(reply.header("x-ratelimit-limit"), "5000");
    assert!(!reply.header("x-github-request-id").is_empty());
    let (tag, left) = (
        reply.header("etag").to_owned(),
        reply.header("x-ratelimit-remaining").to_owned(),
    );
    let again = api.send("GET", SHOP, &[("If-None-Match", &tag)], None);
    assert_eq!((again.status, again.header("etag")), (304, tag.as_str()));
    assert_eq!(
        again.header("x-ratelimit-remaining"),
        left,
        "304 costs nothing"
    );
    api.enterprise().get(SHOP).with(200);
}

#[test]
fn requests_must_be_well_formed() {
    let (_github, api) = shop();
    let issues = format!("{SHOP}/issues");
    let send = |body: &str| {
        api.try_send("POST", &issues, &[], Some(body.as_bytes().to_vec()))
            .unwrap()
    };
    assert_eq!(send("{").error(400), "Problems parsing JSON");
    assert_eq!(send("7").error(400), "Body should be a JSON object");
    let accept = api.send("GET", SHOP, &[("Accept", "image/png")], None);
    assert!(accept.error(415).contains("Must accept 'application/json'"));
    let version = api.send("GET", SHOP, &[("X-GitHub-Api-Version", "1999-01-01")], None);
    version.with(400);
}
