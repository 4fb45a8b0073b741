use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, ETAG, LINK, LOCATION};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use http_body::Body as _;
use http_body_util::BodyExt;
use loom_domain::id::uuid_v7;
use loom_domain::time::{DAY, MINUTE};
use loom_platform::{Clock, Platform, Random};
use loom_store::idempotency::{self, Answer, Begun, Request};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::reply::HoldsSecret;
use crate::{Caller, Error};

const KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAY: HeaderName = HeaderName::from_static("idempotency-replay");
const KEPT: [HeaderName; 4] = [CONTENT_TYPE, ETAG, LINK, LOCATION];

/// How long an answer is kept.
const KEEP: i64 = DAY;
/// How long a request may take before its repetition is carried out, because the first one must have crashed.
const LONGEST: i64 = 2 * MINUTE;

/// A request with an `Idempotency-Key` that is being carried out.
pub(crate) struct Held {
    caller_id: String,
    key: String,
    method: String,
    path: String,
    body_digest: [u8; 32],
    holder: String,
}

/// Whether a request is to be carried out.
pub(crate) enum Decided {
    /// Yes, and its answer need not be kept.
    Unkeyed,
    /// Yes, and its answer is to be kept.
    Held(Held),
    /// No: this is its answer.
    Replay(Response),
}

impl Held {
    fn request(&self) -> Request<'_> {
        Request {
            caller_id: &self.caller_id,
            key: &self.key,
            method: &self.method,
            path: &self.path,
            body_digest: &self.body_digest,
        }
    }
}

pub(crate) async fn begin<P: Platform>(
    platform: &P,
    caller: &Caller,
    method: &http::Method,
    uri: &http::Uri,
    headers: &HeaderMap,
    body: &Bytes,
) -> Result<Decided, Error> {
    let Some(value) = headers.get(KEY) else {
        return Ok(Decided::Unkeyed);
    };
    let key = value.to_str().unwrap_or_default().trim();
    if !(1..=255).contains(&key.len()) {
        let message = "The Idempotency-Key must have 1 to 255 visible ASCII characters.";
        return Err(Error::unreadable("invalid_idempotency_key", message));
    }
    let now = platform.clock().now();
    let held = Held {
        caller_id: caller.id.clone(),
        key: key.to_owned(),
        method: method.as_str().to_owned(),
        path: uri
            .path_and_query()
            .map_or_else(|| uri.path().to_owned(), ToString::to_string),
        body_digest: Sha256::digest(body).into(),
        holder: uuid_v7(now, platform.random().bytes()),
    };
    let database = platform.database();
    match idempotency::begin(database, held.request(), &held.holder, now, now + LONGEST).await? {
        Begun::New => {
            idempotency::sweep(database, now).await?;
            Ok(Decided::Held(held))
        }
        Begun::Answered(answer) => Ok(Decided::Replay(replay(answer)?)),
        Begun::InProgress(until) => {
            let message =
                "A request with this Idempotency-Key is still being carried out. Repeat it later.";
            let seconds = ((until - now) / 1000).clamp(1, 5);
            Err(Error::conflict("idempotency_in_progress", message).retry_after(seconds))
        }
        Begun::OtherBody => {
            let message =
                "This Idempotency-Key was used for a request with another body. Use a new key.";
            Err(Error::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "idempotency_key_reused",
                message,
            ))
        }
    }
}

fn replay(answer: Answer) -> Result<Response, Error> {
    let Some(body) = answer.body else {
        let message = "This request was carried out, but its answer held a secret, which is not kept. If you don't \
                       have the answer, revoke what was created and create another with a new Idempotency-Key.";
        return Err(Error::conflict("idempotency_answer_not_kept", message));
    };
    let status = u16::try_from(answer.status)
        .ok()
        .and_then(|status| StatusCode::from_u16(status).ok());
    let mut response = (status.unwrap_or(StatusCode::OK), body).into_response();
    response.headers_mut().remove(CONTENT_TYPE);
    let headers: Map<String, Value> =
        serde_json::from_str(&answer.headers).map_err(Error::internal)?;
    for (name, value) in headers {
        let value = value
            .as_str()
            .and_then(|value| HeaderValue::from_str(value).ok());
        if let (Ok(name), Some(value)) = (HeaderName::try_from(name), value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
        .headers_mut()
        .insert(REPLAY, HeaderValue::from_static("true"));
    Ok(response)
}

/// Keeps the answer, or forgets the request when it may succeed the next time (5xx, 429) or its answer is a stream.
///
/// A failure to keep it does not fail the request, which was carried out: its repetition will be refused as in
/// progress, and later carried out again.
pub(crate) async fn finish<P: Platform>(platform: &P, held: Held, response: Response) -> Response {
    let database = platform.database();
    let (parts, body) = response.into_parts();
    let again = parts.status.is_server_error() || parts.status == StatusCode::TOO_MANY_REQUESTS;
    if again || body.size_hint().exact().is_none() {
        let _ = idempotency::release(database, held.request(), &held.holder).await;
        return Response::from_parts(parts, body);
    }
    let Ok(body) = body
        .collect()
        .await
        .map(http_body_util::Collected::to_bytes)
    else {
        return Error::internal("a whole body could not be read").into_response();
    };
    let headers = KEPT
        .iter()
        .filter_map(|name| {
            Some((
                name.as_str().to_owned(),
                Value::from(parts.headers.get(name)?.to_str().ok()?),
            ))
        })
        .collect::<Map<_, _>>();
    let answer = Answer {
        status: i64::from(parts.status.as_u16()),
        headers: Value::Object(headers).to_string(),
        body: parts
            .extensions
            .get::<HoldsSecret>()
            .is_none()
            .then(|| body.to_vec()),
    };
    let now = platform.clock().now();
    let _ = idempotency::finish(database, held.request(), &held.holder, answer, now + KEEP).await;
    Response::from_parts(parts, axum::body::Body::from(body))
}
