use axum::extract::FromRequestParts;
use http::request::Parts;
use http::{HeaderMap, HeaderName};
use loom_domain::id::uuid_v7;
use loom_platform::{Clock, Platform, Random};

use crate::Error;

pub(crate) const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// The id of the request: the client's `X-Request-ID` when it is 1 to 128 letters, digits, `.`, `_` or `-`, else a
/// new UUIDv7. It is in the answer's header, in every error, in the log, and should go with every call that the
/// request causes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(pub String);

impl RequestId {
    pub(crate) fn of<P: Platform>(platform: &P, headers: &HeaderMap) -> Self {
        let given = headers
            .get(HEADER)
            .and_then(|value| value.to_str().ok())
            .filter(|id| {
                (1..=128).contains(&id.len())
                    && id
                        .bytes()
                        .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
            });
        Self(given.map_or_else(
            || uuid_v7(platform.clock().now(), platform.random().bytes()),
            str::to_owned,
        ))
    }
}

impl<S: Sync> FromRequestParts<S> for RequestId {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        parts
            .extensions
            .get::<Self>()
            .cloned()
            .ok_or_else(|| Error::internal("the request has no id"))
    }
}
