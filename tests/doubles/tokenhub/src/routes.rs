//! From a request to an answer, in the order of the real one's middleware.

use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http::{HeaderMap, Method};
use loom_double_server::answer_late;
use serde_json::Value;

use crate::answer::{Answer, Content, Misbehaviour, Usage};
use crate::config::{Key, Model, Source};
use crate::idempotency::{self, Stored};
use crate::keys::Denied;
use crate::ledger::LedgerEntry;
use crate::models::{self, Route};
use crate::request::{ChatRequestSeen, RequestSeen};
use crate::state::State;
use crate::wire::Decoded;
use crate::{json, upstream, wire};

/// The largest request body that is read, in bytes.
pub(crate) const MAX_BODY: usize = 10 * 1024 * 1024;

/// A request whose body has been read.
pub(crate) struct Incoming {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: Option<String>,
    pub(crate) headers: HeaderMap,
    /// The body, cut off just after [`MAX_BODY`] if it is longer.
    pub(crate) body: Bytes,
    /// The caller's address with its port.
    pub(crate) peer: String,
}

/// An answer, and how it gets to the caller.
#[derive(Debug, Clone)]
pub(crate) struct Outgoing {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) delivery: Delivery,
}

/// How an answer gets to the caller.
#[derive(Debug, Clone)]
pub(crate) enum Delivery {
    /// As a whole.
    Whole(Bytes),
    /// Half of it, and then the connection closes.
    Cut(Bytes),
    /// In chunks; then the body ends, or the connection closes.
    Chunks { chunks: Vec<String>, abort: bool },
    /// The connection closes at once.
    Closed,
}

impl Outgoing {
    fn new(status: u16, content_type: &str, body: impl Into<Bytes>) -> Self {
        Self {
            status,
            headers: vec![(String::from("Content-Type"), content_type.to_owned())],
            delivery: Delivery::Whole(body.into()),
        }
    }

    fn closed() -> Self {
        Self {
            status: 0,
            headers: Vec::new(),
            delivery: Delivery::Closed,
        }
    }

    fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    fn json(status: u16, body: String) -> Self {
        Self::new(status, "application/json", body)
    }

    /// An error as Go's `http.Error` writes it.
    fn text(status: u16, message: &str) -> Self {
        Self::new(status, "text/plain; charset=utf-8", format!("{message}\n"))
            .header("X-Content-Type-Options", "nosniff")
    }

    fn empty(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            delivery: Delivery::Whole(Bytes::new()),
        }
    }

    fn openai_error(status: u16, message: &str) -> Self {
        let kind = if status < 500 {
            "invalid_request_error"
        } else {
            "server_error"
        };
        let message = json::string(message);
        Self::json(
            status,
            format!("{{\"error\":{{\"message\":{message},\"type\":\"{kind}\",\"code\":null}}}}\n"),
        )
    }

    fn plain_error(status: u16, message: &str) -> Self {
        Self::json(status, format!("{{\"error\":{}}}\n", json::string(message)))
    }
}

/// Answers one request.
pub(crate) async fn answer(state: &State, request: Incoming) -> Outgoing {
    let number = state.note(RequestSeen {
        method: request.method.to_string(),
        path: request.query.as_ref().map_or_else(
            || request.path.clone(),
            |query| format!("{}?{query}", request.path),
        ),
        headers: request
            .headers
            .iter()
            .map(|(name, value)| {
                (
                    name.to_string(),
                    String::from_utf8_lossy(value.as_bytes()).into_owned(),
                )
            })
            .collect(),
        body: request.body.to_vec(),
        status: None,
        replayed: false,
        paid: false,
        forwarded: None,
    });
    let mut outgoing = route(state, &request, number).await;
    outgoing
        .headers
        .push((String::from("Vary"), String::from("Origin")));
    if !matches!(outgoing.delivery, Delivery::Closed) {
        state.amend(number, |seen| seen.status = Some(outgoing.status));
    }
    outgoing
}

async fn route(state: &State, request: &Incoming, number: usize) -> Outgoing {
    let get = request.method == Method::GET;
    match request.path.as_str() {
        "/healthz" if get => health(state),
        "/v1/models" if get => models_list(state),
        "/healthz" | "/v1/models" => Outgoing::empty(405).header("Allow", "GET"),
        "/v1/chat/completions" | "/v1/chat" | "/v1/messages" | "/v1/embeddings" | "/v1/plan"
            if request.method == Method::POST =>
        {
            authenticated(state, request, number).await
        }
        "/v1/chat/completions" | "/v1/chat" | "/v1/messages" | "/v1/embeddings" | "/v1/plan" => {
            Outgoing::empty(405).header("Allow", "POST")
        }
        _ => not_found(),
    }
}

