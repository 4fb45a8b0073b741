//! Accounts: users, sessions and their refresh tokens, API keys, login failures.
//!
//! Digests are SHA-256 of secrets with at least 128 random bits; the secrets themselves never come here. Times are
//! milliseconds and are given by the caller.

use loom_domain::account::{Permissions, Role, login_pause};
use loom_domain::time::DAY;
use loom_platform::{Row, Statements, Value};

use crate::StoreError;

/// An account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// UUIDv7.
    pub id: String,
    /// Unique; see `loom_domain::account::username_problem`.
    pub username: String,
    /// For notifications, if known.
    pub email: Option<String>,
    /// What it may do.
    pub role: Role,
    /// When it was created.
    pub created_at: i64,
    /// When it was last changed.
    pub updated_at: i64,
    /// Since when nobody can use it.
    pub disabled_at: Option<i64>,
}

const USER: &str = "u.id, u.username, u.email, u.role, u.created_at, u.updated_at, u.disabled_at";
const USER_COLUMNS: usize = 7;

fn user(row: &Row) -> Result<User, StoreError> {
    let word = row.text(3)?;
    Ok(User {
        id: row.text(0)?,
        username: row.text(1)?,
        email: row.optional_text(2)?,
        role: Role::parse(&word)
            .ok_or_else(|| StoreError::Corrupt(format!("user.role holds {word:?}")))?,
        created_at: row.integer(4)?,
        updated_at: row.integer(5)?,
        disabled_at: row.optional_integer(6)?,
    })
}

/// Creates the first account; `false` when there is one already. One statement, so any number of callers can race.
pub async fn insert_first_user<S: Statements>(
    s: &S,
    user: &User,
    password_hash: &str,
) -> Result<bool, StoreError> {
    let sql = "INSERT INTO user (id, username, email, role, password_hash, created_at, updated_at) \
               SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?6 WHERE NOT EXISTS (SELECT 1 FROM user) ON CONFLICT DO NOTHING";
    Ok(s.execute(sql, user_parameters(user, password_hash)).await? == 1)
}

/// Creates an account; `false` when the username is taken.
pub async fn insert_user<S: Statements>(
    s: &S,
    user: &User,
    password_hash: &str,
) -> Result<bool, StoreError> {
    let sql = "INSERT INTO user (id, username, email, role, password_hash, created_at, updated_at) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6) ON CONFLICT (username) DO NOTHING";
    Ok(s.execute(sql, user_parameters(user, password_hash)).await? == 1)
}

fn user_parameters(user: &User, password_hash: &str) -> Vec<Value> {
    vec![
        (&user.id).into(),
        (&user.username).into(),
        user.email.clone().into(),
        user.role.as_str().into(),
        password_hash.into(),
        user.created_at.into(),
    ]
}

/// Whether there is any account.
pub async fn any_user<S: Statements>(s: &S) -> Result<bool, StoreError> {
    Ok(s.query_one("SELECT 1 FROM user LIMIT 1", vec![])
        .await?
        .is_some())
}

/// The account of that id.
pub async fn user_by_id<S: Statements>(s: &S, id: &str) -> Result<Option<User>, StoreError> {
    let sql = format!("SELECT {USER} FROM user u WHERE u.id = ?1");
    s.query_one(&sql, vec![id.into()])
        .await?
        .as_ref()
        .map(user)
        .transpose()
}

/// The account of that username, with its password's hash.
pub async fn user_by_name<S: Statements>(
    s: &S,
    username: &str,
) -> Result<Option<(User, String)>, StoreError> {
    let sql = format!("SELECT {USER}, u.password_hash FROM user u WHERE u.username = ?1");
    match s.query_one(&sql, vec![username.into()]).await? {
        Some(row) => Ok(Some((user(&row)?, row.text(USER_COLUMNS)?))),
        None => Ok(None),
    }
}

/// At most `limit` accounts by username, after the username `after`.
pub async fn users<S: Statements>(s: &S, after: &str, limit: i64) -> Result<Vec<User>, StoreError> {
    let sql =
        format!("SELECT {USER} FROM user u WHERE u.username > ?1 ORDER BY u.username LIMIT ?2");
    s.query(&sql, vec![after.into(), limit.into()])
        .await?
        .iter()
        .map(user)
        .collect()
}

