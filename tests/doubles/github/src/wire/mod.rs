//! A request and its answer, before and after HTTP.

mod headers;
mod page;
mod server;

use bytes::Bytes;
use http::{HeaderMap, Method};
use serde_json::{Value, json};

use crate::git::GitError;

pub(crate) use headers::finish;
pub(crate) use page::{Link, Page};
pub(crate) use server::connected;

/// Where the documentation of the API is said to be.
pub(crate) const DOCUMENTATION: &str = "https://docs.github.com/rest";

/// A request.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) method: Method,
    /// The path as it was sent.
    pub(crate) raw_path: String,
    /// Its parts, decoded, without the prefix of GitHub Enterprise.
    pub(crate) parts: Vec<String>,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Call {
    /// Takes a request apart.
    pub(crate) fn new(method: Method, uri: &http::Uri, headers: HeaderMap, body: Bytes) -> Self {
        let path = uri.path();
        let inner = path
            .strip_prefix("/api/v3")
            .filter(|rest| rest.starts_with('/'))
            .unwrap_or(path);
        Self {
            method,
            raw_path: path.to_owned(),
            parts: inner
                .split('/')
                .filter(|part| !part.is_empty())
                .map(|part| decode(part, false))
                .collect(),
            query: query(uri.query().unwrap_or_default()),
            headers,
            body,
        }
    }

    /// A query parameter that is not empty.
    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .find(|(key, value)| key == name && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }

    /// A header as text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Whether the caller wants raw bytes instead of JSON.
    pub(crate) fn wants_raw(&self) -> bool {
        self.header("accept")
            .is_some_and(|accept| accept.contains("github.raw") || accept.contains("github.v3.raw"))
    }

    /// The body as a JSON object; a body that is empty is an empty one.
    pub(crate) fn json(&self) -> Result<Value, Failure> {
        if self.body.is_empty() {
            return Ok(json!({}));
        }
        match serde_json::from_slice(&self.body) {
            Ok(value @ Value::Object(_)) => Ok(value),
            // Labels may be sent as a bare list.
            Ok(value @ Value::Array(_)) => Ok(value),
            Ok(_) => Err(Failure::new(400, "Body should be a JSON object")),
            Err(_) => Err(Failure::new(400, "Problems parsing JSON")),
        }
    }
}

/// Decodes `%41`, and `+` where it means a space.
fn decode(text: &str, plus: bool) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' if plus => bytes.push(b' '),
            b'%' => {
                let hex: Vec<u8> = rest.clone().take(2).collect();
                let value = std::str::from_utf8(&hex)
                    .ok()
                    .and_then(|hex| u8::from_str_radix(hex, 16).ok());
                match value {
                    Some(value) if hex.len() == 2 => {
                        bytes.push(value);
                        rest.next();
                        rest.next();
                    }
                    _ => bytes.push(b'%'),
                }
            }
            byte => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn query(text: &str) -> Vec<(String, String)> {
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(key, true), decode(value, true))
        })
        .collect()
}

/// What the body of an answer is.
#[derive(Debug, Clone)]
pub(crate) enum Body {
    Empty,
    Json(Value),
    Raw(Bytes, &'static str),
}

/// An answer.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Body,
}

impl Answer {
    /// JSON with a status.
    pub(crate) fn json(status: u16, value: Value) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Body::Json(value),
        }
    }

    /// 200 with JSON.
    pub(crate) fn ok(value: Value) -> Self {
        Self::json(200, value)
    }

    /// A status without a body.
    pub(crate) fn empty(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Body::Empty,
        }
    }

    /// Bytes.
    pub(crate) fn raw(bytes: Vec<u8>, kind: &'static str) -> Self {
        Self {
            status: 200,
            headers: Vec::new(),
            body: Body::Raw(bytes.into(), kind),
        }
    }

    /// With one more header.
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

/// An error as GitHub tells it.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    pub(crate) status: u16,
    pub(crate) message: String,
    pub(crate) errors: Option<Value>,
}

impl Failure {
    pub(crate) fn new(status: u16, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
            errors: None,
        }
    }

    /// What is not there, and what the caller may not know of.
    pub(crate) fn not_found() -> Self {
        Self::new(404, "Not Found")
    }

    /// 422 with a message and nothing else.
    pub(crate) fn unprocessable(message: impl Into<String>) -> Self {
        Self::new(422, message)
    }

    /// 422 for a field that is missing.
    pub(crate) fn missing(field: &str) -> Self {
        Self::new(
            422,
            format!("Invalid request.\n\n\"{field}\" wasn't supplied."),
        )
    }

    /// 422 with a list of errors.
    pub(crate) fn validation(errors: Value) -> Self {
        Self {
            status: 422,
            message: String::from("Validation Failed"),
            errors: Some(errors),
        }
    }

    /// 422 with one error that has a message of its own.
    pub(crate) fn custom(resource: &str, message: impl Into<String>) -> Self {
        Self::validation(json!([{
            "resource": resource, "code": "custom", "message": message.into(),
        }]))
    }

    /// 422 with one error about a field.
    pub(crate) fn field(resource: &str, field: &str, code: &str) -> Self {
        Self::validation(json!([{"resource": resource, "field": field, "code": code}]))
    }

    /// Its form on the wire.
    pub(crate) fn answer(self) -> Answer {
        let mut body = json!({
            "message": self.message,
            "documentation_url": DOCUMENTATION,
            "status": self.status.to_string(),
        });
        if let (Some(errors), Some(body)) = (self.errors, body.as_object_mut()) {
            body.insert(String::from("errors"), errors);
        }
        Answer::json(self.status, body)
    }
}

impl From<GitError> for Failure {
    fn from(error: GitError) -> Self {
        Self::new(500, format!("Server Error: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_decoded_after_it_was_taken_apart() {
        let uri = "/api/v3/repos/acme/shop/branches/agent%2Fone?per_page=5&q=a+b%21"
            .parse()
            .unwrap();
        let call = Call::new(Method::GET, &uri, HeaderMap::new(), Bytes::new());
        assert_eq!(
            call.parts,
            ["repos", "acme", "shop", "branches", "agent/one"]
        );
        assert_eq!(call.query("per_page"), Some("5"));
        assert_eq!(call.query("q"), Some("a b!"));
    }
}
