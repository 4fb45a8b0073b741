use axum::extract::State;
use axum::response::IntoResponse;
use http::StatusCode;
use loom_api::token::{self, Claims, Key};
use loom_api::{Caller, Error, Json, Secret, Via, secret};
use loom_domain::id::uuid_v7;
use loom_domain::time::DAY;
use loom_platform::{Clock, Database, Platform, Random, Transaction};
use loom_store::account::{self, Refreshed, User};
use serde::{Deserialize, Serialize};

use crate::account::UserView;

/// How long a refresh token is valid; refreshing starts it anew.
const REFRESH_LIFETIME: i64 = 30 * DAY;

pub(crate) struct NewRefreshToken {
    pub(crate) secret: String,
    pub(crate) digest: [u8; 32],
    pub(crate) expires_at: i64,
}

pub(crate) fn new_refresh_token<P: Platform>(platform: &P, now: i64) -> NewRefreshToken {
    let secret = secret::new_refresh_token(platform.random());
    NewRefreshToken {
        digest: secret::digest(&secret),
        secret,
        expires_at: now + REFRESH_LIFETIME,
    }
}

/// The answer to a login and to a refresh.
#[derive(Serialize)]
pub(crate) struct LoggedIn {
    token: String,
    expires_in: i64,
    refresh_token: String,
    refresh_expires_in: i64,
    user: UserView,
}

pub(crate) async fn logged_in<P: Platform>(
    platform: &P,
    user: User,
    session_id: &str,
    refresh_token: String,
) -> Result<LoggedIn, Error> {
    let now = platform.clock().now();
    let jti = uuid_v7(now, platform.random().bytes());
    let claims = Claims::new(
        &user.id,
        &user.username,
        user.role,
        session_id,
        now.div_euclid(1000),
        jti,
    );
    Ok(LoggedIn {
        token: Key::load(platform).await?.sign(&claims),
        expires_in: token::LIFETIME,
        refresh_token,
        refresh_expires_in: REFRESH_LIFETIME / 1000,
        user: user.into(),
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Refresh {
    refresh_token: String,
}

/// `POST /auth/refresh`: new tokens for a refresh token, which is used up by it. One that was used before revokes the
/// session, because two parties have it and nobody can tell which is the thief.
pub(crate) async fn refresh<P: Platform>(
    State(platform): State<P>,
    Json(refresh): Json<Refresh>,
) -> Result<impl IntoResponse, Error> {
    Key::load(&platform).await?; // before the old token is used up
    let now = platform.clock().now();
    let new = new_refresh_token(&platform, now);
    let old = secret::digest(&refresh.refresh_token);
    let transaction = platform.database().transaction().await?;
    let refreshed = account::refresh(&transaction, &old, &new.digest, now, new.expires_at).await?;
    transaction.commit().await?;
    match refreshed {
        Refreshed::Rotated(session) => Ok(Secret(Json(
            logged_in(&platform, session.user, &session.id, new.secret).await?,
        ))),
        Refreshed::Unknown => Err(Error::unauthenticated(
            "token_invalid",
            "There is no such refresh token. Log in again.",
        )),
        Refreshed::Ended => Err(Error::unauthenticated(
            "token_revoked",
            "The session has ended. Log in again.",
        )),
        Refreshed::Reused => {
            let message = "This refresh token had been used before, so somebody may have a copy of it. The session \
                           has been ended. Log in again.";
            Err(Error::unauthenticated("token_revoked", message))
        }
    }
}

/// `POST /auth/logout`: ends the session that the access token belongs to.
pub(crate) async fn logout<P: Platform>(
    State(platform): State<P>,
    caller: Caller,
) -> Result<StatusCode, Error> {
    let Via::Password { session } = caller.via else {
        let message =
            "Only a session that began with a login can be ended; an API key is revoked instead.";
        return Err(Error::conflict("no_session", message));
    };
    account::revoke_session(
        platform.database(),
        &session,
        "logout",
        platform.clock().now(),
    )
    .await?;
    Ok(StatusCode::NO_CONTENT)
}
