use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, Method, Request, StatusCode, Uri};
use loom_domain::conversation::Reply;
use loom_domain::model_failure::{ModelFailure, detail};
use loom_platform::{Body, HttpClient};
use serde_json::Value;

use crate::chat::{self, ChatReply, ChatRequest, TokenUsage};
use crate::{ChatStream, classify, parse, read};

/// The time limit of one call that is not a stream. TokenHub itself gives up after 120 s and then answers; a client
/// that hangs up earlier makes it book an error against every healthy provider.
pub const TIMEOUT: Duration = Duration::from_secs(125);

/// The time limit of a stream. TokenHub cuts every response 300 s after the request began.
pub const STREAM_TIMEOUT: Duration = Duration::from_secs(310);

/// The largest answer that is read, in bytes; TokenHub has no limit of its own.
pub const MAX_REPLY_BYTES: usize = 4 * 1024 * 1024;

/// The time limit of the calls that reach no provider.
const PROBE_TIMEOUT: Duration = Duration::from_secs(10);

/// How much of an error answer is read, in bytes.
const MAX_ERROR_BYTES: usize = 16 * 1024;

/// A client of one TokenHub with one key.
#[derive(Clone)]
pub struct Client<H: HttpClient> {
    http: H,
    base: Option<String>,
    api_key: String,
}

/// A model as TokenHub lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Model {
    /// Registry id.
    pub id: String,
    /// The context window in tokens, if known.
    pub context_length: Option<u32>,
}

/// What TokenHub says about itself. It knows nothing there about whether its providers work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Health {
    /// Provider adapters.
    pub adapters: u32,
    /// Registered models, disabled ones included.
    pub models: u32,
}

impl Health {
    /// TokenHub's own verdict: without an adapter or a model it can serve nobody, and answers its probe with 503.
    pub fn is_healthy(&self) -> bool {
        self.adapters > 0 && self.models > 0
    }
}

impl<H: HttpClient> Client<H> {
    /// A client for `endpoint` (with or without `/v1`) that authenticates by `api_key`.
    ///
    /// Never fails: an address or key that cannot work is reported by each call, where it can be handled like any
    /// other failure.
    pub fn new(http: H, endpoint: &str, api_key: &str) -> Self {
        Self {
            http,
            base: base(endpoint),
            api_key: api_key.trim().to_owned(),
        }
    }

    /// Completes one turn, with [`TIMEOUT`].
    ///
    /// One call, no retries: `loom_domain::model_failure::response` says whether to call again, when, and with which
    /// idempotency key.
    pub async fn complete(&self, request: &ChatRequest) -> Result<ChatReply, ModelFailure> {
        let response = self.chat(request, false, TIMEOUT).await?;
        let given = Given::from_headers(response.headers());
        let body = read::whole(response.into_body(), MAX_REPLY_BYTES).await?;
        let completion = parse::completion(&body)?;
        let usage = completion
            .usage
            .unwrap_or_else(|| request.estimate(&completion.reply));
        Ok(given.reply(request, completion.reply, completion.model, usage))
    }

    /// Completes one turn piece by piece, with [`STREAM_TIMEOUT`]. TokenHub neither stores nor repeats streams, so
    /// each call is paid; it never reports their usage, so that is an estimate.
    pub async fn stream(&self, request: &ChatRequest) -> Result<ChatStream, ModelFailure> {
        let response = self.chat(request, true, STREAM_TIMEOUT).await?;
        let given = Given::from_headers(response.headers());
        Ok(ChatStream::new(
            response.into_body(),
            request.clone(),
            given,
        ))
    }

    /// The enabled models, by id (TokenHub's own order is random). Needs no key, and says nothing about whether
    /// their providers work.
    pub async fn models(&self) -> Result<Vec<Model>, ModelFailure> {
        let json = self.probe("/v1/models", &[StatusCode::OK]).await?;
        let Some(data) = json.get("data") else {
            return Err(ModelFailure::Unreadable {
                detail: detail(&format!("no list of models: {json}")),
            });
        };
        // TokenHub's empty list is `null`.
        let listed = data.as_array().map_or(&[][..], Vec::as_slice);
        let mut models: Vec<Model> = listed
            .iter()
            .filter_map(|model| {
                let context = model
                    .get("context_length")
                    .or_else(|| model.get("max_model_len"));
                Some(Model {
                    id: model.get("id")?.as_str()?.to_owned(),
                    context_length: context
                        .and_then(Value::as_u64)
                        .filter(|length| *length > 0)
                        .map(|length| u32::try_from(length).unwrap_or(u32::MAX)),
                })
            })
            .collect();
        models.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(models)
    }

    /// TokenHub's own health. Needs no key. An unhealthy TokenHub is not a failure of the call; see
    /// [`Health::is_healthy`].
    pub async fn health(&self) -> Result<Health, ModelFailure> {
        let json = self
            .probe(
                "/healthz",
                &[StatusCode::OK, StatusCode::SERVICE_UNAVAILABLE],
            )
            .await?;
        let count = |name: &str| {
            json.get(name)
                .and_then(Value::as_u64)
                .map(|count| u32::try_from(count).unwrap_or(u32::MAX))
        };
        match (count("adapters"), count("models")) {
            (Some(adapters), Some(models)) => Ok(Health { adapters, models }),
            _ => Err(ModelFailure::Unreadable {
                detail: detail(&format!("not TokenHub's health: {json}")),
            }),
        }
    }

