use axum::extract::FromRequestParts;
use http::request::Parts;
use loom_domain::account::{Permission, Permissions, Role};

use crate::Error;

/// Who calls, as its credentials prove it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The account's id; `service` for the service token.
    pub id: String,
    /// The account's username; `service` for the service token.
    pub name: String,
    /// The account's role, as it is now.
    pub role: Role,
    /// What it may do: the role's permissions, for an API key only those in its scope.
    pub permissions: Permissions,
    /// By which credentials.
    pub via: Via,
}

/// Which credentials a caller has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Via {
    /// An access token, got by a password.
    Password {
        /// The id of the session that the token belongs to.
        session: String,
    },
    /// An API key.
    ApiKey {
        /// The id of the key.
        key: String,
    },
    /// The service token.
    Service,
}

impl Caller {
    /// Refuses with 403 `forbidden`, naming the permission, when the caller lacks it.
    pub fn require(&self, permission: Permission) -> Result<(), Error> {
        if self.permissions.contains(permission) {
            return Ok(());
        }
        let message = match self.via {
            Via::ApiKey { .. } if self.role.permissions().contains(permission) => {
                format!(
                    "This API key's scope lacks the permission {permission}. Use a key that has it."
                )
            }
            _ => format!(
                "The role {} lacks the permission {permission}. An admin can do this.",
                self.role.as_str()
            ),
        };
        Err(Error::forbidden("forbidden", message).detail("permission", permission.as_str()))
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| {
            Error::internal(
                "the handler wants to know its caller, but its route is declared public or private",
            )
        })
    }
}
