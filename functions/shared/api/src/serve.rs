use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG,
    REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode};
use http_body::Body as _;
use http_body_util::BodyExt;
use loom_platform::{Body, HttpError, Platform, read_body};
use loom_store::migrate::{self, MigrateError};

use crate::authenticate::authenticate;
use crate::idempotency::{self, Decided};
use crate::json::WholeBody;
use crate::path::PathValues;
use crate::routes::{Found, Route};
use crate::{Access, Error, RequestId, Routes, conditional, log, request_id};

/// Answers a request: finds its route, brings the schema up to date, finds out who calls and whether it may, reads
/// the body within the route's limit, runs the handler, and says what went wrong if anything did.
///
/// # Idempotency
///
/// A `POST`, `PUT`, `PATCH` or `DELETE` with an `Idempotency-Key` is carried out once per caller, method, path and
/// key; for 24 hours a repetition with the same body gets the first answer again, with `Idempotency-Replay: true`.
/// Answers with 429 or 5xx are not kept. A crash between the handler's commit and the keeping of its answer leaves
/// the key in progress for two minutes, after which a repetition is carried out.
pub async fn serve<P: Platform>(
    platform: &P,
    routes: Routes<P>,
    request: Request<Body>,
) -> http::Response<Body> {
    let (mut parts, body) = request.into_parts();
    let id = RequestId::of(platform, &parts.headers);
    parts.extensions.insert(id.clone());
    let (method, path, headers) = (
        parts.method.clone(),
        parts.uri.path().to_owned(),
        parts.headers.clone(),
    );
    let mut response = answer(platform, &routes, parts, body)
        .await
        .unwrap_or_else(IntoResponse::into_response);
    if let Some(error) = response.extensions_mut().remove::<Error>() {
        if error.status().is_server_error() {
            report(&error, &id, &method, &path);
        }
        response = told(error, &id);
    }
    complete(response, &id, &method, &headers)
}

async fn answer<P: Platform>(
    platform: &P,
    routes: &Routes<P>,
    parts: Parts,
    body: Body,
) -> Result<Response, Error> {
    let (route, values) = match routes.find(&parts.method, parts.uri.path())? {
        Found::Route { route, values } => (route, values),
        Found::Options { allowed } => {
            let allowed = HeaderValue::from_str(&allowed).map_err(Error::internal)?;
            return Ok((StatusCode::NO_CONTENT, [(ALLOW, allowed)]).into_response());
        }
    };
    if route.database {
        ensure_schema(platform).await?;
    }
    let caller = match route.declared.access {
        Access::Public | Access::Private => None,
        Access::Authenticated => Some(authenticate(platform, &parts.headers).await?),
        Access::Permission(permission) => {
            let caller = authenticate(platform, &parts.headers).await?;
            caller.require(permission)?;
            Some(caller)
        }
    };
    let body = match parts.method {
        Method::GET | Method::HEAD => Bytes::new(),
        _ => whole_body(route, &parts.headers, body).await?,
    };
    let decided = match &caller {
        Some(caller) if parts.method != Method::GET && parts.method != Method::HEAD => {
            idempotency::begin(
                platform,
                caller,
                &parts.method,
                &parts.uri,
                &parts.headers,
                &body,
            )
            .await?
        }
        _ => Decided::Unkeyed,
    };
    let held = match decided {
        Decided::Replay(response) => return Ok(response),
        Decided::Held(held) => Some(held),
        Decided::Unkeyed => None,
    };
    let id = parts.extensions.get::<RequestId>().cloned();
    let mut request = Request::from_parts(parts, axum::body::Body::from(body.clone()));
    request.extensions_mut().insert(WholeBody(body));
    request.extensions_mut().insert(PathValues(values));
    if let Some(caller) = caller {
        request.extensions_mut().insert(caller);
    }
    let response = (route.call)(request, platform.clone()).await;
    let Some(held) = held else {
        return Ok(response);
    };
    // An answer that is kept must be whole, so a client's error gets its body now.
    let response = match (response.extensions().get::<Error>(), id) {
        (Some(error), Some(id)) if !error.status().is_server_error() => told(error.clone(), &id),
        _ => response,
    };
    Ok(idempotency::finish(platform, held, response).await)
}