fn not_found() -> Outgoing {
    Outgoing::text(404, "404 page not found")
}

fn health(state: &State) -> Outgoing {
    let changing = state.lock();
    let (adapters, models) = (
        changing.registry.providers.len(),
        changing.registry.models.len(),
    );
    let (status, word) = if adapters > 0 && models > 0 {
        (200, "ok")
    } else {
        (503, "unhealthy")
    };
    Outgoing::json(
        status,
        format!("{{\"adapters\":{adapters},\"models\":{models},\"status\":\"{word}\"}}\n"),
    )
}

fn models_list(state: &State) -> Outgoing {
    let mut changing = state.lock();
    let mut listed: Vec<String> = changing
        .registry
        .models
        .iter()
        .filter(|model| model.enabled)
        .map(|model| {
            let (id, provider) = (json::string(&model.id), json::string(&model.provider));
            let length = model.max_context_tokens;
            let context = if length > 0 {
                format!(r#","context_length":{length},"max_model_len":{length}"#)
            } else {
                String::new()
            };
            format!(r#"{{"id":{id},"object":"model","owned_by":{provider}{context}}}"#)
        })
        .collect();
    if listed.is_empty() {
        return Outgoing::json(200, String::from("{\"data\":null,\"object\":\"list\"}\n"));
    }
    // The real one's order is random; here each call begins with another model.
    let first = changing.listed % listed.len();
    changing.listed += 1;
    listed.rotate_left(first);
    Outgoing::json(
        200,
        format!("{{\"data\":[{}],\"object\":\"list\"}}\n", listed.join(",")),
    )
}

async fn authenticated(state: &State, request: &Incoming, number: usize) -> Outgoing {
    let key = match admitted(state, request) {
        Ok(key) => key,
        Err(refused) => return refused,
    };
    let too_large = request.body.len() > MAX_BODY;
    let idempotency_key = header(&request.headers, "idempotency-key").filter(|key| !key.is_empty());
    let Some(idempotency_key) = idempotency_key else {
        return handled(state, request, &key, None, number).await;
    };
    if too_large {
        return Outgoing::text(400, "failed to read request body").header("Connection", "close");
    }
    let path = request.query.as_ref().map_or_else(
        || request.path.clone(),
        |query| format!("{}?{query}", request.path),
    );
    let scoped = idempotency::scoped_key(
        &key.id,
        request.method.as_str(),
        &path,
        &idempotency_key,
        &request.body,
    );
    let now_ms = state.now_ms();
    let stored = state.lock().store.get(&scoped, now_ms);
    if let Some(stored) = stored {
        state.amend(number, |seen| seen.replayed = true);
        let Stored {
            status,
            mut headers,
            body,
        } = stored;
        headers.push((String::from("Idempotency-Replay"), String::from("true")));
        return Outgoing {
            status,
            headers,
            delivery: Delivery::Whole(body),
        };
    }
    handled(
        state,
        request,
        &key,
        Some((idempotency_key, scoped)),
        number,
    )
    .await
}

/// Limits and authentication.
fn admitted(state: &State, request: &Incoming) -> Result<Key, Outgoing> {
    let now_ms = state.now_ms();
    let mut changing = state.lock();
    if let Some(limit) = state.config.address_limit
        && !changing
            .limiter
            .allow(&address(request), limit.rps, limit.burst, now_ms)
    {
        return Err(address_limited());
    }
    let key = changing
        .keys
        .check(&request.headers, &request.path, now_ms)
        .map_err(|denied| match denied {
            Denied::Missing => Outgoing::text(401, "authorization required"),
            Denied::Malformed => Outgoing::text(401, "invalid api key format"),
            Denied::Unknown => Outgoing::text(401, "invalid api key"),
            Denied::Scope => Outgoing::text(403, "insufficient scope"),
            Denied::Budget {
                budget_usd,
                spent_usd,
            } => budget_exceeded(budget_usd, spent_usd),
        })?;
    let rps = match key.rate_limit_rps {
        0 => state.config.key_rps,
        own => u32::try_from(own).ok(),
    };
    if let Some(rps) = rps
        && !changing.limiter.allow(
            &format!("apikey:{}", key.id),
            rps,
            rps.saturating_mul(2),
            now_ms,
        )
    {
        return Err(key_limited());
    }
    Ok(key)
}

/// The caller's address: without a proxy's header it includes the port, so each connection has its own bucket.
fn address(request: &Incoming) -> String {
    let forwarded = header(&request.headers, "x-forwarded-for")
        .and_then(|all| all.split(',').next().map(str::to_owned));
    header(&request.headers, "x-real-ip")
        .or_else(|| header(&request.headers, "true-client-ip"))
        .or(forwarded)
        .unwrap_or_else(|| request.peer.clone())
}

fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned)
}

