//! Who reaches which route.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Request;
use loom_domain::account::Role;
use loom_platform::{Body, Clock, Platform};

use super::{call, token};
use crate::token::{Claims, Key};
use crate::{Access, Declared, Routes};

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
