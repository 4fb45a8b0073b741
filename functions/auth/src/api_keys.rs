use axum::extract::State;
use axum::response::IntoResponse;
use http::StatusCode;
use loom_api::{Caller, Created, Error, Json, Page, Path, Secret, secret};
use loom_domain::account::{Permission, Permissions};
use loom_domain::id::uuid_v7;
use loom_domain::time::Timestamp;
use loom_platform::{Clock, Platform, Random};
use loom_store::account::{self, ApiKey};
use serde::{Deserialize, Serialize};

const LONGEST_NAME: usize = 100;
/// Ten years, in seconds.
const LONGEST_LIFE: i64 = 10 * 365 * 86_400;

/// An API key as the API shows it.
#[derive(Serialize)]
struct View {
    id: String,
    name: String,
    key_prefix: String,
    permissions: Permissions,
    is_active: bool,
    created_at: Timestamp,
    expires_at: Option<Timestamp>,
    revoked_at: Option<Timestamp>,
    last_used_at: Option<Timestamp>,
}

impl View {
    fn new(key: ApiKey, now: i64) -> Self {
        Self {
            id: key.id,
            name: key.name,
            key_prefix: key.prefix,
            permissions: key.permissions,
            is_active: key.revoked_at.is_none()
                && key.expires_at.is_none_or(|expires_at| expires_at > now),
            created_at: Timestamp(key.created_at),
            expires_at: key.expires_at.map(Timestamp),
            revoked_at: key.revoked_at.map(Timestamp),
            last_used_at: key.last_used_at.map(Timestamp),
        }
    }
}

/// `GET /auth/api-keys`: the caller's keys, newest first, revoked ones too.
pub(crate) async fn list<P: Platform>(
    State(platform): State<P>,
    caller: Caller,
    page: Page,
) -> Result<impl IntoResponse, Error> {
    let before = page.cursor::<(i64, String)>()?;
    let rows = account::api_keys(platform.database(), &caller.id, before, page.fetch()).await?;
    let now = platform.clock().now();
    Ok(page
        .answer(rows, |key| (key.created_at, key.id.clone()))
        .map(|key| View::new(key, now)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Create {
    name: String,
    #[serde(default)]
    permissions: Option<Vec<Permission>>,
    #[serde(default)]
    expires_in: Option<i64>,
}

#[derive(Serialize)]
struct WithKey {
    key: String,
    #[serde(flatten)]
    view: View,
}

/// `POST /auth/api-keys`: a key of the caller's, shown this once. Without `permissions` it may do what the caller may;
/// without `expires_in` (seconds), or with 0, it never ends by itself.
pub(crate) async fn create<P: Platform>(
    State(platform): State<P>,
    caller: Caller,
    Json(create): Json<Create>,
) -> Result<impl IntoResponse, Error> {
    let name = create.name.trim().to_owned();
    let expires_in = create.expires_in.unwrap_or(0);
    let permissions = create
        .permissions
        .map_or(caller.permissions, Permissions::from_iter);
    let (mut error, mut wrong) = (Error::invalid_fields(), false);
    let mut check = |right: bool, field: &str, problem: String| {
        if !right {
            error = error.clone().field(field, problem);
            wrong = true;
        }
    };
    check(
        (1..=LONGEST_NAME).contains(&name.chars().count()),
        "name",
        format!("must have 1 to {LONGEST_NAME} characters"),
    );
    check(
        !permissions.is_empty(),
        "permissions",
        "must name at least one permission".to_owned(),
    );
    check(
        (0..=LONGEST_LIFE).contains(&expires_in),
        "expires_in",
        format!("must be 0 (never) to {LONGEST_LIFE} seconds"),
    );
    if wrong {
        return Err(error);
    }
    if let Some(permission) = permissions.without(caller.permissions).iter().next() {
        let message =
            format!("A key can't do more than its creator, who lacks the permission {permission}.");
        return Err(
            Error::forbidden("forbidden", message).detail("permission", permission.as_str())
        );
    }
    let now = platform.clock().now();
    let secret = secret::new_api_key(platform.random());
    let key = ApiKey {
        id: uuid_v7(now, platform.random().bytes()),
        user_id: caller.id,
        name,
        prefix: secret.chars().take(secret::SHOWN).collect(),
        permissions,
        created_at: now,
        expires_at: (expires_in > 0).then(|| now + expires_in * 1000),
        revoked_at: None,
        last_used_at: None,
    };
    account::insert_api_key(platform.database(), &key, &secret::digest(&secret)).await?;
    let location = format!("/api/v1/auth/api-keys/{}", key.id);
    Ok(Secret(Created(
        location,
        WithKey {
            key: secret,
            view: View::new(key, now),
        },
    )))
}

/// `DELETE /auth/api-keys/{id}`: the key works no more. It stays in the list, so that its uses can be explained.
pub(crate) async fn revoke<P: Platform>(
    State(platform): State<P>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, Error> {
    if account::revoke_api_key(platform.database(), &caller.id, &id, platform.clock().now()).await?
    {
        return Ok(StatusCode::NO_CONTENT);
    }
    let message = format!(
        "You have no API key {id} that still works. Your keys are at /api/v1/auth/api-keys."
    );
    Err(Error::not_found("api_key_not_found", message))
}
