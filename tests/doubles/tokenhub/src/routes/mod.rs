//! From a request to an answer, in the order of the real one's middleware.

mod access;
mod call;
mod canned;
mod decode;
mod deliver;
mod open;
mod outgoing;
mod stored;

use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http::{HeaderMap, Method};

use crate::config::Key;
use crate::idempotency::{self, Stored};
use crate::request::RequestSeen;
use crate::state::State;
use access::admitted;
use call::Call;
use decode::{completions_request, native_request};
use open::{health, models_list};
use outgoing::not_found;
use stored::keep;

pub(crate) use outgoing::{Delivery, Outgoing};

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

fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned)
}

fn next_request_id() -> String {
    static NEXT: AtomicUsize = AtomicUsize::new(1);
    format!(
        "double/0123456789-{:06}",
        NEXT.fetch_add(1, Ordering::Relaxed)
    )
}
