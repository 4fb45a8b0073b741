use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use http::header::{ETAG, IF_MATCH, IF_NONE_MATCH};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Serialize;

use crate::Error;

/// A body and the version that it shows, which becomes the `ETag` (`"v<version>"`).
///
/// [`serve`](crate::serve()) answers 304 without the body when the client has that version (`If-None-Match`).
#[derive(Debug, Clone)]
pub struct Tagged<R>(pub i64, pub R);

impl<R: IntoResponse> IntoResponse for Tagged<R> {
    fn into_response(self) -> Response {
        let mut response = self.1.into_response();
        if let Ok(value) = HeaderValue::from_str(&tag(self.0)) {
            response.headers_mut().insert(ETAG, value);
        }
        response
    }
}

fn tag(version: i64) -> String {
    format!("\"v{version}\"")
}

/// A version made of the content itself, for what changes without counting its changes: FNV-1a over its JSON.
pub fn version_of<T: Serialize>(content: &T) -> i64 {
    let json = serde_json::to_vec(content).unwrap_or_default();
    let hash = json.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    i64::try_from(hash >> 1).unwrap_or_default()
}

/// The version that the client wants to change (`If-Match`); `None` when it doesn't say, or says `*`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IfMatch(pub Option<i64>);

impl IfMatch {
    /// Refuses with 412 `version_conflict` when the client wants to change another version than `current`.
    ///
    /// A conditional `UPDATE … WHERE version = ?` is better where there is one: nothing can come in between.
    pub fn check(self, current: i64) -> Result<(), Error> {
        match self.0 {
            Some(wanted) if wanted != current => Err(Self::conflict(wanted, current)),
            _ => Ok(()),
        }
    }

    /// The 412 `version_conflict` that [`check`](Self::check) gives.
    pub fn conflict(wanted: i64, current: i64) -> Error {
        let message = format!(
            "It was changed meanwhile: it is at version {current}, the request is for version {wanted}. \
             Read it again and repeat the change."
        );
        Error::new(StatusCode::PRECONDITION_FAILED, "version_conflict", message)
            .detail("current", current)
            .detail("wanted", wanted)
    }
}

impl<S: Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        let Some(value) = parts.headers.get(IF_MATCH) else {
            return Ok(Self(None));
        };
        let text = value.to_str().unwrap_or_default().trim();
        if text == "*" {
            return Ok(Self(None));
        }
        let version = text
            .strip_prefix("\"v")
            .and_then(|rest| rest.strip_suffix('"'))
            .and_then(|v| v.parse().ok());
        match version {
            Some(version) => Ok(Self(Some(version))),
            None => {
                let message =
                    "If-Match holds no ETag of Loom's; send the ETag of the answer that you read.";
                Err(Error::unreadable("invalid_if_match", message))
            }
        }
    }
}

/// Whether the client has the version that `response` shows.
pub(crate) fn not_modified(request: &HeaderMap, response: &HeaderMap) -> bool {
    let (Some(wanted), Some(tag)) = (request.get(IF_NONE_MATCH), response.get(ETAG)) else {
        return false;
    };
    let (Ok(wanted), Ok(tag)) = (wanted.to_str(), tag.to_str()) else {
        return false;
    };
    let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    wanted.trim() == "*" || wanted.split(',').any(|one| opaque(one) == opaque(tag))
}
