use std::convert::Infallible;
use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::body::{Frame, Incoming as HyperBody};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::sync::oneshot;

use crate::config::{Config, Key};
use crate::ledger::LedgerEntry;
use crate::request::RequestSeen;
use crate::routes::{self, Delivery, Incoming, Outgoing};
use crate::state::State;

/// Bodies up to this size have a `Content-Length`; Go sends larger ones chunked.
const GO_BUFFER: usize = 2048;

/// How much of a body is read and thrown away once it is known to be too large, in bytes.
const MAX_DRAINED: usize = 256 * 1024;

/// The double.
pub struct TokenHub;

impl TokenHub {
    /// Starts the double on a thread of its own, so that it needs no runtime and outlives the caller's. It listens
    /// when this returns.
    pub fn start(config: impl Into<Config>) -> io::Result<Running> {
        let config = config.into();
        let api_key = config
            .keys
            .first()
            .map_or_else(String::new, |key| key.secret.clone());
        let listener = TcpListener::bind(config.listen)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let state = Arc::new(State::new(config)?);
        let (stop, stopped) = oneshot::channel();
        let served = Arc::clone(&state);
        let thread = std::thread::Builder::new()
            .name(String::from("tokenhub-double"))
            .spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build();
                let Ok(runtime) = runtime else { return };
                runtime.block_on(async {
                    tokio::select! {
                        result = serve(listener, served) => drop(result),
                        _ = stopped => {}
                    }
                });
            })?;
        Ok(Running {
            address,
            api_key,
            state,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// The double without a socket: for callers that bring their own network, such as a simulation.
    pub fn in_process(config: impl Into<Config>) -> io::Result<Running> {
        let config = config.into();
        let api_key = config
            .keys
            .first()
            .map_or_else(String::new, |key| key.secret.clone());
        let address = config.listen;
        Ok(Running {
            address,
            api_key,
            state: Arc::new(State::new(config)?),
            stop: None,
            thread: None,
        })
    }
}

/// A double that runs. Dropping it stops it.
pub struct Running {
    address: SocketAddr,
    api_key: String,
    state: Arc<State>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Running {
    /// The base address, without `/v1`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The secret of the first key.
    pub fn api_key(&self) -> &str {
        &self.api_key
    }

    /// Stops it: open connections close, and the port is free when this returns.
    pub fn shutdown(mut self) {
        self.stop();
    }

    fn stop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }

    /// What was received, oldest first.
    pub fn requests(&self) -> Vec<RequestSeen> {
        self.state.lock().requests.iter().cloned().collect()
    }

    /// Forgets what was received so far.
    pub fn forget_requests(&self) {
        let mut changing = self.state.lock();
        changing.first_request += changing.requests.len();
        changing.requests.clear();
    }

    /// Returns once `count` requests in all have been received, answered or not.
    pub async fn received(&self, count: usize) {
        let mut received = self.state.received.subscribe();
        // The sender lives in the state, so this cannot fail.
        let _ = received.wait_for(|received| *received >= count).await;
    }

    /// Every completion that a provider was paid for, oldest first.
    pub fn ledger(&self) -> Vec<LedgerEntry> {
        self.state.lock().ledger.entries.clone()
    }

    /// Lets answers that hang go on, and those that come to hang later.
    pub fn release_hung(&self) {
        self.state.hung.open();
    }

    /// Returns once `count` answers in all hang or have hung.
    pub async fn hung(&self, count: usize) {
        self.state.hung.arrived(count).await;
    }

    /// Advances the double's clock: stored answers and remembered keys age, buckets refill, cooldowns pass.
    pub fn advance(&self, duration: Duration) {
        self.state.lock().advanced_ms += i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
    }

    /// Changes the key `id`, if there is one.
    pub fn update_key(&self, id: &str, update: impl FnOnce(&mut Key)) {
        if let Some(key) = self
            .state
            .lock()
            .keys
            .records
            .iter_mut()
            .find(|key| key.id == id)
        {
            update(key);
        }
    }

    /// Makes the provider `id` answer with a status and body from now on, or work again.
    pub fn set_provider(&self, id: &str, failing: Option<(u16, String)>) {
        if let Some(provider) = self
            .state
            .lock()
            .registry
            .providers
            .iter_mut()
            .find(|provider| provider.id == id)
        {
            provider.failing = failing;
        }
    }

    /// Replaces the registry.
    pub fn set_models(&self, models: Vec<crate::config::Model>) {
        self.state.lock().registry.models = models;
    }

    /// Answers a request without a socket. `None` is a connection that was closed instead; a body that fails is one
    /// that was closed in the middle.
    pub async fn call(
        &self,
        request: http::Request<Bytes>,
    ) -> Option<http::Response<UnsyncBoxBody<Bytes, io::Error>>> {
        let (parts, mut body) = request.into_parts();
        body.truncate(routes::MAX_BODY + 1);
        let incoming = Incoming {
            method: parts.method,
            path: parts.uri.path().to_owned(),
            query: parts.uri.query().map(str::to_owned),
            headers: parts.headers,
            body,
            peer: String::from("127.0.0.1:1"),
        };
        response(routes::answer(&self.state, incoming).await).ok()
    }
}

async fn serve(listener: TcpListener, state: Arc<State>) -> io::Result<Infallible> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    loop {
        let (stream, peer) = listener.accept().await?;
        let state = Arc::clone(&state);
        let service = service_fn(move |request| {
            let state = Arc::clone(&state);
            async move { connected(&state, request, peer).await }
        });
        let _ = stream.set_nodelay(true);
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .title_case_headers(true)
            .serve_connection(TokioIo::new(stream), service);
        // An error here is a caller that went away, or a connection that was meant to break.
        tokio::spawn(async move { drop(connection.await) });
    }
}

