use http::HeaderMap;
use http::header::AUTHORIZATION;
use loom_domain::account::Role;
use loom_domain::time::MINUTE;
use loom_platform::{Clock, Platform, Variables};
use loom_store::account;

use crate::secret::{self, API_KEY_PREFIX};
use crate::token::Key;
use crate::{Caller, Error, Via};

/// Who calls, from `Authorization: Bearer <access token | API key | service token>` or `X-API-Key: <API key>`.
pub(crate) async fn authenticate<P: Platform>(
    platform: &P,
    headers: &HeaderMap,
) -> Result<Caller, Error> {
    let credential = credential(headers)?;
    let service = platform
        .variables()
        .get_optional("loom_service_token")
        .await?;
    if service.is_some_and(|token| secret::same(&token, credential)) {
        return Ok(Caller {
            id: "service".to_owned(),
            name: "service".to_owned(),
            role: Role::Service,
            permissions: Role::Service.permissions(),
            via: Via::Service,
        });
    }
    let now = platform.clock().now();
    if credential.starts_with(API_KEY_PREFIX) {
        by_api_key(platform, credential, now).await
    } else {
        by_access_token(platform, credential, now).await
    }
}

fn credential(headers: &HeaderMap) -> Result<&str, Error> {
    let text = |name| {
        headers
            .get(name)
            .map(|value| value.to_str().unwrap_or_default().trim())
    };
    if let Some(value) = text(AUTHORIZATION.as_str()) {
        let (scheme, credential) = value.split_once(' ').unwrap_or((value, ""));
        if !scheme.eq_ignore_ascii_case("bearer") || credential.trim().is_empty() {
            let message = "The Authorization header must be `Bearer <access token or API key>`.";
            return Err(Error::unauthenticated("unauthenticated", message));
        }
        return Ok(credential.trim());
    }
    text("x-api-key").filter(|key| !key.is_empty()).ok_or_else(|| {
        let message = "This needs credentials. Log in with POST /api/v1/auth/login and send the token as \
                       `Authorization: Bearer <token>`, or send an API key as `X-API-Key`.";
        Error::unauthenticated("unauthenticated", message)
    })
}

async fn by_access_token<P: Platform>(
    platform: &P,
    token: &str,
    now: i64,
) -> Result<Caller, Error> {
    let claims = Key::load(platform)
        .await?
        .verify(token, now.div_euclid(1000))?;
    let session = account::session(platform.database(), &claims.sid).await?;
    let session =
        session.filter(|session| session.user.id == claims.sub && session.revoked_at.is_none());
    let Some(session) = session.filter(|session| session.user.disabled_at.is_none()) else {
        let message = "The session of this access token has ended. Log in again.";
        return Err(Error::unauthenticated("token_revoked", message));
    };
    Ok(Caller {
        id: session.user.id,
        name: session.user.username,
        role: session.user.role,
        permissions: session.user.role.permissions(),
        via: Via::Password {
            session: session.id,
        },
    })
}

async fn by_api_key<P: Platform>(platform: &P, key: &str, now: i64) -> Result<Caller, Error> {
    let database = platform.database();
    let Some((user, key)) = account::api_key_by_digest(database, &secret::digest(key)).await?
    else {
        return Err(Error::unauthenticated(
            "token_invalid",
            "There is no such API key. Create one and use that.",
        ));
    };
    if key.revoked_at.is_some() || user.disabled_at.is_some() {
        return Err(Error::unauthenticated(
            "token_revoked",
            "This API key was revoked. Create another and use that.",
        ));
    }
    if key.expires_at.is_some_and(|expires_at| expires_at <= now) {
        return Err(Error::unauthenticated(
            "token_expired",
            "This API key has expired. Create another and use that.",
        ));
    }
    if key.last_used_at.is_none_or(|last| last + MINUTE <= now) {
        // To the minute, so that reading doesn't always write. It is only for people to see: a busy database may skip it.
        let _ = account::touch_api_key(database, &key.id, now).await;
    }
    Ok(Caller {
        id: user.id,
        name: user.username,
        role: user.role,
        permissions: key.permissions.and(user.role.permissions()),
        via: Via::ApiKey { key: key.id },
    })
}