/// Changes role and e-mail address of an account and whether it is disabled; `false` when it doesn't exist.
///
/// Refuses, by changing nothing and returning `false`, to take away the last account that can administer.
pub async fn update_user<S: Statements>(s: &S, changed: &User) -> Result<bool, StoreError> {
    let sql = "UPDATE user SET role = ?2, email = ?3, disabled_at = ?4, updated_at = ?5 WHERE id = ?1 \
               AND ((?2 = 'admin' AND ?4 IS NULL) OR EXISTS \
               (SELECT 1 FROM user WHERE id <> ?1 AND role = 'admin' AND disabled_at IS NULL))";
    let parameters = vec![
        (&changed.id).into(),
        changed.role.as_str().into(),
        changed.email.clone().into(),
        changed.disabled_at.into(),
        changed.updated_at.into(),
    ];
    Ok(s.execute(sql, parameters).await? == 1)
}

/// Replaces the password's hash of an account.
pub async fn set_password<S: Statements>(
    s: &S,
    id: &str,
    password_hash: &str,
    now: i64,
) -> Result<(), StoreError> {
    let sql = "UPDATE user SET password_hash = ?2, updated_at = ?3 WHERE id = ?1";
    s.execute(sql, vec![id.into(), password_hash.into(), now.into()])
        .await?;
    Ok(())
}

/// Opens a session with its first refresh token. Run it in a transaction.
pub async fn open_session<S: Statements>(
    s: &S,
    session_id: &str,
    user_id: &str,
    digest: &[u8; 32],
    now: i64,
    expires_at: i64,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO session (id, user_id, created_at, expires_at) VALUES (?1, ?2, ?3, ?4)";
    s.execute(
        sql,
        vec![
            session_id.into(),
            user_id.into(),
            now.into(),
            expires_at.into(),
        ],
    )
    .await?;
    insert_refresh_token(s, session_id, digest, now).await
}

async fn insert_refresh_token<S: Statements>(
    s: &S,
    session_id: &str,
    digest: &[u8; 32],
    now: i64,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO refresh_token (digest, session_id, created_at) VALUES (?1, ?2, ?3)";
    s.execute(
        sql,
        vec![digest.to_vec().into(), session_id.into(), now.into()],
    )
    .await?;
    Ok(())
}

/// A session and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its id: the `sid` of its access tokens.
    pub id: String,
    /// Whose it is.
    pub user: User,
    /// When its newest refresh token ends.
    pub expires_at: i64,
    /// Since when it is revoked.
    pub revoked_at: Option<i64>,
}

/// The session of that id.
pub async fn session<S: Statements>(s: &S, id: &str) -> Result<Option<Session>, StoreError> {
    let sql = format!(
        "SELECT {USER}, s.id, s.expires_at, s.revoked_at FROM session s JOIN user u ON u.id = s.user_id WHERE s.id = ?1"
    );
    s.query_one(&sql, vec![id.into()])
        .await?
        .as_ref()
        .map(session_of)
        .transpose()
}

fn session_of(row: &Row) -> Result<Session, StoreError> {
    Ok(Session {
        user: user(row)?,
        id: row.text(USER_COLUMNS)?,
        expires_at: row.integer(USER_COLUMNS + 1)?,
        revoked_at: row.optional_integer(USER_COLUMNS + 2)?,
    })
}

/// What became of an attempt to refresh.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refreshed {
    /// The old token is used up and the new one is in its place.
    Rotated(Box<Session>),
    /// There is no such token.
    Unknown,
    /// The session ended by time, was revoked, or its account is disabled.
    Ended,
    /// The token had been used before: somebody has a copy. The session is now revoked.
    Reused,
}

