//! Loom as any client sees it: its public HTTP API and its event stream.

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use std::time::Duration;

/// Longer than any call of the demo takes.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often a stream that ended is opened again without an event in between.
const REOPENINGS: u32 = 5;

/// A logged-in client.
pub(super) struct Api {
    client: Client<HttpConnector, Full<Bytes>>,
    url: String,
    user: String,
    password: String,
    token: tokio::sync::Mutex<String>,
}

impl Api {
    /// Logs in at the Loom of `url`.
    pub(super) async fn login(url: &str, user: &str, password: &str) -> Result<Self, String> {
        let api = Self {
            client: Client::builder(TokioExecutor::new()).build_http(),
            url: url.to_owned(),
            user: user.to_owned(),
            password: password.to_owned(),
            token: tokio::sync::Mutex::default(),
        };
        api.renew().await?;
        Ok(api)
    }

    async fn renew(&self) -> Result<(), String> {
        let body = json!({"username": self.user, "password": self.password});
        let path = "/api/v1/auth/login";
        let response = self.send(&Method::POST, path, Some(&body), "").await?;
        let answer = read(&Method::POST, path, response).await?;
        let token = answer.get("token").and_then(Value::as_str);
        *self.token.lock().await = token.unwrap_or_default().to_owned();
        Ok(())
    }

    pub(super) async fn get(&self, path: &str) -> Result<Value, String> {
        self.call(Method::GET, path, None).await
    }

    pub(super) async fn post(&self, path: &str, body: &Value) -> Result<Value, String> {
        self.call(Method::POST, path, Some(body)).await
    }

    pub(super) async fn put(&self, path: &str, body: &Value) -> Result<Value, String> {
        self.call(Method::PUT, path, Some(body)).await
    }

    /// The events of a project, from the first on.
    pub(super) fn events(&self, project_id: &str) -> Events<'_> {
        Events {
            api: self,
            project_id: project_id.to_owned(),
            after: 0,
            body: None,
            buffer: Vec::new(),
        }
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, String> {
        let response = self
            .authorized(&method, path, body, "application/json")
            .await?;
        read(&method, path, response).await
    }

    /// Sends a request with the session's token, and again with a new one when that has expired.
    async fn authorized(
        &self,
        method: &Method,
        path: &str,
        body: Option<&Value>,
        accept: &str,
    ) -> Result<Response<Incoming>, String> {
        let response = self.send(method, path, body, accept).await?;
        if response.status() != StatusCode::UNAUTHORIZED {
            return Ok(response);
        }
        self.renew().await?;
        self.send(method, path, body, accept).await
    }

    async fn send(
        &self,
        method: &Method,
        path: &str,
        body: Option<&Value>,
        accept: &str,
    ) -> Result<Response<Incoming>, String> {
        let failed = |why: String| format!("{method} {path}: {why}");
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.url))
            .header(header::CONTENT_TYPE, "application/json");
        let token = self.token.lock().await.clone();
        if !accept.is_empty() {
            request = request
                .header(header::ACCEPT, accept)
                .header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        let body = body.map(ToString::to_string).unwrap_or_default();
        let request = request
            .body(Full::from(body))
            .map_err(|error| failed(error.to_string()))?;
        tokio::time::timeout(PATIENCE, self.client.request(request))
            .await
            .map_err(|_| failed(format!("no answer within {} s", PATIENCE.as_secs())))?
            .map_err(|error| failed(error.to_string()))
    }
}

/// The answer's JSON; an error with Loom's own words when the status is none of success.
async fn read(method: &Method, path: &str, response: Response<Incoming>) -> Result<Value, String> {
    let status = response.status();
    let collected = tokio::time::timeout(PATIENCE, response.into_body().collect())
        .await
        .map_err(|_| format!("{method} {path}: the answer did not end"))?
        .map_err(|error| format!("{method} {path}: {error}"))?;
    let text = String::from_utf8_lossy(&collected.to_bytes()).into_owned();
    if status.is_success() {
        return match text.is_empty() {
            true => Ok(Value::Null),
            false => serde_json::from_str(&text)
                .map_err(|error| format!("{method} {path} answered no JSON: {error}")),
        };
    }
    let parsed: Value = serde_json::from_str(&text).unwrap_or_default();
    let part = |name: &str| parsed.get(name).and_then(Value::as_str);
    let fields = parsed
        .get("fields")
        .map(|fields| format!(" {fields}"))
        .unwrap_or_default();
    let why = match (part("code"), part("error")) {
        (Some(code), Some(sentence)) => format!("{code}: {sentence}{fields}"),
        _ => text,
    };
    Err(format!("{method} {path} answered {status}: {why}"))
}

/// Server-sent events, resumed where they broke off.
pub(super) struct Events<'a> {
    api: &'a Api,
    project_id: String,
    after: i64,
    body: Option<Incoming>,
    buffer: Vec<u8>,
}

impl Events<'_> {
    /// The next event, once there is one.
    pub(super) async fn next(&mut self) -> Result<Value, String> {
        let mut opened = 0;
        loop {
            while let Some(block) = next_block(&mut self.buffer) {
                if let Some(event) = event_in(&block) {
                    self.after = event
                        .get("sequence")
                        .and_then(Value::as_i64)
                        .unwrap_or(self.after);
                    return Ok(event);
                }
            }
            let Some(body) = &mut self.body else {
                opened += 1;
                if opened > REOPENINGS {
                    return Err("the event stream ends again and again".to_owned());
                }
                self.open().await?;
                continue;
            };
            match body.frame().await {
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        self.buffer.extend_from_slice(&data);
                    }
                }
                Some(Err(_)) | None => {
                    self.buffer.clear();
                    self.body = None;
                }
            }
        }
    }

    async fn open(&mut self) -> Result<(), String> {
        let path = format!(
            "/api/v1/events/stream?project_id={}&after={}",
            self.project_id, self.after
        );
        let response = self
            .api
            .authorized(&Method::GET, &path, None, "text/event-stream")
            .await?;
        if response.status().is_success() {
            self.body = Some(response.into_body());
            return Ok(());
        }
        read(&Method::GET, &path, response).await.map(|_| ())
    }
}

/// Takes the first whole block, without the blank line that ends it.
fn next_block(buffer: &mut Vec<u8>) -> Option<String> {
    let end = buffer.windows(2).position(|two| two == b"\n\n")?;
    let block: Vec<u8> = buffer.drain(..end + 2).collect();
    Some(String::from_utf8_lossy(&block).into_owned())
}

/// The JSON of a block's data; comments and settings have none.
fn event_in(block: &str) -> Option<Value> {
    let data: String = block
        .lines()
        .filter_map(|line| line.strip_prefix("data:"))
        .collect();
    serde_json::from_str(&data).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_read_however_they_are_cut() {
        let stream = "retry: 2000\n\nid: 1\nevent: a\ndata: {\"sequence\":1}\n\n: keepalive\n\ndata: {\"sequence\":2}\n\n";
        for cut in 0..stream.len() {
            let mut found = Vec::new();
            let mut buffer = Vec::new();
            for part in [&stream[..cut], &stream[cut..]] {
                buffer.extend_from_slice(part.as_bytes());
                while let Some(block) = next_block(&mut buffer) {
                    found.extend(event_in(&block));
                }
            }
            assert_eq!(found, [json!({"sequence": 1}), json!({"sequence": 2})]);
        }
    }
}