fn budget_exceeded(budget_usd: f64, spent_usd: f64) -> Outgoing {
    let (budget, spent) = (json::float(budget_usd), json::float(spent_usd));
    Outgoing::json(
        429,
        format!(
            "{{\"budget_usd\":{budget},\"error\":\"monthly budget exceeded\",\"spent_usd\":{spent}}}\n"
        ),
    )
}

fn key_limited() -> Outgoing {
    Outgoing::text(429, "api key rate limit exceeded").header("Retry-After", "1")
}

fn address_limited() -> Outgoing {
    Outgoing::text(429, "rate limit exceeded").header("Retry-After", "1")
}

/// The handlers, behind authentication and the store of answers.
async fn handled(
    state: &State,
    request: &Incoming,
    key: &Key,
    stored_under: Option<(String, String)>,
    number: usize,
) -> Outgoing {
    let decoded = match request.path.as_str() {
        "/v1/chat/completions" => completions_request(&request.body),
        "/v1/chat" => native_request(&request.body),
        _ => return Outgoing::text(501, "the double of TokenHub does not speak this route"),
    };
    let (idempotency_key, scoped) = stored_under.unzip();
    let decoded = match decoded {
        Ok(decoded) => decoded,
        Err(refused) => {
            keep(state, scoped.as_deref(), &refused);
            return refused;
        }
    };
    let request_id = header(&request.headers, "x-request-id").unwrap_or_else(next_request_id);
    let call = Call {
        state,
        key,
        decoded,
        request_id,
        idempotency_key,
        scoped,
        number,
        native: request.path == "/v1/chat",
    };
    call.answer().await
}

/// Stores an answer under its idempotency key. Failures of the server are not stored, nor are streams.
fn keep(state: &State, scoped: Option<&str>, outgoing: &Outgoing) {
    let now_ms = state.now_ms();
    if let (Some(scoped), Delivery::Whole(body), true) =
        (scoped, &outgoing.delivery, outgoing.status < 500)
    {
        let stored = Stored {
            status: outgoing.status,
            headers: outgoing.headers.clone(),
            body: body.clone(),
        };
        state.lock().store.set(scoped.to_owned(), stored, now_ms);
    }
}

fn completions_request(body: &[u8]) -> Result<Decoded, Outgoing> {
    if body.len() > MAX_BODY {
        let refused = Outgoing::openai_error(400, "invalid JSON: http: request body too large");
        return Err(refused.header("Connection", "close"));
    }
    let decoded = wire::decode(body)
        .map_err(|error| Outgoing::openai_error(400, &format!("invalid JSON: {error}")))?;
    if decoded.messages.is_empty() {
        return Err(Outgoing::openai_error(400, "messages is required"));
    }
    Ok(decoded)
}

fn native_request(body: &[u8]) -> Result<Decoded, Outgoing> {
    let bad = || Outgoing::plain_error(400, "bad json");
    if body.len() > MAX_BODY {
        return Err(bad().header("Connection", "close"));
    }
    let envelope = wire::first_value(body).map_err(|_| bad())?;
    let request = envelope.get("request").cloned().unwrap_or_default();
    let messages = match request.get("messages") {
        Some(Value::Array(messages)) => messages
            .iter()
            .map(wire::message)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|_| bad())?,
        None | Some(Value::Null) => Vec::new(),
        Some(_) => return Err(bad()),
    };
    if messages.is_empty() {
        return Err(Outgoing::plain_error(400, "messages required"));
    }
    let mut parameters = request
        .get("parameters")
        .and_then(Value::as_object)
        .cloned()
        .unwrap_or_default();
    for taken in ["model", "messages", "stream", "system"] {
        parameters.remove(taken);
    }
    let model = request
        .get("model_hint")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    Ok(Decoded {
        model,
        messages,
        stream: false,
        parameters,
    })
}

