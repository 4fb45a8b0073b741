use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use loom_double_server::{Listener, Server};

use crate::config::{Config, Key};
use crate::ledger::LedgerEntry;
use crate::request::RequestSeen;
use crate::routes::{self, Incoming};
use crate::server;
use crate::state::State;

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
        let listener = Listener::bind(config.listen)?;
        let address = listener.address();
        let state = Arc::new(State::new(config)?);
        let served = Arc::clone(&state);
        let server = listener.serve(
            "tokenhub-double",
            move |request, peer| server::connected(Arc::clone(&served), request, peer),
            std::future::ready(()),
        )?;
        Ok(Running {
            address,
            api_key,
            state,
            server: Some(server),
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
            server: None,
        })
    }
}

/// A double that runs. Dropping it stops it.
pub struct Running {
    address: SocketAddr,
    api_key: String,
    state: Arc<State>,
    /// None without a socket.
    server: Option<Server>,
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running")
            .field("address", &self.address)
            .finish_non_exhaustive()
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
    pub fn shutdown(self) {
        drop(self.server);
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
        server::response(routes::answer(&self.state, incoming).await).ok()
    }
}