/// Exchanges a refresh token for a new one. Run it in a transaction and commit whatever the answer is.
pub async fn refresh<S: Statements>(
    s: &S,
    old: &[u8; 32],
    new: &[u8; 32],
    now: i64,
    expires_at: i64,
) -> Result<Refreshed, StoreError> {
    let sql = format!(
        "SELECT {USER}, s.id, s.expires_at, s.revoked_at, t.used_at FROM refresh_token t \
         JOIN session s ON s.id = t.session_id JOIN user u ON u.id = s.user_id WHERE t.digest = ?1"
    );
    let Some(row) = s.query_one(&sql, vec![old.to_vec().into()]).await? else {
        return Ok(Refreshed::Unknown);
    };
    let session = session_of(&row)?;
    let used_at = row.optional_integer(USER_COLUMNS + 3)?;
    if session.revoked_at.is_some()
        || session.expires_at <= now
        || session.user.disabled_at.is_some()
    {
        return Ok(Refreshed::Ended);
    }
    if used_at.is_some() {
        revoke_session(s, &session.id, "refresh_token_reused", now).await?;
        return Ok(Refreshed::Reused);
    }
    let sql = "UPDATE refresh_token SET used_at = ?2 WHERE digest = ?1";
    s.execute(sql, vec![old.to_vec().into(), now.into()])
        .await?;
    insert_refresh_token(s, &session.id, new, now).await?;
    let sql = "UPDATE session SET expires_at = ?2 WHERE id = ?1";
    s.execute(sql, vec![(&session.id).into(), expires_at.into()])
        .await?;
    Ok(Refreshed::Rotated(Box::new(Session {
        expires_at,
        ..session
    })))
}

/// Revokes one session; its access tokens are refused from now on. `reason` is one of the schema's words.
pub async fn revoke_session<S: Statements>(
    s: &S,
    id: &str,
    reason: &str,
    now: i64,
) -> Result<(), StoreError> {
    let sql = "UPDATE session SET revoked_at = ?3, revoked_reason = ?2 WHERE id = ?1 AND revoked_at IS NULL";
    s.execute(sql, vec![id.into(), reason.into(), now.into()])
        .await?;
    Ok(())
}

/// Revokes all sessions of an account but `except`.
pub async fn revoke_sessions<S: Statements>(
    s: &S,
    user_id: &str,
    except: Option<&str>,
    reason: &str,
    now: i64,
) -> Result<(), StoreError> {
    let sql = "UPDATE session SET revoked_at = ?4, revoked_reason = ?3 \
               WHERE user_id = ?1 AND id IS NOT ?2 AND revoked_at IS NULL";
    s.execute(
        sql,
        vec![user_id.into(), except.into(), reason.into(), now.into()],
    )
    .await?;
    Ok(())
}

/// An API key, without the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// UUIDv7.
    pub id: String,
    /// Whose it is.
    pub user_id: String,
    /// What its owner calls it.
    pub name: String,
    /// The first characters of the key, so that its owner recognises it.
    pub prefix: String,
    /// What it may do, as long as its owner may too.
    pub permissions: Permissions,
    /// When it was created.
    pub created_at: i64,
    /// When it ends by itself; `None` is never.
    pub expires_at: Option<i64>,
    /// Since when it is revoked.
    pub revoked_at: Option<i64>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<i64>,
}

const API_KEY: &str = "k.id, k.user_id, k.name, k.prefix, k.permissions, k.created_at, k.expires_at, k.revoked_at, k.last_used_at";

fn api_key(row: &Row, from: usize) -> Result<ApiKey, StoreError> {
    Ok(ApiKey {
        id: row.text(from)?,
        user_id: row.text(from + 1)?,
        name: row.text(from + 2)?,
        prefix: row.text(from + 3)?,
        permissions: Permissions::from_words(&row.text(from + 4)?),
        created_at: row.integer(from + 5)?,
        expires_at: row.optional_integer(from + 6)?,
        revoked_at: row.optional_integer(from + 7)?,
        last_used_at: row.optional_integer(from + 8)?,
    })
}

/// Creates an API key.
pub async fn insert_api_key<S: Statements>(
    s: &S,
    key: &ApiKey,
    digest: &[u8; 32],
) -> Result<(), StoreError> {
    let sql = "INSERT INTO api_key (id, user_id, name, prefix, digest, permissions, created_at, expires_at) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    let parameters = vec![
        (&key.id).into(),
        (&key.user_id).into(),
        (&key.name).into(),
        (&key.prefix).into(),
        digest.to_vec().into(),
        key.permissions.to_words().into(),
        key.created_at.into(),
        key.expires_at.into(),
    ];
    s.execute(sql, parameters).await?;
    Ok(())
}

