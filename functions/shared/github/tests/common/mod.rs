//! A GitHub that is played in the same process: a closure answers, and what was asked is written down.

#![allow(dead_code, reason = "each test program uses a part")]

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU32, Ordering},
};

use futures_util::stream;
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use loom_github::{GitHub, GithubError, Repository};
use loom_platform::native::{NativePlatform, handler};
use loom_platform::{Body, BodyError, HttpError, body_from};
use serde_json::Value;

/// What the client sent.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// `GET /repos/acme/widget?x=y`
    pub(crate) line: String,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: Value,
}

impl Asked {
    pub(crate) fn is(&self, start: &str) -> bool {
        self.line.starts_with(start)
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }
}

/// What it gets.
pub(crate) struct Told {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    breaks: bool,
}

pub(crate) fn told(status: u16, body: &Value) -> Told {
    Told {
        status,
        headers: Vec::new(),
        body: body.to_string().into_bytes(),
        breaks: false,
    }
}

pub(crate) fn message(status: u16, message: &str) -> Told {
    told(status, &serde_json::json!({"message": message}))
}

/// The request took effect; the answer broke off on its way.
pub(crate) fn lost() -> Told {
    Told {
        status: 201,
        headers: Vec::new(),
        body: b"{\"nu".to_vec(),
        breaks: true,
    }
}

impl Told {
    pub(crate) fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    pub(crate) fn raw(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    fn into_response(self) -> http::Response<Body> {
        let mut response = http::Response::builder().status(self.status);
        for (name, value) in &self.headers {
            response = response.header(name, value);
        }
        let body = if self.breaks {
            let broken: BodyError = Box::new(HttpError::Interrupted(String::from("cut")));
            let frames = [Ok(Frame::data(self.body.into())), Err(broken)];
            StreamBody::new(stream::iter(frames)).boxed_unsync()
        } else {
            body_from(self.body)
        };
        response.body(body).unwrap()
    }
}

/// The played GitHub and a platform that reaches it.
#[derive(Clone)]
pub(crate) struct Stub {
    pub(crate) platform: NativePlatform,
    pub(crate) url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Stub {
    /// `answer` gets each request and how many like it (same method and target) there were before.
    pub(crate) fn new(answer: impl Fn(&Asked, usize) -> Told + Send + Sync + 'static) -> Self {
        Self::with(&[("github_token", "fake-token")], answer)
    }

    pub(crate) fn with(
        variables: &[(&str, &str)],
        answer: impl Fn(&Asked, usize) -> Told + Send + Sync + 'static,
    ) -> Self {
        // Each its own host: the client remembers tokens by host for as long as the process lives.
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let host = format!("github-{}.test", NUMBER.fetch_add(1, Ordering::Relaxed));
        let url = format!("http://{host}");
        let mut builder = NativePlatform::builder().variable("github_url", &url);
        for (name, value) in variables {
            builder = builder.variable(*name, *value);
        }
        let platform = builder.build().unwrap();
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let seen = Arc::clone(&asked);
        let answer = Arc::new(answer);
        let play = move |request: http::Request<bytes::Bytes>| {
            let one = Asked {
                line: format!(
                    "{} {}",
                    request.method(),
                    request.uri().path_and_query().unwrap()
                ),
                headers: request.headers().clone(),
                body: serde_json::from_slice(request.body()).unwrap_or(Value::Null),
            };
            let mut seen = seen.lock().unwrap();
            let before = seen.iter().filter(|asked| asked.line == one.line).count();
            seen.push(one.clone());
            drop(seen);
            let response = answer(&one, before).into_response();
            async move { response }
        };
        platform.http_client().route(host, handler(play));
        Self {
            platform,
            url,
            asked,
        }
    }

    pub(crate) async fn github(&self) -> GitHub<NativePlatform> {
        GitHub::load(&self.platform).await.unwrap()
    }

    pub(crate) async fn repository(&self) -> Repository<NativePlatform> {
        self.github().await.repository("acme", "widget", None)
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// The first lines of all requests.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.asked().into_iter().map(|asked| asked.line).collect()
    }

    /// How many requests began so.
    pub(crate) fn count(&self, start: &str) -> usize {
        self.asked().iter().filter(|asked| asked.is(start)).count()
    }
}

trait Http {
    fn http_client(&self) -> &loom_platform::native::NativeHttpClient;
}

impl Http for NativePlatform {
    fn http_client(&self) -> &loom_platform::native::NativeHttpClient {
        loom_platform::Platform::http(self)
    }
}

/// The code of the error that it must be.
pub(crate) fn code<T: std::fmt::Debug>(outcome: Result<T, GithubError>) -> &'static str {
    outcome.unwrap_err().code()
}