async fn whole_body<P>(route: &Route<P>, headers: &HeaderMap, body: Body) -> Result<Bytes, Error> {
    let limit = route.body_limit;
    let too_large = || {
        let message = format!("The body is larger than the {limit} bytes that are accepted here.");
        Error::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", message).detail("limit", limit)
    };
    let announced = headers
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > limit) {
        return Err(too_large());
    }
    read_body(body, limit).await.map_err(|error| match error {
        HttpError::TooLarge { .. } => too_large(),
        other => {
            Error::unreadable("body_interrupted", "The body broke off before its end.").cause(other)
        }
    })
}

/// In a component the schema is looked at once per instance. A native process serves many databases, so there it is
/// one more read per request.
async fn ensure_schema<P: Platform>(platform: &P) -> Result<(), Error> {
    #[cfg(target_arch = "wasm32")]
    {
        use std::sync::atomic::{AtomicBool, Ordering};
        static DONE: AtomicBool = AtomicBool::new(false);
        if DONE.load(Ordering::Relaxed) {
            return Ok(());
        }
        bring_up_to_date(platform).await?;
        DONE.store(true, Ordering::Relaxed);
        Ok(())
    }
    #[cfg(not(target_arch = "wasm32"))]
    bring_up_to_date(platform).await
}

async fn bring_up_to_date<P: Platform>(platform: &P) -> Result<(), Error> {
    match migrate::migrate(platform.database()).await {
        Ok(_) => Ok(()),
        Err(MigrateError::Database(error)) => Err(error.into()),
        Err(error) => Err(Error::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "schema_mismatch",
            format!("Sorry: {error}."),
        )),
    }
}

fn report(error: &Error, id: &RequestId, method: &Method, path: &str) {
    let facts = [
        ("code", error.code()),
        (
            "cause",
            error.hidden_cause().unwrap_or_else(|| error.message()),
        ),
        ("request_id", &id.0),
        ("method", method.as_str()),
        ("path", path),
    ];
    log("error", "a request failed", facts);
}

/// The error's response with its body.
fn told(error: Error, id: &RequestId) -> Response {
    let body = error.to_json(&id.0);
    let mut response = error.into_response();
    response.extensions_mut().remove::<Error>();
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    *response.body_mut() = axum::body::Body::from(body);
    response
}

fn complete(
    response: Response,
    id: &RequestId,
    method: &Method,
    request: &HeaderMap,
) -> http::Response<Body> {
    let (mut parts, mut body) = response.into_parts();
    let reads = *method == Method::GET || *method == Method::HEAD;
    if reads && parts.status == StatusCode::OK && conditional::not_modified(request, &parts.headers)
    {
        parts.status = StatusCode::NOT_MODIFIED;
        parts.headers.remove(CONTENT_TYPE);
        body = axum::body::Body::empty();
    }
    let bodiless = matches!(
        parts.status,
        StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED
    );
    if let Some(length) = body.size_hint().exact().filter(|_| !bodiless) {
        parts
            .headers
            .insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    if *method == Method::HEAD {
        body = axum::body::Body::empty();
    }
    if let Ok(value) = HeaderValue::from_str(&id.0) {
        parts.headers.insert(request_id::HEADER, value);
    }
    let cache = if parts.headers.contains_key(ETAG) {
        "private, no-cache"
    } else {
        "no-store"
    };
    for (name, value) in [
        (CACHE_CONTROL, cache),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; frame-ancestors 'none'",
        ),
    ] {
        set_default(&mut parts.headers, name, value);
    }
    http::Response::from_parts(parts, body.map_err(Into::into).boxed_unsync())
}

fn set_default(headers: &mut HeaderMap, name: HeaderName, value: &'static str) {
    headers
        .entry(name)
        .or_insert_with(|| HeaderValue::from_static(value));
}
