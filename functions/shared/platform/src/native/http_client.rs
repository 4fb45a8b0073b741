use std::{
    collections::HashMap,
    error::Error as _,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http_body_util::{BodyExt, Full};
use hyper_util::{
    client::legacy::{Client, Error, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};

use super::body::DeadlineBody;
use crate::{Body, BodyError, HttpClient, HttpError};

/// Answers requests to a host that is played in the same process.
pub type Handler =
    Arc<dyn Fn(http::Request<Bytes>) -> BoxFuture<'static, http::Response<Body>> + Send + Sync>;

/// Makes a [`Handler`] of an async function or closure.
pub fn handler<F, Answer>(answer: F) -> Handler
where
    F: Fn(http::Request<Bytes>) -> Answer + Send + Sync + 'static,
    Answer: Future<Output = http::Response<Body>> + Send + 'static,
{
    Arc::new(move |request| Box::pin(answer(request)))
}

/// Plain HTTP/1.1 over pooled connections, and hosts that are played in the same process.
///
/// There is no TLS: what tests and benchmarks call lies on the same machine.
#[derive(Clone)]
pub struct NativeHttpClient {
    network: Client<HttpConnector, Full<Bytes>>,
    routes: Arc<Mutex<HashMap<String, Handler>>>,
}

impl Default for NativeHttpClient {
    fn default() -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let network = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_secs(30))
            .build(connector);
        Self {
            network,
            routes: Arc::default(),
        }
    }
}

impl fmt::Debug for NativeHttpClient {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("NativeHttpClient")
            .finish_non_exhaustive()
    }
}

impl NativeHttpClient {
    /// From now on requests to `host` (a host name without port, such as `agent-step.spin.internal`) go to `handler`
    /// instead of the network. All clones of the client see it.
    ///
    /// A handler that holds the platform which holds this client keeps both alive for ever: fine in a test.
    pub fn route(&self, host: impl Into<String>, handler: Handler) {
        self.routes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(host.into(), handler);
    }

    fn routed(&self, request: &http::Request<Bytes>) -> Option<Handler> {
        let routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner);
        routes.get(request.uri().host()?).cloned()
    }

    async fn answer(
        &self,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Body>, HttpError> {
        if let Some(handler) = self.routed(&request) {
            return Ok(handler(request).await);
        }
        let authority = request
            .uri()
            .authority()
            .map(ToString::to_string)
            .unwrap_or_default();
        let response = self
            .network
            .request(request.map(Full::new))
            .await
            .map_err(|error| explain(&error, &authority))?;
        Ok(response.map(|body| {
            body.map_err(|error| BodyError::from(broken(&error)))
                .boxed_unsync()
        }))
    }
}

impl HttpClient for NativeHttpClient {
    async fn send(
        &self,
        request: http::Request<Bytes>,
        timeout: Duration,
    ) -> Result<http::Response<Body>, HttpError> {
        let mut timer = Box::pin(tokio::time::sleep(timeout));
        tokio::select! {
            // The answer first, so that a zero timeout fails only when there really is none.
            biased;
            answer = self.answer(request) => {
                Ok(answer?.map(|body| DeadlineBody::new(body, timer, timeout).boxed_unsync()))
            }
            () = &mut timer => Err(HttpError::Timeout(timeout)),
        }
    }
}

fn explain(error: &Error, authority: &str) -> HttpError {
    let mut reason = format!("{authority}: {error}");
    let mut source = error.source();
    while let Some(inner) = source {
        reason.push_str(": ");
        reason.push_str(&inner.to_string());
        source = inner.source();
    }
    if error.is_connect() {
        HttpError::Connect(reason)
    } else {
        HttpError::Interrupted(reason)
    }
}

fn broken(error: &hyper::Error) -> HttpError {
    HttpError::Interrupted(error.to_string())
}

#[cfg(test)]
mod tests;
