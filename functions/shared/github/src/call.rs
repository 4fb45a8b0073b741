//! What is asked: one request, before it is authorised.

use std::fmt::Write as _;

use bytes::Bytes;
use http::Method;
use serde_json::Value;

/// How the body of the answer is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    /// Whole, up to this many bytes.
    Whole(usize),
    /// Only the last bytes: for logs.
    Tail(usize),
}

/// The largest JSON answer that is read, in bytes. GitHub itself cuts a recursive tree at 7 MB.
const LARGEST_ANSWER: usize = 12 * 1024 * 1024;

/// One request.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) method: Method,
    /// Path and query below the API's root, percent-encoded.
    pub(crate) target: String,
    pub(crate) body: Bytes,
    pub(crate) reading: Reading,
    /// Whether the answer is kept with its `ETag` and asked for conditionally.
    pub(crate) conditional: bool,
    /// Whether sending it twice is the same as sending it once.
    pub(crate) repeatable: bool,
    /// Whether `target` is complete: it came out of a `Link` or `Location` header.
    pub(crate) absolute: bool,
}

impl Call {
    pub(crate) fn get(target: impl Into<String>) -> Self {
        Self::new(Method::GET, target)
    }

    pub(crate) fn post(target: impl Into<String>, body: &Value) -> Self {
        Self::new(Method::POST, target).with(body)
    }

    pub(crate) fn patch(target: impl Into<String>, body: &Value) -> Self {
        Self::new(Method::PATCH, target).with(body)
    }

    pub(crate) fn put(target: impl Into<String>, body: &Value) -> Self {
        Self::new(Method::PUT, target).with(body)
    }

    pub(crate) fn delete(target: impl Into<String>) -> Self {
        Self::new(Method::DELETE, target)
    }

    fn new(method: Method, target: impl Into<String>) -> Self {
        Self {
            repeatable: method == Method::GET,
            method,
            target: target.into(),
            body: Bytes::new(),
            reading: Reading::Whole(LARGEST_ANSWER),
            conditional: false,
            absolute: false,
        }
    }

    fn with(mut self, body: &Value) -> Self {
        self.body = body.to_string().into();
        self
    }

    /// Adds a parameter to the query.
    pub(crate) fn query(mut self, name: &str, value: &str) -> Self {
        self.target
            .push(if self.target.contains('?') { '&' } else { '?' });
        self.target.push_str(name);
        self.target.push('=');
        self.target.push_str(&segment(value));
        self
    }

    /// Keeps the answer and asks next time whether it has changed: such a question costs nothing of the rate limit
    /// when it has not.
    pub(crate) fn conditional(mut self) -> Self {
        self.conditional = true;
        self
    }

    /// Says that this write may be sent again when its answer is lost: it makes something content-addressed, or sets
    /// something to a given value.
    pub(crate) fn repeatable(mut self) -> Self {
        self.repeatable = true;
        self
    }

    pub(crate) fn reading(mut self, reading: Reading) -> Self {
        self.reading = reading;
        self
    }

    pub(crate) fn is_write(&self) -> bool {
        self.method != Method::GET
    }

    /// Method and path, without the query: what errors name.
    pub(crate) fn what(&self) -> String {
        let path = self.target.split('?').next().unwrap_or_default();
        format!("{} {path}", self.method)
    }
}

/// One segment of a path, or a value of a query.
pub(crate) fn segment(text: &str) -> String {
    encode(text, "-._~")
}

/// A path, whose slashes stay: a ref, or a file.
pub(crate) fn path(text: &str) -> String {
    encode(text, "-._~/")
}

fn encode(text: &str, kept: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        let character = char::from(byte);
        if byte.is_ascii_alphanumeric() || kept.contains(character) {
            encoded.push(character);
        } else {
            // Writing to a string cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// Whether a target stays where it points: servers and proxies resolve `..`, so that a name with dots could reach
/// another route.
pub(crate) fn is_straight(target: &str) -> bool {
    let path = target.split('?').next().unwrap_or_default();
    path.starts_with('/')
        && !path.starts_with("//")
        && path
            .split('/')
            .all(|segment| !matches!(segment, "." | ".."))
}
