use axum::extract::State;
use axum::response::IntoResponse;
use loom_api::{Created, Error, Json, Page, Path};
use loom_domain::account::{Role, password_problem, username_problem};
use loom_domain::id::uuid_v7;
use loom_platform::{Clock, Database, Platform, Random, Transaction};
use loom_store::account::{self, User};
use serde::Deserialize;

use crate::account::UserView;
use crate::password;

const LONGEST_EMAIL: usize = 254;

/// `GET /auth/users`: all accounts by username.
pub(crate) async fn list<P: Platform>(
    State(platform): State<P>,
    page: Page,
) -> Result<impl IntoResponse, Error> {
    let after = page.cursor::<String>()?.unwrap_or_default();
    let rows = account::users(platform.database(), &after, page.fetch()).await?;
    Ok(page
        .answer(rows, |user| user.username.clone())
        .map(UserView::from))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Create {
    username: String,
    #[serde(default)]
    email: Option<String>,
    role: Role,
    password: String,
}

/// `POST /auth/users`: a new account.
pub(crate) async fn create<P: Platform>(
    State(platform): State<P>,
    Json(create): Json<Create>,
) -> Result<impl IntoResponse, Error> {
    if let Some(problem) = username_problem(&create.username) {
        return Err(Error::invalid_fields().field("username", problem));
    }
    check_role(create.role)?;
    check_email(create.email.as_deref())?;
    check_password(&create.username, &create.password)?;
    let hash = password::hash(&platform, &create.password)?;
    let now = platform.clock().now();
    let user = User {
        id: uuid_v7(now, platform.random().bytes()),
        username: create.username,
        email: create.email,
        role: create.role,
        created_at: now,
        updated_at: now,
        disabled_at: None,
    };
    if !account::insert_user(platform.database(), &user, &hash).await? {
        let message = format!(
            "There is an account named {} already. Choose another username.",
            user.username
        );
        return Err(Error::conflict("username_taken", message));
    }
    Ok(Created(
        format!("/api/v1/auth/users/{}", user.id),
        UserView::from(user),
    ))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Change {
    #[serde(default)]
    role: Option<Role>,
    #[serde(default)]
    email: Option<String>,
    #[serde(default)]
    is_active: Option<bool>,
    #[serde(default)]
    password: Option<String>,
}

/// `PATCH /auth/users/{id}`: another role, e-mail address or password, or disabled or not. A disabled account and one
/// with a new password lose their sessions. The last active admin stays one.
pub(crate) async fn change<P: Platform>(
    State(platform): State<P>,
    Path(id): Path<String>,
    Json(change): Json<Change>,
) -> Result<impl IntoResponse, Error> {
    let now = platform.clock().now();
    let Some(mut user) = account::user_by_id(platform.database(), &id).await? else {
        return Err(unknown(&id));
    };
    check_email(change.email.as_deref())?;
    if let Some(role) = change.role {
        check_role(role)?;
        user.role = role;
    }
    if let Some(password) = &change.password {
        check_password(&user.username, password)?;
    }
    match change.is_active {
        Some(true) => user.disabled_at = None,
        Some(false) => user.disabled_at = user.disabled_at.or(Some(now)),
        None => {}
    }
    user.email = change.email.or(user.email);
    user.updated_at = now;
    let hash = change
        .password
        .as_deref()
        .map(|password| password::hash(&platform, password))
        .transpose()?;
    let transaction = platform.database().transaction().await?;
    if !account::update_user(&transaction, &user).await? {
        let message = "This is the last active admin. Make another account an admin first.";
        return Err(Error::conflict("last_admin", message));
    }
    if let Some(hash) = &hash {
        account::set_password(&transaction, &id, hash, now).await?;
        account::revoke_sessions(&transaction, &id, None, "password_changed", now).await?;
    }
    if user.disabled_at.is_some() {
        account::revoke_sessions(&transaction, &id, None, "account_disabled", now).await?;
    }
    transaction.commit().await?;
    Ok(Json(UserView::from(user)))
}

fn unknown(id: &str) -> Error {
    Error::not_found(
        "user_not_found",
        format!("There is no account {id}. The accounts are at /api/v1/auth/users."),
    )
}

fn check_role(role: Role) -> Result<(), Error> {
    match role {
        Role::Admin | Role::User | Role::Viewer => Ok(()),
        Role::Service => Err(Error::invalid_fields().field(
            "role",
            "must be admin, user or viewer; service is for machines",
        )),
    }
}

fn check_email(email: Option<&str>) -> Result<(), Error> {
    let right = email.is_none_or(|email| {
        let parts = email.split_once('@');
        email.len() <= LONGEST_EMAIL
            && !email
                .chars()
                .any(|character| character.is_whitespace() || character.is_control())
            && parts.is_some_and(|(name, host)| {
                !name.is_empty() && !host.is_empty() && !host.contains('@')
            })
    });
    if right {
        Ok(())
    } else {
        Err(Error::invalid_fields().field("email", "must be an e-mail address"))
    }
}

fn check_password(username: &str, password: &str) -> Result<(), Error> {
    match password_problem(username, password) {
        None => Ok(()),
        Some(problem) => Err(Error::invalid_fields().field("password", problem)),
    }
}