    /// Sends a chat request and returns the answer if it is 200.
    async fn chat(
        &self,
        request: &ChatRequest,
        stream: bool,
        timeout: Duration,
    ) -> Result<http::Response<Body>, ModelFailure> {
        if request.messages.is_empty() {
            return Err(ModelFailure::RequestInvalid {
                detail: String::from("messages is empty"),
            });
        }
        let body = request
            .body(stream)
            .map_err(|error| ModelFailure::RequestInvalid {
                detail: detail(&error.to_string()),
            })?;
        if body.len() > classify::MAX_REQUEST_BYTES {
            return Err(ModelFailure::RequestTooLarge);
        }
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if !self.api_key.is_empty() {
            let mut bearer = HeaderValue::from_str(&format!("Bearer {}", self.api_key))
                .map_err(|_| ModelFailure::KeyMalformed)?;
            bearer.set_sensitive(true);
            headers.insert(AUTHORIZATION, bearer);
        }
        insert_visible(&mut headers, "x-request-id", &request.request_id);
        if !stream {
            insert_visible(&mut headers, "idempotency-key", &request.idempotency_key);
        }
        let response = self
            .send(
                Method::POST,
                "/v1/chat/completions",
                headers,
                body.into(),
                timeout,
            )
            .await?;
        if response.status() == StatusCode::OK {
            return Ok(response);
        }
        Err(refused(response).await)
    }

    /// Gets a JSON document, if the answer's status is one of `wanted`.
    async fn probe(&self, path: &str, wanted: &[StatusCode]) -> Result<Value, ModelFailure> {
        let response = self
            .send(
                Method::GET,
                path,
                HeaderMap::new(),
                Bytes::new(),
                PROBE_TIMEOUT,
            )
            .await?;
        let status = response.status();
        if !wanted.contains(&status) {
            return Err(refused(response).await);
        }
        let headers = response.headers().clone();
        let body = read::whole(response.into_body(), MAX_REPLY_BYTES).await?;
        match serde_json::from_slice(&body) {
            Ok(json) => Ok(json),
            // A proxy's own 503 page.
            Err(_) if status != StatusCode::OK => Err(classify::failure(status, &headers, &body)),
            Err(error) => Err(ModelFailure::Unreadable {
                detail: detail(&error.to_string()),
            }),
        }
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        headers: HeaderMap,
        body: Bytes,
        timeout: Duration,
    ) -> Result<http::Response<Body>, ModelFailure> {
        let base = self.base.as_ref().ok_or(ModelFailure::EndpointInvalid)?;
        let mut request = Request::new(body);
        *request.method_mut() = method;
        *request.uri_mut() = format!("{base}{path}")
            .parse()
            .map_err(|_| ModelFailure::EndpointInvalid)?;
        *request.headers_mut() = headers;
        self.http
            .send(request, timeout)
            .await
            .map_err(|error| classify::transport(&error))
    }
}

impl<H: HttpClient> std::fmt::Debug for Client<H> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client")
            .field("base", &self.base)
            .finish_non_exhaustive()
    }
}

async fn refused(response: http::Response<Body>) -> ModelFailure {
    let (parts, body) = response.into_parts();
    let body = read::start(body, MAX_ERROR_BYTES).await;
    classify::failure(parts.status, &parts.headers, &body)
}

/// The address without `/v1` and final slashes, if it is an `http` or `https` URL.
fn base(endpoint: &str) -> Option<String> {
    let trimmed = endpoint.trim().trim_end_matches('/');
    let base = trimmed
        .strip_suffix("/v1")
        .unwrap_or(trimmed)
        .trim_end_matches('/');
    let uri: Uri = base.parse().ok()?;
    let usable = matches!(uri.scheme_str(), Some("http" | "https"))
        && uri.host().is_some_and(|host| !host.is_empty())
        && uri.query().is_none();
    usable.then(|| base.to_owned())
}

/// Sets a header to the visible ASCII characters of `value`, if there are any: ids are labels, and not worth a failed
/// call.
fn insert_visible(headers: &mut HeaderMap, name: &'static str, value: &str) {
    let visible: String = value.chars().filter(char::is_ascii_graphic).collect();
    if let Ok(value) = HeaderValue::from_str(&visible)
        && !visible.is_empty()
    {
        headers.insert(name, value);
    }
}

/// What the headers of a 200 say.
#[derive(Debug, Clone)]
pub(crate) struct Given {
    pub(crate) model: Option<String>,
    alias: Option<String>,
    replayed: bool,
}

impl Given {
    pub(crate) fn from_headers(headers: &HeaderMap) -> Self {
        let text = |name: &str| {
            headers
                .get(name)
                .and_then(|value| value.to_str().ok())
                .map(str::to_owned)
        };
        Self {
            model: text("x-negotiated-model"),
            alias: text("x-alias-from"),
            replayed: text("idempotency-replay").as_deref() == Some("true"),
        }
    }

    pub(crate) fn reply(
        self,
        request: &ChatRequest,
        reply: Reply,
        model_in_body: Option<String>,
        usage: TokenUsage,
    ) -> ChatReply {
        let model_given = self.model.or(model_in_body).unwrap_or_default();
        let substituted =
            chat::is_substituted(request.asked_model(), &model_given, self.alias.as_deref());
        ChatReply {
            reply,
            model_given,
            usage: Some(usage),
            replayed: self.replayed,
            substituted,
        }
    }
}
