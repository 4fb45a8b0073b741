//! The client of the LLM proxy TokenHub.

use std::time::Duration;

use loom_domain::conversation::{Message, Reply};
use loom_domain::model_failure::ModelFailure;
use loom_platform::HttpClient;

/// The time limit of one call that is not a stream. TokenHub itself gives up on a call after 120 s and then answers;
/// a client that hangs up earlier makes it book an error against every healthy provider.
pub const TIMEOUT: Duration = Duration::from_secs(125);

/// A client of one TokenHub with one key.
pub struct Client<H: HttpClient> {
    _http: H,
}

/// One turn of a conversation to be completed.
#[derive(Debug, Clone, PartialEq)]
pub struct ChatRequest {
    /// The model that is wanted: a registry id or alias of TokenHub. `None` lets TokenHub choose.
    pub model: Option<String>,
    /// The conversation so far; must not be empty.
    pub messages: Vec<Message>,
    /// OpenAI tool objects (`{"type":"function","function":{…}}`).
    pub tools: Vec<serde_json::Value>,
    /// Sampling temperature.
    pub temperature: Option<f64>,
    /// The longest reply, in tokens.
    pub max_tokens: Option<u32>,
    /// Same key and same bytes within five minutes: TokenHub gives its first answer again without paying twice.
    pub idempotency_key: String,
    /// Names the call in TokenHub's logs and at the provider.
    pub request_id: String,
}

/// Tokens of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenUsage {
    /// Tokens read.
    pub prompt_tokens: u64,
    /// Tokens written.
    pub completion_tokens: u64,
    /// Whether these are a guess (four characters a token) because TokenHub reported none.
    pub estimated: bool,
}

/// A completed turn.
#[derive(Debug, Clone, PartialEq)]
pub struct ChatReply {
    /// What the model answered.
    pub reply: Reply,
    /// The registry id of the model that answered, which may not be the one asked for.
    pub model_given: String,
    /// Always there from this client: as reported, or estimated and marked so.
    pub usage: Option<TokenUsage>,
    /// Whether TokenHub gave an earlier answer to the same key again; it was not paid again.
    pub replayed: bool,
    /// Whether another model than the one asked for answered. Normal at TokenHub, and not a failure.
    pub substituted: bool,
}

/// A model as TokenHub lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Model {
    /// Registry id.
    pub id: String,
    /// The context window in tokens, if known.
    pub context_length: Option<u32>,
}

/// TokenHub's own health.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Health {
    /// Provider adapters.
    pub adapters: u32,
    /// Registered models, disabled ones included.
    pub models: u32,
}

impl<H: HttpClient> Client<H> {
    /// A client for `endpoint` (with or without `/v1`) that authenticates by `api_key`.
    pub fn new(http: H, endpoint: &str, api_key: &str) -> Self {
        let _ = (endpoint, api_key);
        Self { _http: http }
    }

    /// Completes one turn.
    pub async fn complete(&self, request: &ChatRequest) -> Result<ChatReply, ModelFailure> {
        let _ = request;
        Err(ModelFailure::EndpointInvalid)
    }

    /// The enabled models.
    pub async fn models(&self) -> Result<Vec<Model>, ModelFailure> {
        Err(ModelFailure::EndpointInvalid)
    }

    /// Whether TokenHub has anything to work with.
    pub async fn health(&self) -> Result<Health, ModelFailure> {
        Err(ModelFailure::EndpointInvalid)
    }
}
