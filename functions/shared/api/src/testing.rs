//! For tests of functions: accounts and tokens of any role, and calls of a `handle` that read like HTTP.
//!
//! ```no_run
//! # async fn handle<P: loom_platform::Platform>(_: &P, _: http::Request<loom_platform::Body>)
//! #     -> http::Response<loom_platform::Body> { unimplemented!() }
//! # async fn test() {
//! use loom_api::testing::{call, platform, token};
//! use loom_domain::account::Role;
//!
//! let platform = platform();
//! let user = token(&platform, Role::User).await;
//! let answer = call("POST", "/api/v1/beads")
//!     .token(&user)
//!     .json(serde_json::json!({"title": "x"}))
//!     .send(&platform, handle)
//!     .await;
//! assert_eq!((answer.status, answer.code().as_str()), (422, "invalid_fields"));
//! # }
//! ```
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test helper fails the test"
)]

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Request};
use loom_domain::account::{Permissions, Role};
use loom_domain::id::uuid_v7;
use loom_platform::native::{NativePlatform, NativePlatformBuilder};
use loom_platform::{Body, Clock, Platform, Random, body_from, read_body};
use loom_store::account::{self, ApiKey, User};
use loom_store::migrate::migrate;
use serde_json::Value;

use crate::secret;
use crate::token::{Claims, Key};
use crate::{Access, Declared, Routes};

/// The value of `loom_token_secret` in [`builder`].
pub const TOKEN_SECRET: &str = "a secret of tests, which is long enough";
/// The value of `loom_service_token` in [`builder`]; [`token`] gives it for [`Role::Service`].
pub const SERVICE_TOKEN: &str = "the service token of tests";
/// The value of `loom_admin_password` in [`builder`].
pub const ADMIN_PASSWORD: &str = "the admin's password of tests";

/// A native platform in the making, with the secrets above as variables.
pub fn builder() -> NativePlatformBuilder {
    NativePlatform::builder()
        .variable("loom_token_secret", TOKEN_SECRET)
        .variable("loom_service_token", SERVICE_TOKEN)
        .variable("loom_admin_password", ADMIN_PASSWORD)
}

/// A native platform with a temporary database and the secrets above.
pub fn platform() -> NativePlatform {
    builder().build().unwrap()
}

/// A credential of that role: an access token of an account that is named as the role and created when it is not
/// there, or the service token.
pub async fn token<P: Platform>(platform: &P, role: Role) -> String {
    if role == Role::Service {
        return SERVICE_TOKEN.to_owned();
    }
    let user = user(platform, role).await;
    let now = platform.clock().now();
    let session = new_id(platform);
    let digest = platform.random().bytes();
    account::open_session(
        platform.database(),
        &session,
        &user.id,
        &digest,
        now,
        now + 86_400_000,
    )
    .await
    .unwrap();
    let claims = Claims::new(
        &user.id,
        &user.username,
        role,
        &session,
        now / 1000,
        new_id(platform),
    );
    Key::load(platform).await.unwrap().sign(&claims)
}

/// An API key of the account of that role, with that scope.
pub async fn api_key<P: Platform>(platform: &P, role: Role, permissions: Permissions) -> String {
    let user = user(platform, role).await;
    let secret = secret::new_api_key(platform.random());
    let key = ApiKey {
        id: new_id(platform),
        user_id: user.id,
        name: "test".to_owned(),
        prefix: secret.chars().take(secret::SHOWN).collect(),
        permissions,
        created_at: platform.clock().now(),
        expires_at: None,
        revoked_at: None,
        last_used_at: None,
    };
    account::insert_api_key(platform.database(), &key, &secret::digest(&secret))
        .await
        .unwrap();
    secret
}

/// The account that is named as the role; it can't log in with a password.
pub async fn user<P: Platform>(platform: &P, role: Role) -> User {
    let database = platform.database();
    migrate(database).await.unwrap();
    let now = platform.clock().now();
    let user = User {
        id: new_id(platform),
        username: role.as_str().to_owned(),
        email: None,
        role,
        created_at: now,
        updated_at: now,
        disabled_at: None,
    };
    account::insert_user(database, &user, "-").await.unwrap();
    account::user_by_name(database, role.as_str())
        .await
        .unwrap()
        .unwrap()
        .0
}

fn new_id<P: Platform>(platform: &P) -> String {
    uuid_v7(platform.clock().now(), platform.random().bytes())
}

/// A request in the making.
#[derive(Debug, Clone)]
pub struct Call {
    method: String,
    path: String,
    headers: HeaderMap,
    body: Bytes,
}

/// Starts a request.
pub fn call(method: &str, path: &str) -> Call {
    Call {
        method: method.to_owned(),
        path: path.to_owned(),
        headers: HeaderMap::new(),
        body: Bytes::new(),
    }
}

impl Call {
    /// With a credential, as `Authorization: Bearer`.
    pub fn token(mut self, token: &str) -> Self {
        self.headers.insert(
            AUTHORIZATION,
            HeaderValue::try_from(format!("Bearer {token}")).unwrap(),
        );
        self
    }

