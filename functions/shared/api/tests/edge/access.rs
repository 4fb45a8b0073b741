use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use loom_api::testing::{
    SERVICE_TOKEN, TOKEN_SECRET, api_key, builder, call, platform, token, user,
};
use loom_api::token::{Claims, Key};
use loom_domain::account::{Permission, Permissions, Role};
use loom_platform::{Clock, Platform, Statements};
use serde_json::{Value, json};

use crate::function::handle;

async fn claims<P: Platform>(platform: &P, role: Role) -> Claims {
    let valid = token(platform, role).await;
    let payload = valid.split('.').nth(1).unwrap();
    serde_json::from_slice(&BASE64.decode(payload).unwrap()).unwrap()
}

fn sign_with(secret: &str, header: &Value, claims: &Claims) -> String {
    use hmac::{Hmac, KeyInit, Mac};
    let part = |value: &[u8]| BASE64.encode(value);
    let signed = format!(
        "{}.{}",
        part(header.to_string().as_bytes()),
        part(&serde_json::to_vec(claims).unwrap())
    );
    let mac = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes())
        .unwrap()
        .chain_update(signed.as_bytes());
    format!("{signed}.{}", part(&mac.finalize().into_bytes()))
}

#[tokio::test]
async fn a_valid_token_says_who_calls() {
    let platform = platform();
    let own = sign_with(
        TOKEN_SECRET,
        &json!({"alg": "HS256"}),
        &claims(&platform, Role::User).await,
    );
    for token in [own, token(&platform, Role::User).await] {
        let answer = call("GET", "/whoami")
            .token(&token)
            .send(&platform, handle)
            .await;
        assert_eq!(
            (
                answer.json()["name"].as_str(),
                answer.json()["role"].as_str()
            ),
            (Some("user"), Some("user"))
        );
    }
}

#[tokio::test]
async fn forged_tokens_are_refused() {
    let platform = platform();
    let claims = claims(&platform, Role::Viewer).await;
    let valid = Key::new(TOKEN_SECRET.as_bytes()).unwrap().sign(&claims);
    let parts: Vec<&str> = valid.split('.').collect();
    let admin = Claims {
        role: Role::Admin,
        ..claims.clone()
    };
    let part = |value: Value| BASE64.encode(value.to_string());
    let admin_part = part(serde_json::to_value(&admin).unwrap());
    for (what, forged) in [
        (
            "alg none",
            format!("{}.{admin_part}.", part(json!({"alg": "none"}))),
        ),
        (
            "alg none, with a signature",
            sign_with(TOKEN_SECRET, &json!({"alg": "none"}), &claims),
        ),
        (
            "another alg",
            sign_with(TOKEN_SECRET, &json!({"alg": "HS512"}), &claims),
        ),
        (
            "a key in the header",
            sign_with(TOKEN_SECRET, &json!({"alg": "HS256", "jwk": {}}), &claims),
        ),
        (
            "another key",
            sign_with(
                "another secret of the same length or so",
                &json!({"alg": "HS256"}),
                &claims,
            ),
        ),
        (
            "changed claims",
            format!("{}.{admin_part}.{}", parts[0], parts[2]),
        ),
        ("no signature", format!("{}.{}.", parts[0], parts[1])),
        ("half a signature", valid[..valid.len() - 10].to_owned()),
        ("a part too many", format!("{valid}.x")),
        (
            "another issuer",
            sign_with(
                TOKEN_SECRET,
                &json!({"alg": "HS256"}),
                &Claims {
                    iss: "room".into(),
                    ..claims.clone()
                },
            ),
        ),
        ("nonsense", "nonsense".to_owned()),
        ("an unknown key", format!("loom_{}", "x".repeat(43))),
        ("a longer service token", format!("{SERVICE_TOKEN}x")),
    ] {
        let answer = call("GET", "/things")
            .token(&forged)
            .send(&platform, handle)
            .await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (401, "token_invalid"),
            "{what}"
        );
        assert_eq!(
            answer.header("www-authenticate"),
            "Bearer realm=\"loom\"",
            "{what}"
        );
    }
}

#[tokio::test]
async fn a_token_of_another_account_s_session_is_refused() {
    let platform = platform();
    let viewer = claims(&platform, Role::Viewer).await;
    let admin = user(&platform, Role::Admin).await;
    let mixed = Claims {
        sub: admin.id,
        role: Role::Admin,
        ..viewer
    };
    let token = Key::new(TOKEN_SECRET.as_bytes()).unwrap().sign(&mixed);
    let answer = call("GET", "/things")
        .token(&token)
        .send(&platform, handle)
        .await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (401, "token_revoked")
    );
}

#[tokio::test]
async fn credentials_that_are_missing_or_malformed_are_refused() {
    let platform = platform();
    for (name, value) in [
        ("x-nothing", "x"),
        ("authorization", ""),
        ("authorization", "Bearer"),
        ("authorization", "Bearer "),
        ("authorization", "Basic YWRtaW46YWRtaW4="),
        ("x-api-key", ""),
    ] {
        let answer = call("GET", "/things")
            .header(name, value)
            .send(&platform, handle)
            .await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (401, "unauthenticated"),
            "{name}: {value}"
        );
    }
}

