//! What the double remembers.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::sync::watch;

use crate::config::Config;
use crate::gate::Gate;
use crate::idempotency::Store;
use crate::keys::Keys;
use crate::ledger::Ledger;
use crate::limits::Limiter;
use crate::models::Registry;
use crate::request::RequestSeen;

/// Everything that changes while it runs.
#[derive(Debug)]
pub(crate) struct Changing {
    pub(crate) keys: Keys,
    pub(crate) limiter: Limiter,
    pub(crate) registry: Registry,
    pub(crate) store: Store,
    pub(crate) ledger: Ledger,
    pub(crate) requests: VecDeque<RequestSeen>,
    /// Number of the first of `requests`.
    pub(crate) first_request: usize,
    /// How often each turn was asked for.
    pub(crate) attempts: HashMap<String, u32>,
    pub(crate) advanced_ms: i64,
    pub(crate) listed: usize,
}

/// The double's whole state.
pub(crate) struct State {
    pub(crate) config: Config,
    pub(crate) hung: Gate,
    pub(crate) received: watch::Sender<usize>,
    changing: Mutex<Changing>,
}

impl State {
    pub(crate) fn new(config: Config) -> std::io::Result<Self> {
        let changing = Changing {
            keys: Keys::new(config.keys.clone(), config.remember_keys),
            limiter: Limiter::default(),
            registry: Registry::new(
                config.models.clone(),
                config.providers.clone(),
                config.aliases.clone(),
                config.max_call_usd,
            ),
            store: Store::default(),
            ledger: Ledger::open(config.ledger_file.as_deref())?,
            requests: VecDeque::new(),
            first_request: 0,
            attempts: HashMap::new(),
            advanced_ms: 0,
            listed: 0,
        };
        Ok(Self {
            config,
            hung: Gate::new(),
            received: watch::Sender::new(0),
            changing: Mutex::new(changing),
        })
    }

    /// The changing part. Held only between awaits, so what is done under it is done as a whole or not at all.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Changing> {
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Milliseconds since the epoch, by a clock that the test can advance.
    pub(crate) fn now_ms(&self) -> i64 {
        let advanced = self.lock().advanced_ms;
        let now = match &self.config.clock {
            Some(clock) => clock(),
            None => SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |since| {
                    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
                }),
        };
        now + advanced
    }

    /// Notes a request and returns its number.
    pub(crate) fn note(&self, request: RequestSeen) -> usize {
        let mut changing = self.lock();
        changing.requests.push_back(request);
        let number = changing.first_request + changing.requests.len() - 1;
        if changing.requests.len() > self.config.keep_requests {
            changing.requests.pop_front();
            changing.first_request += 1;
        }
        drop(changing);
        self.received.send_modify(|received| *received += 1);
        number
    }

    /// Adds to what is known of a request, if it is still kept.
    pub(crate) fn amend(&self, number: usize, amend: impl FnOnce(&mut RequestSeen)) {
        let mut changing = self.lock();
        if let Some(request) = number
            .checked_sub(changing.first_request)
            .and_then(|index| changing.requests.get_mut(index))
        {
            amend(request);
        }
    }
}
