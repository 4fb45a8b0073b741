use std::collections::BTreeMap;

use axum::response::{IntoResponse, Response};
use http::header::{ALLOW, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, StatusCode};
use loom_domain::{Refusal, RefusalKind};
use loom_platform::{DatabaseError, HttpError, KeyValueError, VariablesError};
use loom_store::StoreError;
use serde::Serialize;
use serde_json::{Map, Value};

/// A request that was not carried out, and what its client is told:
/// `{"error", "code", "request_id", "fields"?, "details"?}`.
///
/// It becomes a response through [`serve`](crate::serve()), which knows the request's id.
#[derive(Debug, Clone)]
pub struct Error(Box<Inner>);

#[derive(Debug, Clone)]
struct Inner {
    status: StatusCode,
    code: &'static str,
    message: String,
    fields: BTreeMap<String, String>,
    details: Map<String, Value>,
    headers: Vec<(HeaderName, HeaderValue)>,
    cause: Option<String>,
}

#[derive(Serialize)]
struct Told<'a> {
    error: &'a str,
    code: &'a str,
    request_id: &'a str,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    fields: &'a BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    details: &'a Map<String, Value>,
}

impl Error {
    /// An error of any status. `code` is stable `snake_case`; the message says what happened, why, what to do next.
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            status,
            code,
            message: message.into(),
            fields: BTreeMap::new(),
            details: Map::new(),
            headers: Vec::new(),
            cause: None,
        }))
    }

    /// 400: the request can't be read.
    pub fn unreadable(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    /// 401: who calls is not known.
    pub fn unauthenticated(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, code, message).header(
            WWW_AUTHENTICATE,
            HeaderValue::from_static("Bearer realm=\"loom\""),
        )
    }

    /// 403: the caller may not do this.
    pub fn forbidden(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, code, message)
    }

    /// 404: what was named does not exist.
    pub fn not_found(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, message)
    }

    /// 405: the path is there, the method is not.
    pub(crate) fn method_not_allowed(method: &http::Method, allowed: &str) -> Self {
        let message = format!("{method} is not possible here; these methods are: {allowed}.");
        let error = Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
            message,
        );
        match HeaderValue::from_str(allowed) {
            Ok(value) => error.header(ALLOW, value),
            Err(_) => error,
        }
    }

    /// 409: the state does not allow it now.
    pub fn conflict(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, message)
    }

    /// 422 `invalid_fields`: add what is wrong with each by [`field`](Self::field).
    pub fn invalid_fields() -> Self {
        Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "invalid_fields",
            "Some fields are not valid; see `fields`.",
        )
    }

    /// 429: too many; the client may try again after `seconds`.
    pub fn too_many(code: &'static str, message: impl Into<String>, seconds: i64) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, code, message).retry_after(seconds)
    }

    /// 500: our fault. The client is told nothing of the `cause`; it goes to the log.
    pub fn internal(cause: impl ToString) -> Self {
        let message =
            "Something went wrong inside Loom. The log has the cause under this request_id.";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal_error", message).cause(cause)
    }

    /// 502: what lies behind answered with an error or with nonsense.
    pub fn bad_gateway(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_GATEWAY, code, message)
    }

    /// 503: not now; the same request may work after `seconds`.
    pub fn unavailable(code: &'static str, message: impl Into<String>, seconds: i64) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, code, message).retry_after(seconds)
    }

    /// 503 `not_configured`: a variable is missing; `message` says which, and what to set it to.
    pub fn not_configured(message: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "not_configured", message)
    }

    /// 504: what lies behind did not answer in time.
    pub fn gateway_timeout(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::GATEWAY_TIMEOUT, code, message)
    }

    /// Adds what is wrong with one field, by its JSON path, such as `items[2].title`.
    #[must_use]
    pub fn field(mut self, path: impl Into<String>, problem: impl Into<String>) -> Self {
        self.0.fields.insert(path.into(), problem.into());
        self
    }

    /// Adds a fact for programs.
    #[must_use]
    pub fn detail(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.details.insert(name.to_owned(), value.into());
        self
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.push((name, value));
        self
    }

    /// Adds `Retry-After`, at least one second.
    #[must_use]
    pub fn retry_after(self, seconds: i64) -> Self {
        self.header(RETRY_AFTER, HeaderValue::from(seconds.max(1)))
    }

    /// Adds what only the log may tell.
    #[must_use]
    pub fn cause(mut self, cause: impl ToString) -> Self {
        self.0.cause = Some(cause.to_string());
        self
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// The stable code.
    pub fn code(&self) -> &'static str {
        self.0.code
    }

    /// The sentence for people.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// What only the log may tell.
    pub(crate) fn hidden_cause(&self) -> Option<&str> {
        self.0.cause.as_deref()
    }

    /// What the client is told, as JSON.
    pub(crate) fn to_json(&self, request_id: &str) -> Vec<u8> {
        let Inner {
            code,
            message,
            fields,
            details,
            ..
        } = self.0.as_ref();
        serde_json::to_vec(&Told {
            error: message,
            code,
            request_id,
            fields,
            details,
        })
        .unwrap_or_default()
    }
}

impl IntoResponse for Error {
    /// The head only; [`serve`](crate::serve()) adds the body.
    fn into_response(self) -> Response {
        let mut response = self.0.status.into_response();
        for (name, value) in &self.0.headers {
            response.headers_mut().append(name.clone(), value.clone());
        }
        response.extensions_mut().insert(self);
        response
    }
}

/// A conflict with the code `version_conflict` becomes 412, like the one that [`IfMatch`](crate::IfMatch) finds
/// itself; every other kind has its own status.
impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        let status = match refusal.kind {
            RefusalKind::NotFound => StatusCode::NOT_FOUND,
            RefusalKind::Conflict if refusal.code == "version_conflict" => {
                StatusCode::PRECONDITION_FAILED
            }
            RefusalKind::Conflict => StatusCode::CONFLICT,
            RefusalKind::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
            RefusalKind::Forbidden => StatusCode::FORBIDDEN,
        };
        let mut error = Self::new(status, refusal.code, refusal.message);
        error.0.fields = refusal.fields;
        error.0.details = refusal.details;
        error
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Database(error) => error.into(),
            StoreError::Refused(refusal) => refusal.into(),
            StoreError::Corrupt(_) => Self::internal(error),
        }
    }
}

impl From<DatabaseError> for Error {
    fn from(error: DatabaseError) -> Self {
        match error {
            DatabaseError::Busy => Self::unavailable(
                "database_busy",
                "The database is busy with other writers. Nothing was changed; try again.",
                1,
            ),
            DatabaseError::Constraint(_) | DatabaseError::Other(_) => Self::internal(error),
        }
    }
}

impl From<KeyValueError> for Error {
    fn from(error: KeyValueError) -> Self {
        Self::internal(error)
    }
}

impl From<VariablesError> for Error {
    fn from(error: VariablesError) -> Self {
        Self::internal(error)
    }
}

/// For calls to what lies behind. Callers that know what they called should say so with a code of their own.
impl From<HttpError> for Error {
    fn from(error: HttpError) -> Self {
        match &error {
            HttpError::Denied(_) => Self::internal(error),
            HttpError::Timeout(after) => Self::gateway_timeout(
                "upstream_timeout",
                format!("A service behind Loom gave no answer within {after:?}."),
            )
            .cause(error),
            HttpError::Connect(_) | HttpError::Interrupted(_) | HttpError::TooLarge { .. } => {
                Self::bad_gateway(
                    "upstream_failed",
                    "A service behind Loom could not be reached or broke off its answer.",
                )
                .cause(error)
            }
        }
    }
}
