use axum::extract::State;
use axum::response::IntoResponse;
use http::StatusCode;
use loom_api::{Caller, Error, Json, Via};
use loom_domain::account::{Permissions, Role, password_problem};
use loom_domain::time::Timestamp;
use loom_platform::{Clock, Database, Platform, Transaction};
use loom_store::account::{self, User};
use serde::{Deserialize, Serialize};

use crate::{login, password};

/// An account as the API shows it.
#[derive(Serialize)]
pub(crate) struct UserView {
    id: String,
    username: String,
    email: Option<String>,
    role: Role,
    is_active: bool,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl From<User> for UserView {
    fn from(user: User) -> Self {
        Self {
            id: user.id,
            username: user.username,
            email: user.email,
            role: user.role,
            is_active: user.disabled_at.is_none(),
            created_at: Timestamp(user.created_at),
            updated_at: Timestamp(user.updated_at),
        }
    }
}

#[derive(Serialize)]
struct Me {
    id: String,
    username: String,
    role: Role,
    permissions: Permissions,
    via: &'static str,
    user: Option<UserView>,
}

/// `GET /auth/me`: who calls and what it may do. `user` is absent for the service token, which is nobody's.
pub(crate) async fn me<P: Platform>(
    State(platform): State<P>,
    caller: Caller,
) -> Result<impl IntoResponse, Error> {
    let user = match caller.via {
        Via::Service => None,
        Via::Password { .. } | Via::ApiKey { .. } => {
            account::user_by_id(platform.database(), &caller.id).await?
        }
    };
    let via = match caller.via {
        Via::Password { .. } => "password",
        Via::ApiKey { .. } => "api_key",
        Via::Service => "service",
    };
    Ok(Json(Me {
        id: caller.id,
        username: caller.name,
        role: caller.role,
        permissions: caller.permissions,
        via,
        user: user.map(UserView::from),
    }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangePassword {
    current_password: String,
    new_password: String,
}

/// `POST /auth/change-password`: all other sessions of the account end.
pub(crate) async fn change_password<P: Platform>(
    State(platform): State<P>,
    caller: Caller,
    Json(change): Json<ChangePassword>,
) -> Result<StatusCode, Error> {
    let problem = password_problem(&caller.name, &change.new_password).or_else(|| {
        (change.new_password == change.current_password)
            .then(|| "must differ from the current one".to_owned())
    });
    if let Some(problem) = problem {
        return Err(Error::invalid_fields().field("new_password", problem));
    }
    login::count_attempt(&platform, &caller.name).await?;
    let stored = account::user_by_name(platform.database(), &caller.name)
        .await?
        .map(|(_, hash)| hash);
    if !password::verify(
        &change.current_password,
        stored.as_deref().unwrap_or(password::NOBODY),
    )? {
        return Err(Error::invalid_fields().field("current_password", "is wrong"));
    }
    let hash = password::hash(&platform, &change.new_password)?;
    let session = match &caller.via {
        Via::Password { session } => Some(session.as_str()),
        Via::ApiKey { .. } | Via::Service => None,
    };
    let now = platform.clock().now();
    let transaction = platform.database().transaction().await?;
    account::forget_login_failures(&transaction, &caller.name).await?;
    account::set_password(&transaction, &caller.id, &hash, now).await?;
    account::revoke_sessions(&transaction, &caller.id, session, "password_changed", now).await?;
    transaction.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
