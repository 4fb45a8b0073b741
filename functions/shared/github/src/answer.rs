//! What came back, and what an answer that is no success means.

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use loom_domain::time::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{
    GithubError,
    call::Call,
    error::{FieldError, shorten},
    rate_limit,
};

/// One answer.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) what: String,
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// Whether something stood before `body` and was dropped, because only the tail was wanted.
    pub(crate) cut: bool,
}

impl Answer {
    /// The body as JSON; fields that nobody reads are ignored.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, GithubError> {
        serde_json::from_slice(&self.body)
            .map_err(|error| GithubError::unreadable(&self.what, error.to_string()))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// The error that an answer stands for.
pub(crate) fn failure(call: &Call, answer: &Answer, now: Timestamp) -> GithubError {
    let what = call.what();
    let said = Said::read(&answer.body);
    if let Some((until, scope)) =
        rate_limit::limited(answer.status, &answer.headers, &said.message, now)
    {
        return GithubError::RateLimited { until, scope };
    }
    let message = said.message;
    match answer.status.as_u16() {
        401 => GithubError::Unauthorized { message },
        403 => GithubError::Forbidden {
            what,
            message: with_permissions(message, answer),
        },
        404 | 410 | 451 => GithubError::NotFound { what },
        // A head that moved, an empty repository, a pull request that cannot be merged.
        405 | 409 => GithubError::Conflict { what, message },
        413 => GithubError::TooLarge {
            what,
            limit: u64::try_from(call.body.len()).unwrap_or(u64::MAX),
        },
        400 | 422 => GithubError::Unprocessable {
            what,
            message,
            errors: said.errors,
        },
        500..=599 => GithubError::Unavailable {
            what,
            detail: format!("{}: {message}", answer.status.as_u16()),
            may_have_acted: call.is_write(),
        },
        status => GithubError::Unreadable {
            what,
            detail: format!("status {status}: {message}"),
        },
    }
}

/// GitHub names the permission that an App lacks in a header.
fn with_permissions(message: String, answer: &Answer) -> String {
    match answer.header("x-accepted-github-permissions") {
        Some(permissions) if !permissions.is_empty() => {
            format!(
                "{message} (it needs the permission {})",
                shorten(permissions)
            )
        }
        _ => message,
    }
}

/// The body of an error.
struct Said {
    message: String,
    errors: Vec<FieldError>,
}

impl Said {
    fn read(body: &[u8]) -> Self {
        let Ok(json) = serde_json::from_slice::<Value>(body) else {
            // A proxy's page.
            return Self {
                message: shorten(&String::from_utf8_lossy(body)),
                errors: Vec::new(),
            };
        };
        let message = json.get("message").and_then(Value::as_str);
        // Elements are objects, and sometimes plain sentences.
        let errors = match json.get("errors") {
            Some(Value::Array(errors)) => errors.iter().map(field_error).collect(),
            Some(Value::String(text)) => vec![sentence(text)],
            _ => Vec::new(),
        };
        Self {
            message: shorten(message.unwrap_or_default()),
            errors,
        }
    }
}

fn field_error(error: &Value) -> FieldError {
    if let Value::String(text) = error {
        return sentence(text);
    }
    let text = |name: &str| shorten(error.get(name).and_then(Value::as_str).unwrap_or_default());
    FieldError {
        resource: text("resource"),
        field: text("field"),
        code: text("code"),
        message: text("message"),
    }
}

fn sentence(text: &str) -> FieldError {
    FieldError {
        resource: String::new(),
        field: String::new(),
        code: String::new(),
        message: shorten(text),
    }
}