/// The keys of an account, newest first, at most `limit`, created before `before` = (time, id).
pub async fn api_keys<S: Statements>(
    s: &S,
    user_id: &str,
    before: Option<(i64, String)>,
    limit: i64,
) -> Result<Vec<ApiKey>, StoreError> {
    let (time, id) = before.unwrap_or((i64::MAX, String::new()));
    let sql = format!(
        "SELECT {API_KEY} FROM api_key k WHERE k.user_id = ?1 AND (k.created_at, k.id) < (?2, ?3) \
         ORDER BY k.created_at DESC, k.id DESC LIMIT ?4"
    );
    let rows = s
        .query(
            &sql,
            vec![user_id.into(), time.into(), id.into(), limit.into()],
        )
        .await?;
    rows.iter().map(|row| api_key(row, 0)).collect()
}

/// The key of that digest and its owner.
pub async fn api_key_by_digest<S: Statements>(
    s: &S,
    digest: &[u8; 32],
) -> Result<Option<(User, ApiKey)>, StoreError> {
    let sql = format!(
        "SELECT {USER}, {API_KEY} FROM api_key k JOIN user u ON u.id = k.user_id WHERE k.digest = ?1"
    );
    match s.query_one(&sql, vec![digest.to_vec().into()]).await? {
        Some(row) => Ok(Some((user(&row)?, api_key(&row, USER_COLUMNS)?))),
        None => Ok(None),
    }
}

/// Notes that a key was used.
pub async fn touch_api_key<S: Statements>(s: &S, id: &str, now: i64) -> Result<(), StoreError> {
    s.execute(
        "UPDATE api_key SET last_used_at = ?2 WHERE id = ?1",
        vec![id.into(), now.into()],
    )
    .await?;
    Ok(())
}

/// Revokes a key of an account; `false` when the account has no such key that still works.
pub async fn revoke_api_key<S: Statements>(
    s: &S,
    user_id: &str,
    id: &str,
    now: i64,
) -> Result<bool, StoreError> {
    let sql =
        "UPDATE api_key SET revoked_at = ?3 WHERE id = ?1 AND user_id = ?2 AND revoked_at IS NULL";
    Ok(s.execute(sql, vec![id.into(), user_id.into(), now.into()])
        .await?
        == 1)
}

/// Counts a login attempt for `username` before its password is looked at, so that guesses in parallel count too.
/// Returns `Some(closed_until)`, and counts nothing, while the login of that name is closed. Run it in a transaction.
///
/// A name that nobody tried for a day starts anew.
pub async fn begin_login<S: Statements>(
    s: &S,
    username: &str,
    now: i64,
) -> Result<Option<i64>, StoreError> {
    let sql = "SELECT failures, closed_until, updated_at FROM login_failure WHERE username = ?1";
    let failures = match s.query_one(sql, vec![username.into()]).await? {
        Some(row) if row.integer(1)? > now => return Ok(Some(row.integer(1)?)),
        Some(row) if row.integer(2)? + DAY > now => row.integer(0)? + 1,
        _ => 1,
    };
    let sql = "INSERT INTO login_failure (username, failures, closed_until, updated_at) VALUES (?1, ?2, ?3, ?4) \
               ON CONFLICT (username) DO UPDATE SET failures = ?2, closed_until = ?3, updated_at = ?4";
    let closed_until = now + login_pause(failures);
    s.execute(
        sql,
        vec![
            username.into(),
            failures.into(),
            closed_until.into(),
            now.into(),
        ],
    )
    .await?;
    Ok(None)
}

/// Forgets the failures of `username`, after the right password.
pub async fn forget_login_failures<S: Statements>(s: &S, username: &str) -> Result<(), StoreError> {
    s.execute(
        "DELETE FROM login_failure WHERE username = ?1",
        vec![username.into()],
    )
    .await?;
    Ok(())
}

/// Deletes a bounded number of sessions that ended and of names that nobody tried to log in as for a day.
pub async fn sweep<S: Statements>(s: &S, now: i64) -> Result<(), StoreError> {
    let sql =
        "DELETE FROM session WHERE id IN (SELECT id FROM session WHERE expires_at < ?1 LIMIT 50)";
    s.execute(sql, vec![(now - DAY).into()]).await?;
    let sql = "DELETE FROM login_failure WHERE username IN \
               (SELECT username FROM login_failure WHERE updated_at < ?1 LIMIT 50)";
    s.execute(sql, vec![(now - DAY).into()]).await?;
    Ok(())
}