fn next_request_id() -> String {
    static NEXT: AtomicUsize = AtomicUsize::new(1);
    format!(
        "double/0123456789-{:06}",
        NEXT.fetch_add(1, Ordering::Relaxed)
    )
}

/// One accepted call for a completion.
struct Call<'a> {
    state: &'a State,
    key: &'a Key,
    decoded: Decoded,
    request_id: String,
    idempotency_key: Option<String>,
    /// What a storable answer is stored under.
    scoped: Option<String>,
    number: usize,
    /// Whether it came by `/v1/chat`.
    native: bool,
}

impl Call<'_> {
    async fn answer(&self) -> Outgoing {
        let now_ms = self.state.now_ms();
        let tokens = wire::estimated_tokens(&self.decoded.messages);
        let route = self
            .state
            .lock()
            .registry
            .route(&self.decoded.model, tokens, now_ms);
        let Some(first) = route.candidates.first() else {
            return self.error(502, "no eligible models registered");
        };
        let payload = wire::forwarded(&self.decoded, &first.id);
        self.state
            .amend(self.number, |seen| seen.forwarded = Some(payload));

        let seen = self.seen();
        let answer = match &self.state.config.source {
            Source::Respond(respond) => respond(&seen),
            Source::Script(script) => script.answer(&seen).unwrap_or_else(|| {
                Answer::text("The script of the TokenHub double has no conversation that matches this request.")
            }),
        };
        let misbehaviour = self.misbehaviour(&answer, &seen);
        answer_late(answer.delay).await;
        if let Some(gate) = &answer.gate {
            gate.pass().await;
        }
        if misbehaviour == Some(Misbehaviour::Hang) {
            self.state.hung.pass().await;
        }
        self.deliver(&answer, misbehaviour, &route, seen.turn)
    }

    fn seen(&self) -> ChatRequestSeen {
        let tools = self
            .decoded
            .parameters
            .get("tools")
            .and_then(Value::as_array);
        let mut seen = ChatRequestSeen {
            messages: self.decoded.messages.clone(),
            tools: tools
                .into_iter()
                .flatten()
                .filter_map(|tool| {
                    tool.pointer("/function/name")
                        .and_then(Value::as_str)
                        .map(str::to_owned)
                })
                .collect(),
            model: self.decoded.model.clone(),
            stream: self.decoded.stream,
            key_id: self.key.id.clone(),
            request_id: self.request_id.clone(),
            idempotency_key: self.idempotency_key.clone(),
            turn: self
                .decoded
                .messages
                .iter()
                .filter(|message| message.role == "assistant")
                .count(),
            attempt: 0,
        };
        let mut changing = self.state.lock();
        let attempts = changing.attempts.entry(seen.fingerprint()).or_default();
        seen.attempt = *attempts;
        *attempts += 1;
        seen
    }

    fn misbehaviour(&self, answer: &Answer, seen: &ChatRequestSeen) -> Option<Misbehaviour> {
        let own = answer
            .misbehave
            .as_ref()
            .filter(|rule| rule.times.is_none_or(|times| seen.attempt < times))
            .map(|rule| rule.kind.clone());
        let by_chance = || {
            self.state
                .config
                .faults
                .as_ref()?
                .roll(&seen.fingerprint(), seen.attempt)
        };
        own.or_else(by_chance)
    }

    /// Makes the answer. No awaits in here: what is paid is also stored, whatever becomes of the caller.
    fn deliver(
        &self,
        answer: &Answer,
        misbehaviour: Option<Misbehaviour>,
        route: &Route,
        turn: usize,
    ) -> Outgoing {
        if let Some(canned) = misbehaviour.as_ref().and_then(|kind| self.canned(kind)) {
            return canned;
        }
        let now_ms = self.state.now_ms();
        let tried = self
            .state
            .lock()
            .registry
            .try_each(&route.candidates, now_ms);
        let mut model = match tried {
            Ok(model) => model,
            Err((status, body)) => return self.all_failed(status, &body),
        };
        if let Some(Misbehaviour::Substitute { model: other }) = &misbehaviour {
            model.id.clone_from(other);
        }
        if self.decoded.stream {
            return self.stream(answer, misbehaviour.as_ref(), &model, route, turn);
        }

        let mut answer = answer.clone();
        if let (Some(Misbehaviour::HugeReply { bytes }), Content::Message { text, .. }) =
            (&misbehaviour, &mut answer.content)
        {
            text.get_or_insert_default().push_str(&" ".repeat(*bytes));
        }
        let usage = self.usage(&answer);
        let (raw, paid) = match &misbehaviour {
            Some(Misbehaviour::NotModelOutput) => (
                String::from(r#"{"error":{"message":"The upstream is overloaded","code":529}}"#),
                false,
            ),
            Some(Misbehaviour::NoChoices) => (String::from(r#"{"choices":[]}"#), false),
            Some(Misbehaviour::ErrorInStream { .. }) => return self.all_failed(500, ""),
            _ => (upstream::body(&answer, turn, &model.id, usage), true),
        };
        let mut whole = if self.native {
            self.native_answer(&raw, &model, usage)
        } else {
            Outgoing::json(
                200,
                upstream::rebuilt(&raw, &self.request_id, &model.id, now_ms / 1_000),
            )
        };
        whole = whole.header("X-Negotiated-Model", &model.id);
        if let Some(alias) = &route.alias {
            whole = whole.header("X-Alias-From", alias);
        }
        if paid {
            self.pay(&model, usage, turn);
        }
        keep(self.state, self.scoped.as_deref(), &whole);
        match (misbehaviour, whole.delivery) {
            (Some(Misbehaviour::ReplyLost), _) => Outgoing::closed(),
            (Some(Misbehaviour::ReplyCut), Delivery::Whole(body)) => Outgoing {
                delivery: Delivery::Cut(body),
                status: whole.status,
                headers: whole.headers,
            },
            (_, delivery) => Outgoing {
                delivery,
                status: whole.status,
                headers: whole.headers,
            },
        }
    }

    fn stream(
        &self,
        answer: &Answer,
        misbehaviour: Option<&Misbehaviour>,
        model: &Model,
        route: &Route,
        turn: usize,
    ) -> Outgoing {
        let mut chunks = upstream::chunks(answer, turn, &model.id);
        let mut abort = false;
        match misbehaviour {
            Some(Misbehaviour::CutStream { after_chunks }) => chunks.truncate(*after_chunks),
            Some(Misbehaviour::AbortStream { after_chunks }) => {
                chunks.truncate(*after_chunks);
                abort = true;
            }
            Some(Misbehaviour::ReplyCut) => {
                chunks.truncate(chunks.len() / 2);
                abort = true;
            }
            Some(Misbehaviour::ErrorInStream { after_chunks }) => {
                chunks.truncate(*after_chunks);
                chunks.push(upstream::error_chunk());
            }
            Some(Misbehaviour::NotModelOutput) => {
                chunks = vec![String::from(
                    r#"{"error":{"message":"The upstream is overloaded","code":529}}"#,
                )];
            }
            Some(Misbehaviour::NoChoices) => chunks = vec![String::from("data: [DONE]\n\n")],
            _ => {}
        }
        self.pay(model, self.usage(answer), turn);
        if misbehaviour == Some(&Misbehaviour::ReplyLost) {
            return Outgoing::closed();
        }
        let mut outgoing = Outgoing::new(200, "text/event-stream", Bytes::new())
            .header("Cache-Control", "no-cache")
            .header("Connection", "keep-alive")
            .header("X-Negotiated-Model", &model.id);
        if let Some(alias) = &route.alias {
            outgoing = outgoing.header("X-Alias-From", alias);
        }
        outgoing.delivery = Delivery::Chunks { chunks, abort };
        outgoing
    }

    /// `/v1/chat` wraps the provider's body as it is, and forgets to say that it is JSON.
    fn native_answer(&self, raw: &str, model: &Model, usage: Usage) -> Outgoing {
        let cost = json::float(call_cost(model, usage));
        let model = json::string(&model.id);
        let raw = match serde_json::from_str::<Value>(raw) {
            Ok(value) => json::value(&value),
            Err(_) => json::string(raw),
        };
        Outgoing::new(
            200,
            "text/plain; charset=utf-8",
            format!(
                "{{\"negotiated_model\":{model},\"estimated_cost_usd\":{cost},\"routing_reason\":\"routed-hint-boost\",\"response\":{raw}}}\n"
            ),
        )
    }

    fn usage(&self, answer: &Answer) -> Usage {
        let prompt: usize = self
            .decoded
            .messages
            .iter()
            .map(|message| message.content.chars().count())
            .sum();
        upstream::usage(answer, prompt)
    }

    fn pay(&self, model: &Model, usage: Usage, turn: usize) {
        let tokens = wire::estimated_tokens(&self.decoded.messages);
        let cost_usd = if self.decoded.stream {
            models::cost(model, tokens, models::ASSUMED_REPLY_TOKENS)
        } else {
            call_cost(model, usage)
        };
        let mut changing = self.state.lock();
        *changing
            .keys
            .spent_usd
            .entry(self.key.id.clone())
            .or_default() += cost_usd;
        changing.ledger.add(LedgerEntry {
            idempotency_key: self.idempotency_key.clone().unwrap_or_default(),
            request_id: self.request_id.clone(),
            key_id: self.key.id.clone(),
            model: model.id.clone(),
            turn,
            prompt_tokens: usage.prompt_tokens,
            completion_tokens: usage.completion_tokens,
            cost_usd,
            stream: self.decoded.stream,
        });
        drop(changing);
        self.state.amend(self.number, |seen| seen.paid = true);
    }

    fn error(&self, status: u16, message: &str) -> Outgoing {
        if self.native {
            Outgoing::plain_error(status, message)
        } else {
            Outgoing::openai_error(status, message)
        }
    }

    /// All providers failed, the last one with this status and body. Only a stream says so.
    fn all_failed(&self, status: u16, body: &str) -> Outgoing {
        if self.decoded.stream {
            let reason =
                format!("all providers failed for streaming: API error (status {status}): {body}");
            self.error(502, &reason)
        } else {
            self.error(502, "all providers failed")
        }
    }

    /// The answer to a call that never reaches a provider.
    fn canned(&self, kind: &Misbehaviour) -> Option<Outgoing> {
        let stored = |outgoing: Outgoing| {
            keep(self.state, self.scoped.as_deref(), &outgoing);
            outgoing
        };
        Some(match kind {
            Misbehaviour::KeyMissing => Outgoing::text(401, "authorization required"),
            Misbehaviour::KeyMalformed => Outgoing::text(401, "invalid api key format"),
            Misbehaviour::KeyRejected => Outgoing::text(401, "invalid api key"),
            Misbehaviour::ScopeMissing => Outgoing::text(403, "insufficient scope"),
            Misbehaviour::BudgetExceeded => budget_exceeded(0.00001, 0.00003),
            Misbehaviour::KeyRateLimited => key_limited(),
            Misbehaviour::AddressRateLimited => address_limited(),
            Misbehaviour::RequestInvalid => stored(self.error(400, "invalid JSON: unexpected EOF")),
            Misbehaviour::RequestTooLarge => {
                self.error(400, "invalid JSON: http: request body too large").header("Connection", "close")
            }
            Misbehaviour::AllProvidersFailed => {
                self.all_failed(429, r#"{"error":{"message":"Rate limit reached for key sk-upstream-secret"}}"#)
            }
            Misbehaviour::NoEligibleModels => self.error(502, "no eligible models registered"),
            Misbehaviour::BadGateway => {
                self.error(502, "request failed: Post \"http://upstream/v1/chat/completions\": context deadline exceeded")
            }
            Misbehaviour::ServerPanicked => Outgoing::empty(500),
            Misbehaviour::EndpointNotFound => not_found(),
            Misbehaviour::MethodNotAllowed => Outgoing::empty(405).header("Allow", "GET"),
            Misbehaviour::Status { status, body, content_type, headers } => {
                let mut outgoing = Outgoing::new(*status, content_type, body.clone());
                outgoing.headers.extend(headers.iter().cloned());
                outgoing
            }
            Misbehaviour::Close => Outgoing::closed(),
            Misbehaviour::Unreadable => {
                Outgoing::new(200, "text/html", "<!doctype html><title>Welcome</title><p>It works!</p>\n")
            }
            Misbehaviour::Hang
            | Misbehaviour::ReplyLost
            | Misbehaviour::ReplyCut
            | Misbehaviour::CutStream { .. }
            | Misbehaviour::AbortStream { .. }
            | Misbehaviour::ErrorInStream { .. }
            | Misbehaviour::NotModelOutput
            | Misbehaviour::NoChoices
            | Misbehaviour::HugeReply { .. }
            | Misbehaviour::Substitute { .. } => return None,
        })
    }
}

#[allow(clippy::cast_precision_loss)]
fn call_cost(model: &Model, usage: Usage) -> f64 {
    models::cost(model, usage.prompt_tokens, usage.completion_tokens as f64)
}
