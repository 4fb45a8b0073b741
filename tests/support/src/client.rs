use std::io::Read;
use std::time::Duration;

use serde_json::Value;
use ureq::http::{self, HeaderMap};

/// Talks HTTP to one Loom, with one caller's credentials or none.
#[derive(Clone, Debug)]
pub struct Client {
    agent: ureq::Agent,
    base: String,
    token: Option<String>,
}

/// One answer.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as it came.
    pub body: Vec<u8>,
    /// The body as JSON, null when it is none.
    pub json: Value,
}

/// A request that is being put together.
#[derive(Debug)]
pub struct Request<'a> {
    client: &'a Client,
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Option<Vec<u8>>,
}

impl Client {
    /// A client without credentials of the Loom at `base`.
    pub fn new(base: &str) -> Self {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_global(Some(Duration::from_secs(60)))
            .max_idle_connections_per_host(128)
            .allow_non_standard_methods(true)
            .build()
            .new_agent();
        Self {
            agent,
            base: base.trim_end_matches('/').to_owned(),
            token: None,
        }
    }

    /// The same with a bearer token: an access token, an API key or the service token.
    pub fn with_token(&self, token: &str) -> Self {
        Self {
            token: Some(token.to_owned()),
            ..self.clone()
        }
    }

    /// The same without credentials.
    pub fn anonymous(&self) -> Self {
        Self {
            token: None,
            ..self.clone()
        }
    }

    /// A client that shares no connection with this one.
    pub fn reconnected(&self) -> Self {
        Self {
            token: self.token.clone(),
            ..Self::new(&self.base)
        }
    }

    /// Its bearer token.
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// Begins a request of any method.
    pub fn request(&self, method: &str, path: &str) -> Request<'_> {
        Request {
            client: self,
            method: method.to_owned(),
            path: path.to_owned(),
            headers: Vec::new(),
            body: None,
        }
    }

    /// `GET`.
    pub fn get(&self, path: &str) -> Reply {
        self.request("GET", path).send()
    }

    /// `POST` of JSON.
    pub fn post(&self, path: &str, json: &Value) -> Reply {
        self.request("POST", path).json(json).send()
    }

    /// `PUT` of JSON.
    pub fn put(&self, path: &str, json: &Value) -> Reply {
        self.request("PUT", path).json(json).send()
    }

    /// `PATCH` of JSON.
    pub fn patch(&self, path: &str, json: &Value) -> Reply {
        self.request("PATCH", path).json(json).send()
    }

    /// `DELETE`.
    pub fn delete(&self, path: &str) -> Reply {
        self.request("DELETE", path).send()
    }

    /// All items of a list, page by page along the `Link` header.
    pub fn all(&self, path: &str) -> Vec<Value> {
        let mut items = Vec::new();
        let mut next = Some(path.to_owned());
        while let Some(path) = next {
            let reply = self.get(&path);
            next = reply.next_page();
            let page = reply.ok();
            items.extend(page.as_array().expect("a list is an array").iter().cloned());
        }
        items
    }
}

impl Request<'_> {
    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The body as JSON.
    #[must_use]
    pub fn json(self, json: &Value) -> Self {
        self.bytes("application/json", json.to_string().as_bytes())
    }

    /// The body as bytes of a content type; an empty one sends none.
    #[must_use]
    pub fn bytes(mut self, content_type: &str, body: &[u8]) -> Self {
        self.body = Some(body.to_vec());
        if content_type.is_empty() {
            self
        } else {
            self.header("content-type", content_type)
        }
    }

    /// Sends it; a connection that breaks ends the test.
    #[track_caller]
    pub fn send(self) -> Reply {
        let line = format!("{} {}", self.method, self.path);
        self.try_send()
            .unwrap_or_else(|error| panic!("{line} got no answer: {error}"))
    }

    /// Sends it; the error is that of a connection that broke.
    pub fn try_send(self) -> Result<Reply, String> {
        let response = self.begin(None)?;
        let (parts, body) = response.into_parts();
        let mut bytes = Vec::new();
        body.into_reader()
            .read_to_end(&mut bytes)
            .map_err(|error| error.to_string())?;
        Ok(Reply {
            status: parts.status.as_u16(),
            headers: parts.headers,
            json: serde_json::from_slice(&bytes).unwrap_or_default(),
            body: bytes,
        })
    }

    /// Sends it and returns at the answer's head.
    pub(crate) fn begin(
        self,
        limit: Option<Duration>,
    ) -> Result<http::Response<ureq::Body>, String> {
        let mut request = http::Request::builder()
            .method(self.method.as_str())
            .uri(format!("{}{}", self.client.base, self.path));
        if let Some(token) = &self.client.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let agent = &self.client.agent;
        let sent = match self.body {
            Some(body) => agent.run(request.body(body).map_err(|error| error.to_string())?),
            None => {
                let request = request.body(()).map_err(|error| error.to_string())?;
                let configured = agent.configure_request(request);
                let configured = match limit {
                    Some(limit) => configured.timeout_global(Some(limit)),
                    None => configured,
                };
                agent.run(configured.build())
            }
        };
        sent.map_err(|error| error.to_string())
    }
}

impl Reply {
    /// The body of an answer that must be a success.
    #[track_caller]
    pub fn ok(self) -> Value {
        assert!(
            (200..300).contains(&self.status),
            "{} {}",
            self.status,
            String::from_utf8_lossy(&self.body)
        );
        self.json
    }

    /// The stable code of a refusal.
    pub fn code(&self) -> &str {
        self.json["code"].as_str().unwrap_or_default()
    }

    /// A header's text, empty when it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// The address of a list's next page.
    pub fn next_page(&self) -> Option<String> {
        let (address, _) = self
            .header("link")
            .strip_prefix('<')?
            .split_once(">; rel=\"next\"")?;
        Some(address.to_owned())
    }

    /// Asserts that it is this refusal, told as all are.
    #[track_caller]
    pub fn refused(&self, status: u16, code: &str) {
        let told = String::from_utf8_lossy(&self.body);
        assert_eq!((self.status, self.code()), (status, code), "{told}");
        let sentence = self.json["error"].as_str().unwrap_or_default();
        assert!(sentence.len() > 10, "a sentence for people: {told}");
        assert_eq!(
            self.json["request_id"].as_str(),
            Some(self.header("x-request-id")),
            "{told}"
        );
    }
}