#[tokio::test]
async fn an_expired_token_is_refused() {
    let platform = platform();
    let claims = claims(&platform, Role::Admin).await;
    let now = platform.clock().now() / 1000;
    let token = Key::new(TOKEN_SECRET.as_bytes())
        .unwrap()
        .sign(&Claims { exp: now, ..claims });
    let answer = call("GET", "/things")
        .token(&token)
        .send(&platform, handle)
        .await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (401, "token_expired")
    );
}

#[tokio::test]
async fn who_calls_is_never_read_from_other_headers() {
    let platform = platform();
    for name in ["x-user-id", "x-username", "x-role"] {
        let answer = call("GET", "/things")
            .header(name, "admin")
            .send(&platform, handle)
            .await;
        assert_eq!(answer.status, 401, "{name}");
    }
    let viewer = token(&platform, Role::Viewer).await;
    let answer = call("DELETE", "/things/a")
        .token(&viewer)
        .header("x-role", "admin")
        .send(&platform, handle)
        .await;
    assert_eq!((answer.status, answer.code().as_str()), (403, "forbidden"));
    let answer = call("GET", "/whoami")
        .token(&viewer)
        .header("x-user-id", "admin")
        .send(&platform, handle)
        .await;
    assert_eq!(answer.json()["name"], "viewer");
}

#[tokio::test]
async fn what_counts_is_the_role_and_the_account_as_they_are_now() {
    let platform = platform();
    let admin = token(&platform, Role::Admin).await;
    let delete = || call("DELETE", "/things/a").token(&admin);
    assert_eq!(delete().send(&platform, handle).await.status, 204);
    platform
        .database()
        .execute("UPDATE user SET role = 'viewer'", vec![])
        .await
        .unwrap();
    assert_eq!(delete().send(&platform, handle).await.status, 403);
    platform
        .database()
        .execute("UPDATE user SET disabled_at = 1", vec![])
        .await
        .unwrap();
    assert_eq!(
        delete().send(&platform, handle).await.code(),
        "token_revoked"
    );
}

#[tokio::test]
async fn a_refusal_names_the_permission() {
    let platform = platform();
    let user = token(&platform, Role::User).await;
    let answer = call("DELETE", "/things/a")
        .token(&user)
        .send(&platform, handle)
        .await;
    assert_eq!((answer.status, answer.code().as_str()), (403, "forbidden"));
    assert_eq!(answer.json()["details"]["permission"], "beads:delete");
    assert!(
        answer.json()["error"]
            .as_str()
            .unwrap()
            .contains("beads:delete")
    );
}

#[tokio::test]
async fn an_api_key_may_do_what_its_scope_and_its_owner_may() {
    let platform = platform();
    let scope = Permissions::from_iter([Permission::BeadsRead, Permission::BeadsDelete]);
    let key = api_key(&platform, Role::User, scope).await;
    let answer = call("GET", "/things")
        .header("x-api-key", &key)
        .send(&platform, handle)
        .await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        call("GET", "/things")
            .token(&key)
            .send(&platform, handle)
            .await
            .status,
        200
    );
    let answer = call("POST", "/things")
        .token(&key)
        .json(json!({"title": "x"}))
        .send(&platform, handle)
        .await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (403, "forbidden"),
        "not in the scope"
    );
    let answer = call("DELETE", "/things/a")
        .token(&key)
        .send(&platform, handle)
        .await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (403, "forbidden"),
        "not the owner's"
    );

    let database = platform.database();
    let row = database
        .query_one("SELECT digest, last_used_at FROM api_key", vec![])
        .await
        .unwrap()
        .unwrap();
    assert!(!row.blob(0).unwrap().is_empty() && row.optional_integer(1).unwrap().is_some());
    for (change, code) in [
        ("expires_at = 1", "token_expired"),
        ("revoked_at = 1", "token_revoked"),
    ] {
        database
            .execute(&format!("UPDATE api_key SET {change}"), vec![])
            .await
            .unwrap();
        let answer = call("GET", "/things")
            .token(&key)
            .send(&platform, handle)
            .await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (401, code),
            "{change}"
        );
    }
}

#[tokio::test]
async fn without_a_token_secret_nobody_is_let_in_by_token() {
    for secret in ["", "too short"] {
        let platform = builder()
            .variable("loom_token_secret", secret)
            .build()
            .unwrap();
        let claims = Claims::new(
            "a",
            "admin",
            Role::Admin,
            "s",
            platform.clock().now() / 1000,
            "j".to_owned(),
        );
        let token = sign_with(
            if secret.is_empty() { "" } else { secret },
            &json!({"alg": "HS256"}),
            &claims,
        );
        let answer = call("GET", "/things")
            .token(&token)
            .send(&platform, handle)
            .await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (503, "not_configured")
        );
        assert!(
            answer.json()["error"]
                .as_str()
                .unwrap()
                .contains("loom_token_secret")
        );
    }
}

#[tokio::test]
async fn an_empty_service_token_lets_nobody_in() {
    let platform = builder()
        .variable("loom_service_token", "")
        .build()
        .unwrap();
    let answer = call("GET", "/whoami")
        .header("authorization", "Bearer ")
        .send(&platform, handle)
        .await;
    assert_eq!(answer.code(), "unauthenticated");
    let answer = call("GET", "/whoami")
        .token(SERVICE_TOKEN)
        .send(&platform, handle)
        .await;
    assert_eq!(answer.code(), "token_invalid");
}
