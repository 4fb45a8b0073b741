use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use crate::answer::Answer;
use crate::faults::Faults;
use crate::request::ChatRequestSeen;
use crate::script::Script;

/// Who answers.
#[derive(Clone)]
pub(crate) enum Source {
    Script(Script),
    Respond(Arc<dyn Fn(&ChatRequestSeen) -> Answer + Send + Sync>),
}

/// How the double is set up. Every field is public and has a default that lets a test just talk to it.
#[derive(Clone)]
pub struct Config {
    pub(crate) source: Source,
    /// Where to listen; a free loopback port by default.
    pub listen: SocketAddr,
    /// The keys; by default one with every scope and no limits. The first is [`Running::api_key`](crate::Running).
    pub keys: Vec<Key>,
    /// The registry; by default one model `scripted` of 128,000 tokens at $0.001 and $0.002 per thousand.
    pub models: Vec<Model>,
    /// The providers behind it; by default one, `double`, that always works.
    pub providers: Vec<Provider>,
    /// Names that stand for models: alias and model id.
    pub aliases: Vec<(String, String)>,
    /// The per-address limit; the real default is 60/120, here none.
    pub address_limit: Option<RateLimit>,
    /// The per-key limit of keys that have none of their own; the real default is 60, here none.
    pub key_rps: Option<u32>,
    /// The most that one call may be estimated to cost, in US dollars, before another model is taken.
    pub max_call_usd: f64,
    /// Whether a key's record is remembered for five minutes, so that changes are seen late. False by default.
    pub remember_keys: bool,
    /// Faults that happen by chance, of a seed.
    pub faults: Option<Faults>,
    /// A file to which the ledger is appended, one JSON object a line, and from which it is read at the start.
    pub ledger_file: Option<PathBuf>,
    /// Milliseconds since the epoch; the machine's clock by default.
    pub clock: Option<Arc<dyn Fn() -> i64 + Send + Sync>>,
    /// How many requests are kept for [`Running::requests`](crate::Running); the oldest go first.
    pub keep_requests: usize,
}

impl Config {
    /// A double that follows a script.
    pub fn script(script: Script) -> Self {
        Self::new(Source::Script(script))
    }

    /// A double that asks `respond` for each answer. The same request should have the same answer.
    pub fn respond(respond: impl Fn(&ChatRequestSeen) -> Answer + Send + Sync + 'static) -> Self {
        Self::new(Source::Respond(Arc::new(respond)))
    }

    fn new(source: Source) -> Self {
        Self {
            source,
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            keys: vec![Key::new("double")],
            models: vec![Model::new("scripted", "double")],
            providers: vec![Provider::new("double")],
            aliases: Vec::new(),
            address_limit: None,
            key_rps: None,
            max_call_usd: 0.05,
            remember_keys: false,
            faults: None,
            ledger_file: None,
            clock: None,
            keep_requests: 10_000,
        }
    }

    /// The rate limits that the real one has when nothing is configured.
    #[must_use]
    pub fn with_default_limits(mut self) -> Self {
        self.address_limit = Some(RateLimit {
            rps: 60,
            burst: 120,
        });
        self.key_rps = Some(60);
        self
    }

    /// Faults by chance.
    #[must_use]
    pub fn with_faults(mut self, faults: Faults) -> Self {
        self.faults = Some(faults);
        self
    }

    /// Keeps the ledger in a file.
    #[must_use]
    pub fn with_ledger_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.ledger_file = Some(path.into());
        self
    }
}

impl From<Script> for Config {
    fn from(script: Script) -> Self {
        Self::script(script)
    }
}

/// A token bucket: so many requests a second, refilled in whole seconds, and so many at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// Requests a second.
    pub rps: u32,
    /// The bucket's size.
    pub burst: u32,
}

/// An API key.
#[derive(Debug, Clone, PartialEq)]
pub struct Key {
    /// Names it in the ledger.
    pub id: String,
    /// The secret: `tokenhub_` and 64 hexadecimal digits.
    pub secret: String,
    /// TokenHub's scopes: a JSON array *as a string*, or empty for all.
    pub scopes: String,
    /// Whether it is accepted.
    pub enabled: bool,
    /// US dollars a month; 0 is without limit.
    pub monthly_budget_usd: f64,
    /// What was spent of it before the double started, in US dollars.
    pub spent_usd: f64,
    /// Requests a second: 0 is the global limit, -1 none.
    pub rate_limit_rps: i32,
}

impl Key {
    /// A key for everything, without limits. Its secret is derived from `id`, so that it is the same in every run.
    pub fn new(id: &str) -> Self {
        use sha2::{Digest, Sha256};
        let hex: String = Sha256::digest(id.as_bytes())
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        Self {
            id: id.to_owned(),
            secret: format!("tokenhub_{hex}"),
            scopes: String::new(),
            enabled: true,
            monthly_budget_usd: 0.0,
            spent_usd: 0.0,
            rate_limit_rps: 0,
        }
    }
}

/// A model in the registry.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    /// Registry id.
    pub id: String,
    /// Its provider.
    pub provider: String,
    /// 0 to 10; the heavier is preferred when nobody asks for a model.
    pub weight: u32,
    /// The context window in tokens; 0 is unknown.
    pub max_context_tokens: u64,
    /// US dollars for a thousand tokens read.
    pub input_per_1k: f64,
    /// US dollars for a thousand tokens written.
    pub output_per_1k: f64,
    /// Whether it may be used.
    pub enabled: bool,
}

impl Model {
    /// An enabled model of 128,000 tokens at $0.001 and $0.002 per thousand.
    pub fn new(id: &str, provider: &str) -> Self {
        Self {
            id: id.to_owned(),
            provider: provider.to_owned(),
            weight: 5,
            max_context_tokens: 128_000,
            input_per_1k: 0.001,
            output_per_1k: 0.002,
            enabled: true,
        }
    }
}

/// A provider behind TokenHub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provider {
    /// Names it in the registry.
    pub id: String,
    /// Status and body that it answers every call with; `None` while it works.
    pub failing: Option<(u16, String)>,
}

impl Provider {
    /// A provider that works.
    pub fn new(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            failing: None,
        }
    }
}
