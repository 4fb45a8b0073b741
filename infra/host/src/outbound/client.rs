//! The pooled client for plain HTTP. TokenHub and the workspace service are called many times a second on a loopback
//! or cluster address, where a new connection per request costs more than the request.

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Mutex;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, Sleep};
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody};

type Pooled = legacy::Client<HttpConnector, WasiBody>;

/// A guest that sets no timeout gets these: long enough for a model's answer, short enough to end.
const CONNECT: Duration = Duration::from_secs(10);
const FIRST_BYTE: Duration = Duration::from_secs(600);
const BETWEEN_BYTES: Duration = Duration::from_secs(600);

/// How many distinct connect timeouts get a pool of their own.
const POOLS: usize = 16;

/// Sends requests to the outside.
#[derive(Default)]
pub(crate) struct Client {
    // The connector has one connect timeout for all its connections, so there is one pool per timeout asked for.
    // Functions use one or two constants.
    pools: Mutex<HashMap<Duration, Pooled>>,
}

impl Client {
    /// Sends `request` and waits for the head of its response.
    pub(crate) async fn send(
        &self,
        mut request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
    ) -> Result<http::Response<WasiBody>, Error> {
        let options = options.unwrap_or_default();
        if request.uri().scheme() == Some(&http::uri::Scheme::HTTPS) {
            let (response, connection) =
                wasmtime_wasi_http::default_send_request(request, Some(options)).await?;
            tokio::spawn(connection);
            return Ok(response.map(BodyExt::boxed_unsync));
        }
        let connect = options.connect_timeout.unwrap_or(CONNECT);
        let first_byte = options.first_byte_timeout.unwrap_or(FIRST_BYTE);
        let between_bytes = options.between_bytes_timeout.unwrap_or(BETWEEN_BYTES);
        // hyper writes the header itself, from the URI.
        request.headers_mut().remove(http::header::HOST);
        let sending = self.pool(connect).request(request);
        let response = tokio::time::timeout(connect.saturating_add(first_byte), sending)
            .await
            .map_err(|_| Error::ConnectionReadTimeout)?
            .map_err(explain)?;
        Ok(response.map(|body| {
            Timed {
                body,
                limit: between_bytes,
                sleep: None,
            }
            .boxed_unsync()
        }))
    }

    fn pool(&self, connect: Duration) -> Pooled {
        let mut pools = crate::locked(&self.pools);
        if pools.len() >= POOLS && !pools.contains_key(&connect) {
            pools.clear();
        }
        pools
            .entry(connect)
            .or_insert_with(|| {
                let mut connector = HttpConnector::new();
                connector.set_nodelay(true);
                connector.set_connect_timeout(Some(connect));
                legacy::Client::builder(TokioExecutor::new())
                    .pool_timer(TokioTimer::new())
                    // Below the idle timeouts of common servers, so that a connection isn't reused as it is closed.
                    .pool_idle_timeout(Duration::from_secs(4))
                    .pool_max_idle_per_host(32)
                    .build(connector)
            })
            .clone()
    }
}

/// The guest's error code for a failed request.
fn explain(error: legacy::Error) -> Error {
    if !error.is_connect() {
        let mut source = std::error::Error::source(&error);
        while let Some(cause) = source {
            if cause
                .downcast_ref::<hyper::Error>()
                .is_some_and(hyper::Error::is_incomplete_message)
            {
                return Error::ConnectionTerminated;
            }
            source = cause.source();
        }
        return Error::InternalError(Some(chain(&error)));
    }
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        if let Some(io) = cause.downcast_ref::<std::io::Error>() {
            match io.kind() {
                std::io::ErrorKind::ConnectionRefused => return Error::ConnectionRefused,
                std::io::ErrorKind::TimedOut => return Error::ConnectionTimeout,
                _ => {}
            }
        }
        source = cause.source();
    }
    let text = chain(&error);
    if text.contains("dns error") {
        return Error::DnsError {
            rcode: Some(text),
            info_code: None,
        };
    }
    Error::DestinationUnavailable
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

/// A response body that fails when its next frame takes too long.
struct Timed {
    body: hyper::body::Incoming,
    limit: Duration,
    // Started only when the body makes us wait.
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Body for Timed {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Ready(frame) => {
                self.sleep = None;
                Poll::Ready(frame.map(|frame| frame.map_err(Error::from)))
            }
            Poll::Pending => {
                let limit = self.limit;
                let sleep = self.sleep.get_or_insert_with(|| {
                    // A limit beyond the clock's range is no limit.
                    let until = Instant::now()
                        .checked_add(limit)
                        .unwrap_or_else(|| Instant::now() + BETWEEN_BYTES);
                    Box::pin(tokio::time::sleep_until(until))
                });
                match sleep.as_mut().poll(cx) {
                    Poll::Ready(()) => Poll::Ready(Some(Err(Error::ConnectionReadTimeout))),
                    Poll::Pending => Poll::Pending,
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
