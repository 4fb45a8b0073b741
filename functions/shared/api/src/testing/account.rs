//! Who calls.

use loom_domain::account::{Permissions, Role};
use loom_domain::id::uuid_v7;
use loom_platform::{Clock, Platform, Random};
use loom_store::account::{self, ApiKey, User};
use loom_store::migrate::migrate;

use super::SERVICE_TOKEN;
use crate::secret;
use crate::token::{Claims, Key};

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
