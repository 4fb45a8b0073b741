use std::io;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::serve::ListenerExt;
use loom_workspace::{Call, ErrorKind, WorkspaceError};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use tokio::net::TcpListener;

use crate::config::Config;
use crate::service::Service;

/// Many files for a branch, 24 MiB of which every other byte is escaped in JSON, and room to spare.
const MAX_BODY: usize = 40 * 1024 * 1024;

/// Serves until the listener fails or the future is dropped; then every program that is still running is killed.
///
/// Fails at once when the token is empty or the root can't be used. What was going on under the same root before,
/// also in a service that was killed, goes on.
pub async fn serve(listener: TcpListener, config: Config) -> io::Result<()> {
    if config.token.is_empty() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "the workspace service needs a token",
        ));
    }
    let token = Arc::new(Sha256::digest(config.token.as_bytes()).to_vec());
    let service = Arc::new(Service::open(config).map_err(io::Error::other)?);
    let _guard = EndOnDrop(service.clone());
    let router = Router::new()
        .route("/v1/perform", post(perform).fallback(method_not_allowed))
        .route_layer(DefaultBodyLimit::max(MAX_BODY))
        .route_layer(middleware::from_fn_with_state(token, authorize))
        .route("/healthz", get(healthz).fallback(method_not_allowed))
        .fallback(not_found)
        .with_state(service);
    // A small answer must not wait for the acknowledgement of the one before.
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    axum::serve(listener, router).await
}

/// Programs don't outlive the service that would read their output.
struct EndOnDrop(Arc<Service>);

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        self.0.end();
    }
}

async fn authorize(State(token): State<Arc<Vec<u8>>>, request: Request, next: Next) -> Response {
    // Comparing digests takes the same time whatever the token, and however long it is.
    let given = bearer(request.headers()).map(|given| Sha256::digest(given.as_bytes()));
    if given.is_some_and(|given| bool::from(given.as_slice().ct_eq(token.as_slice()))) {
        return next.run(request).await;
    }
    let error = WorkspaceError::unavailable(
        "unauthorized",
        "this call carries no valid token; check workspace_token",
    );
    let mut response = respond(StatusCode::UNAUTHORIZED, &error);
    response.headers_mut().insert(
        header::WWW_AUTHENTICATE,
        header::HeaderValue::from_static("Bearer"),
    );
    response
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers
        .get(header::AUTHORIZATION)?
        .to_str()
        .ok()?
        .strip_prefix("Bearer ")
}

async fn perform(
    State(service): State<Arc<Service>>,
    body: Result<Bytes, axum::extract::rejection::BytesRejection>,
) -> Response {
    let body = match body {
        Ok(body) => body,
        Err(rejection) => {
            let status = rejection.status();
            let code = if status == StatusCode::PAYLOAD_TOO_LARGE {
                "body_too_large"
            } else {
                "unreadable_body"
            };
            return respond(
                status,
                &WorkspaceError::refused(
                    code,
                    format!("{rejection}; the limit is {MAX_BODY} bytes"),
                ),
            );
        }
    };
    let call: Call = match serde_json::from_slice(&body) {
        Ok(call) => call,
        Err(error) => {
            let (status, code) = match error.classify() {
                serde_json::error::Category::Data => {
                    (StatusCode::UNPROCESSABLE_ENTITY, "invalid_call")
                }
                _ => (StatusCode::BAD_REQUEST, "invalid_json"),
            };
            return respond(
                status,
                &WorkspaceError::refused(code, format!("the call can't be understood: {error}")),
            );
        }
    };
    // On a thread of its own, which goes on when the caller goes away: what has begun is finished and noted, so that
    // the same call finds it.
    let answer = tokio::task::spawn_blocking(move || service.perform(&call))
        .await
        .unwrap_or_else(|_| {
            Err(WorkspaceError::unavailable(
                "workspace_failed",
                "the workspace service failed while doing this",
            ))
        });
    match answer {
        Ok(outcome) => axum::Json(outcome).into_response(),
        Err(error) => {
            let status = match error.kind {
                ErrorKind::Refused => StatusCode::UNPROCESSABLE_ENTITY,
                ErrorKind::StaleFence => StatusCode::CONFLICT,
                ErrorKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            };
            respond(status, &error)
        }
    }
}

async fn healthz() -> &'static str {
    "ok\n"
}

async fn not_found() -> Response {
    let error = WorkspaceError::refused(
        "not_found",
        "there is nothing here but POST /v1/perform and GET /healthz",
    );
    respond(StatusCode::NOT_FOUND, &error)
}

async fn method_not_allowed() -> Response {
    let error =
        WorkspaceError::refused("method_not_allowed", "use POST /v1/perform or GET /healthz");
    respond(StatusCode::METHOD_NOT_ALLOWED, &error)
}

fn respond(status: StatusCode, error: &WorkspaceError) -> Response {
    (status, axum::Json(error)).into_response()
}
