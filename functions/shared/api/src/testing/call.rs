//! Requests and answers.

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Request};
use loom_platform::{Body, Platform, body_from, read_body};
use serde_json::Value;

/// A request in the making.
#[derive(Debug, Clone)]
pub struct Call {
    method: String,
    path: String,
    headers: HeaderMap,
    body: Bytes,
}

/// Starts a request.
pub fn call(method: &str, path: &str) -> Call {
    Call {
        method: method.to_owned(),
        path: path.to_owned(),
        headers: HeaderMap::new(),
        body: Bytes::new(),
    }
}

impl Call {
    /// With a credential, as `Authorization: Bearer`.
    pub fn token(mut self, token: &str) -> Self {
        self.headers.insert(
            AUTHORIZATION,
            HeaderValue::try_from(format!("Bearer {token}")).unwrap(),
        );
        self
    }

    /// With a header.
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.insert(
            HeaderName::from_static(name),
            HeaderValue::try_from(value).unwrap(),
        );
        self
    }

    /// With a JSON body.
    pub fn json(self, body: Value) -> Self {
        self.header("content-type", "application/json")
            .body(body.to_string())
    }

    /// With any body.
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// Calls `handle` and reads its answer to the end.
    pub async fn send<P: Platform, F>(self, platform: &P, handle: F) -> Answer
    where
        F: AsyncFn(&P, Request<Body>) -> http::Response<Body>,
    {
        let (parts, body) = self.open(platform, handle).await.into_parts();
        let body = read_body(body, usize::MAX).await.unwrap();
        Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body,
        }
    }

    /// Calls `handle` and returns its answer with the body unread: for streams.
    pub async fn open<P: Platform, F>(self, platform: &P, handle: F) -> http::Response<Body>
    where
        F: AsyncFn(&P, Request<Body>) -> http::Response<Body>,
    {
        let mut request = Request::new(body_from(self.body));
        *request.method_mut() = self.method.parse().unwrap();
        *request.uri_mut() = self.path.parse().unwrap();
        *request.headers_mut() = self.headers;
        handle(platform, request).await
    }
}

/// What a function answered.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
}

impl Answer {
    /// The body as JSON; `null` when it is empty.
    pub fn json(&self) -> Value {
        if self.body.is_empty() {
            return Value::Null;
        }
        let text = String::from_utf8_lossy(&self.body);
        assert_eq!(
            self.header(CONTENT_TYPE.as_str()),
            "application/json",
            "the answer is not JSON: {text}"
        );
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in {text}"))
    }

    /// The error's code; empty when it is no error.
    pub fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }

    /// A header; empty when it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map(|value| value.to_str().unwrap())
            .unwrap_or_default()
    }
}