    /// With a header.
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.insert(
            HeaderName::from_static(name),
            HeaderValue::try_from(value).unwrap(),
        );
        self
    }

    /// With a JSON body.
    pub fn json(self, body: Value) -> Self {
        self.header("content-type", "application/json")
            .body(body.to_string())
    }

    /// With any body.
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// Calls `handle` and reads its answer to the end.
    pub async fn send<P: Platform, F>(self, platform: &P, handle: F) -> Answer
    where
        F: AsyncFn(&P, Request<Body>) -> http::Response<Body>,
    {
        let (parts, body) = self.open(platform, handle).await.into_parts();
        let body = read_body(body, usize::MAX).await.unwrap();
        Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body,
        }
    }

    /// Calls `handle` and returns its answer with the body unread: for streams.
    pub async fn open<P: Platform, F>(self, platform: &P, handle: F) -> http::Response<Body>
    where
        F: AsyncFn(&P, Request<Body>) -> http::Response<Body>,
    {
        let mut request = Request::new(body_from(self.body));
        *request.method_mut() = self.method.parse().unwrap();
        *request.uri_mut() = self.path.parse().unwrap();
        *request.headers_mut() = self.headers;
        handle(platform, request).await
    }
}

/// What a function answered.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
}

impl Answer {
    /// The body as JSON; `null` when it is empty.
    pub fn json(&self) -> Value {
        if self.body.is_empty() {
            return Value::Null;
        }
        let text = String::from_utf8_lossy(&self.body);
        assert_eq!(
            self.header(CONTENT_TYPE.as_str()),
            "application/json",
            "the answer is not JSON: {text}"
        );
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in {text}"))
    }

    /// The error's code; empty when it is no error.
    pub fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }

    /// A header; empty when it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map(|value| value.to_str().unwrap())
            .unwrap_or_default()
    }
}

/// Credentials that nobody may get in with: what each is, the credential, and the code of the refusal.
pub async fn bad_credentials<P: Platform>(
    platform: &P,
) -> Vec<(&'static str, Option<String>, &'static str)> {
    let valid = token(platform, Role::Admin).await;
    let parts: Vec<&str> = valid.split('.').collect();
    let payload = URL_SAFE_NO_PAD.decode(parts[1]).unwrap();
    let claims: Claims = serde_json::from_slice(&payload).unwrap();
    let key = Key::load(platform).await.unwrap();
    let expired = key.sign(&Claims {
        exp: platform.clock().now() / 1000,
        ..claims.clone()
    });
    let revoked = key.sign(&Claims {
        sid: "ended".to_owned(),
        ..claims.clone()
    });
    let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#);
    let tampered = URL_SAFE_NO_PAD.encode(
        String::from_utf8(payload)
            .unwrap()
            .replace("admin", "admin2"),
    );
    let other_key = Key::new(b"another secret, which is long enough too")
        .unwrap()
        .sign(&claims);
    vec![
        ("none", None, "unauthenticated"),
        ("expired", Some(expired), "token_expired"),
        ("revoked", Some(revoked), "token_revoked"),
        (
            "alg none",
            Some(format!("{none}.{}.", parts[1])),
            "token_invalid",
        ),
        (
            "tampered",
            Some(format!("{}.{tampered}.{}", parts[0], parts[2])),
            "token_invalid",
        ),
        ("another key", Some(other_key), "token_invalid"),
    ]
}

/// Asserts who reaches which route of a function, with every kind of credential.
///
/// `expected` lists every route, as `"POST /api/v1/beads"`, with `"public"`, `"private"` or the roles that reach it,
/// such as `"admin user"`. A route counts as reached when the answer is neither 401 nor 403, whatever it is: requests
/// have no body, and `none` for each name in the path. Bodies of answers are not read, so streams are fine.
pub async fn assert_access<P: Platform, F>(
    platform: &P,
    routes: Routes<P>,
    handle: F,
    expected: &[(&str, &str)],
) where
    F: AsyncFn(&P, Request<Body>) -> http::Response<Body>,
{
    let table = routes.table();
    let name = |declared: &Declared| format!("{} {}", declared.method, declared.path);
    let mut declared: Vec<String> = table.iter().map(name).collect();
    let mut listed: Vec<String> = expected
        .iter()
        .map(|(route, _)| (*route).to_owned())
        .collect();
    declared.sort();
    listed.sort();
    assert_eq!(
        declared, listed,
        "the routes that are declared and those that the test expects"
    );
    for (route, who) in expected {
        let declared = table
            .iter()
            .find(|declared| name(declared) == *route)
            .unwrap();
        let public = matches!(declared.access, Access::Public | Access::Private);
        assert_eq!(
            public,
            matches!(*who, "public" | "private"),
            "{route}: {:?}",
            declared.access
        );
        assert_eq!(
            declared.access == Access::Private,
            *who == "private",
            "{route}: {:?}",
            declared.access
        );
        if public {
            continue;
        }
        let path: Vec<&str> = declared
            .path
            .split('/')
            .map(|part| if part.starts_with('{') { "none" } else { part })
            .collect();
        let path = path.join("/");
        for (what, credential, code) in bad_credentials(platform).await {
            let request = call(declared.method.as_str(), &path);
            let request = match &credential {
                Some(credential) => request.token(credential),
                None => request,
            };
            let answer = request.send(platform, &handle).await;
            assert_eq!(
                (answer.status, answer.code().as_str()),
                (401, code),
                "{route}, {what}"
            );
        }
        for role in Role::ALL {
            let credential = token(platform, role).await;
            let answer = call(declared.method.as_str(), &path)
                .token(&credential)
                .open(platform, &handle)
                .await;
            let status = answer.status().as_u16();
            assert_ne!(status, 401, "{route}, {}", role.as_str());
            let reaches = who.split_whitespace().any(|word| word == role.as_str());
            assert_eq!(
                status != 403,
                reaches,
                "{route}, {}: {status}",
                role.as_str()
            );
        }
    }
}