async fn connected(
    state: &State,
    request: hyper::Request<HyperBody>,
    peer: SocketAddr,
) -> io::Result<hyper::Response<UnsyncBoxBody<Bytes, io::Error>>> {
    let (parts, mut body) = request.into_parts();
    let mut read = Vec::new();
    let mut drained = 0;
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame.map_err(io::Error::other)?.into_data() {
            if read.len() > routes::MAX_BODY {
                drained += data.len();
            } else {
                read.extend_from_slice(&data);
            }
        }
        // As Go does: a little of what is too much is taken, so that the answer is not lost in a reset.
        if drained > MAX_DRAINED {
            break;
        }
    }
    let incoming = Incoming {
        method: parts.method,
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().map(str::to_owned),
        headers: parts.headers,
        body: read.into(),
        peer: peer.to_string(),
    };
    response(routes::answer(state, incoming).await)
}

fn broken() -> io::Error {
    io::Error::new(
        io::ErrorKind::ConnectionAborted,
        "the double closes this connection on purpose",
    )
}

/// The HTTP form of an answer; an error closes the connection.
fn response(outgoing: Outgoing) -> io::Result<hyper::Response<UnsyncBoxBody<Bytes, io::Error>>> {
    let body = match outgoing.delivery {
        Delivery::Closed => return Err(broken()),
        Delivery::Whole(body) if body.len() <= GO_BUFFER => Full::new(body)
            .map_err(|never| match never {})
            .boxed_unsync(),
        Delivery::Whole(body) => frames(vec![Ok(body)]),
        Delivery::Cut(body) => {
            let half = body.slice(..body.len() / 2);
            frames(vec![Ok(half), Err(broken())])
        }
        Delivery::Chunks { chunks, abort } => {
            let mut pieces: Vec<io::Result<Bytes>> = chunks
                .into_iter()
                .map(|chunk| Ok(Bytes::from(chunk)))
                .collect();
            if abort {
                pieces.push(Err(broken()));
            }
            frames(pieces)
        }
    };
    let mut response = hyper::Response::builder().status(outgoing.status);
    for (name, value) in &outgoing.headers {
        response = response.header(name, value);
    }
    response.body(body).map_err(io::Error::other)
}

/// A body of unknown length in these pieces. Between them the connection gets a chance to write, so that what comes
/// before a break has arrived.
fn frames(pieces: Vec<io::Result<Bytes>>) -> UnsyncBoxBody<Bytes, io::Error> {
    let frames = stream::unfold(pieces.into_iter(), |mut pieces| async move {
        let piece = pieces.next()?;
        if piece.is_err() {
            tokio::task::yield_now().await;
        }
        Some((piece.map(Frame::data), pieces))
    });
    StreamBody::new(frames).boxed_unsync()
}
