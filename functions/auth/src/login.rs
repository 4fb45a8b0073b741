use axum::extract::State;
use axum::response::IntoResponse;
use loom_api::{Error, Json, RequestId, Secret, log};
use loom_domain::account::{Role, password_problem, username_problem};
use loom_domain::id::uuid_v7;
use loom_platform::{Clock, Database, Platform, Random, Transaction, Variables};
use loom_store::account::{self, User};
use serde::Deserialize;

use crate::password;
use crate::session::{self, LoggedIn};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Login {
    username: String,
    password: String,
}

/// `POST /auth/login`: an access token and a refresh token for a username and its password.
pub(crate) async fn login<P: Platform>(
    State(platform): State<P>,
    RequestId(request_id): RequestId,
    Json(login): Json<Login>,
) -> Result<impl IntoResponse, Error> {
    let username = login.username.trim().to_ascii_lowercase();
    create_first_admin(&platform).await?;
    count_attempt(&platform, &username).await?;
    let found = account::user_by_name(platform.database(), &username).await?;
    let stored = found.as_ref().map_or(password::NOBODY, |(_, hash)| hash);
    let right = password::verify(&login.password, stored)?;
    match found {
        Some((user, _)) if right && user.disabled_at.is_none() => {
            let logged_in = open(&platform, user).await?;
            Ok(Secret(Json(logged_in)))
        }
        _ => {
            log("warn", "a login was refused", [("request_id", &request_id)]);
            let message = "The username or the password is wrong.";
            Err(Error::unauthenticated("wrong_credentials", message))
        }
    }
}

/// Counts the attempt before the password is looked at; 429 while the name's login is closed.
///
/// Names that no account can have are not counted: there is nothing to guess, and the table must not fill with them.
pub(crate) async fn count_attempt<P: Platform>(platform: &P, username: &str) -> Result<(), Error> {
    if username_problem(username).is_some() {
        return Ok(());
    }
    let now = platform.clock().now();
    let transaction = platform.database().transaction().await?;
    let closed_until = account::begin_login(&transaction, username, now).await?;
    transaction.commit().await?;
    match closed_until {
        None => Ok(()),
        Some(until) => {
            let seconds = (until - now + 999) / 1000;
            let message = format!(
                "There were too many wrong passwords for this username. Try again in {seconds} s; sessions and API \
                 keys go on working."
            );
            Err(Error::too_many("too_many_attempts", message, seconds))
        }
    }
}

async fn open<P: Platform>(platform: &P, user: User) -> Result<LoggedIn, Error> {
    let now = platform.clock().now();
    let session_id = uuid_v7(now, platform.random().bytes());
    let refresh_token = session::new_refresh_token(platform, now);
    let transaction = platform.database().transaction().await?;
    account::forget_login_failures(&transaction, &user.username).await?;
    let (digest, expires_at) = (&refresh_token.digest, refresh_token.expires_at);
    account::open_session(&transaction, &session_id, &user.id, digest, now, expires_at).await?;
    account::sweep(&transaction, now).await?;
    transaction.commit().await?;
    session::logged_in(platform, user, &session_id, refresh_token.secret).await
}

/// On the first login ever, makes the account `admin` with the password in `loom_admin_password`.
async fn create_first_admin<P: Platform>(platform: &P) -> Result<(), Error> {
    const NAME: &str = "admin";
    let database = platform.database();
    if account::any_user(database).await? {
        return Ok(());
    }
    let password = platform
        .variables()
        .get_optional("loom_admin_password")
        .await?
        .unwrap_or_default();
    if let Some(problem) = password_problem(NAME, &password) {
        return Err(Error::not_configured(format!(
            "There is no account yet, and the variable loom_admin_password, from which the first one is made, \
             {problem}. Set SPIN_VARIABLE_LOOM_ADMIN_PASSWORD and log in as admin."
        )));
    }
    let now = platform.clock().now();
    let admin = User {
        id: uuid_v7(now, platform.random().bytes()),
        username: NAME.to_owned(),
        email: None,
        role: Role::Admin,
        created_at: now,
        updated_at: now,
        disabled_at: None,
    };
    account::insert_first_user(database, &admin, &password::hash(platform, &password)?).await?;
    Ok(())
}
