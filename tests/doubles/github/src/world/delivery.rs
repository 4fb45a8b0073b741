use serde_json::Value;

/// A webhook of a repository.
#[derive(Debug, Clone)]
pub(crate) struct Hook {
    pub(crate) id: u64,
    pub(crate) url: String,
    pub(crate) secret: String,
    /// Names of events, or `*`.
    pub(crate) events: Vec<String>,
    pub(crate) active: bool,
    pub(crate) created_at: String,
}

impl Hook {
    /// Whether it is told of an event.
    pub(crate) fn takes(&self, event: &str) -> bool {
        self.active
            && (event == "ping" || self.events.iter().any(|name| name == "*" || name == event))
    }
}

/// One attempt to deliver an event.
#[derive(Debug, Clone)]
pub(crate) struct Delivery {
    pub(crate) id: u64,
    pub(crate) guid: String,
    /// The repository's hook; `None` is the App's.
    pub(crate) hook: Option<u64>,
    pub(crate) url: String,
    pub(crate) secret: String,
    pub(crate) event: String,
    pub(crate) action: Option<String>,
    pub(crate) repository: Option<u64>,
    pub(crate) installation: Option<u64>,
    pub(crate) redelivery: bool,
    pub(crate) payload: Value,
    pub(crate) created: i64,
    pub(crate) delivered_at: String,
    pub(crate) seconds: f64,
    /// As in `OK`, `timed out` or `failed to connect to host`; empty until it was tried.
    pub(crate) status: String,
    pub(crate) status_code: u16,
    pub(crate) request_headers: Vec<(String, String)>,
    pub(crate) response_headers: Vec<(String, String)>,
    pub(crate) response: String,
    /// How long to wait before it is sent, in milliseconds.
    pub(crate) delay_ms: u64,
    /// Whether it is lost on its way.
    pub(crate) lost: bool,
}

impl Delivery {
    /// Whether it was tried.
    pub(crate) fn done(&self) -> bool {
        !self.status.is_empty()
    }

    /// Whether it was tried and taken.
    pub(crate) fn taken(&self) -> bool {
        (200..300).contains(&self.status_code)
    }
}
