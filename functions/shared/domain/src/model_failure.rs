//! Why a call to a language model failed, and what follows from it.
//!
//! [`ModelFailure`] has one variant for each situation that can be told apart on the wire (TokenHub at revision
//! `04bdf28ed`); [`TABLE`] says, as data, what Loom does about each: try again later, stop and ask the CEO, or fail
//! the run. [`response`] looks it up.

use serde::{Deserialize, Serialize};

/// The longest text of another system that a failure keeps, in characters.
pub const MAX_DETAIL_CHARS: usize = 300;

/// Why a call to TokenHub gave no usable reply.
///
/// [`Display`](std::fmt::Display) says what happened, why, and what to do next, in sentences that are fit for any
/// user: it never contains a key, and never text of an upstream provider. The `detail` fields are for logs and
/// operators; build them with [`detail`], which caps and cleans them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum ModelFailure {
    /// 401: no key was sent.
    KeyMissing,
    /// 401: the key does not have the form of a TokenHub key, or cannot be sent in a header at all.
    KeyMalformed,
    /// 401: the key is unknown, disabled or expired (TokenHub does not say which).
    KeyRejected,
    /// 403: the key's scopes do not include this route.
    ScopeMissing,
    /// 429 with a JSON body: the key's monthly budget is spent. Trying again cannot help before the month ends or
    /// someone raises it.
    BudgetExceeded {
        /// The key's monthly budget, in micro-US-dollars.
        budget_micro_usd: i64,
        /// What was spent of it, in micro-US-dollars.
        spent_micro_usd: i64,
    },
    /// 429 in plain text: too many calls a second with this key.
    KeyRateLimited {
        /// TokenHub's `Retry-After`, in milliseconds.
        retry_after_ms: u64,
    },
    /// 429 in plain text: too many calls a second from this address.
    AddressRateLimited {
        /// TokenHub's `Retry-After`, in milliseconds.
        retry_after_ms: u64,
    },
    /// 429 of another shape, as a proxy in front of TokenHub would send.
    RateLimited {
        /// `Retry-After`, in milliseconds.
        retry_after_ms: u64,
    },
    /// 400: TokenHub could not read the request.
    RequestInvalid {
        /// TokenHub's own message.
        detail: String,
    },
    /// 400 for its size: the request exceeds 10 MiB (TokenHub never answers 413; a proxy may).
    RequestTooLarge,
    /// 502: every enabled model was tried. Rate limits, rejected requests and too long conversations of providers all
    /// look like this.
    AllProvidersFailed {
        /// What the last provider said, where TokenHub passes it on (streams only).
        detail: String,
    },
    /// 502: no model is registered, or every provider is in its 30 s cooldown.
    NoEligibleModels,
    /// 502 with another message.
    BadGateway {
        /// The message.
        detail: String,
    },
    /// 500 with an empty body: TokenHub's handler panicked.
    ServerPanicked,
    /// Any other 5xx.
    ServerFailed {
        /// The HTTP status.
        status: u16,
        /// The start of the body.
        detail: String,
    },
    /// 404: TokenHub has no such route, so something else answers at this address or the path is wrong. Never means
    /// that a model is unknown.
    EndpointNotFound,
    /// 405: the route exists but not for this method; as [`EndpointNotFound`](Self::EndpointNotFound).
    MethodNotAllowed,
    /// A status that TokenHub never sends here.
    UnexpectedStatus {
        /// The HTTP status.
        status: u16,
    },
    /// The configured address is not an `http` or `https` URL.
    EndpointInvalid,
    /// This function's manifest entry does not grant the host.
    HostDenied {
        /// The host.
        detail: String,
    },
    /// No connection could be made; TokenHub has not seen the request.
    CannotConnect {
        /// The system's reason.
        detail: String,
    },
    /// No complete answer within the limit. The model may have been paid.
    TimedOut {
        /// The limit, in milliseconds.
        after_ms: u64,
    },
    /// The connection broke before the answer was complete. The model may have been paid.
    Interrupted {
        /// The system's reason.
        detail: String,
    },
    /// The answer is larger than Loom reads.
    ReplyTooLarge {
        /// Loom's limit, in bytes.
        limit: usize,
    },
    /// A stream ended without `[DONE]` and without a `finish_reason`: the provider died in mid-sentence, which
    /// TokenHub does not report.
    StreamTruncated {
        /// How many characters of text had arrived.
        received_chars: usize,
    },
    /// A stream carried an error in place of a chunk.
    StreamFailed {
        /// The start of that error.
        detail: String,
    },
    /// 200, but the "reply" is a provider's error that TokenHub wrapped as the model's words.
    NotModelOutput {
        /// The start of the text.
        detail: String,
    },
    /// 200 without a choice in it.
    NoChoices,
    /// 200 with a body that is not a chat completion.
    Unreadable {
        /// What is wrong with it.
        detail: String,
    },
}

/// What Loom does about a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Response {
    /// Make the same call again.
    Retry {
        /// How long to wait first, in milliseconds.
        after_ms: u64,
        /// Whether the next call needs another idempotency key. TokenHub keeps every answer below 500 for five
        /// minutes under its key: a retry of an unusable 200 with the old key would be given the same answer again.
        /// With false the key must stay, so that a reply that was computed but lost is not paid twice.
        new_key: bool,
    },
    /// Stop the run and put one decision to the CEO: nothing that the system does by itself can help.
    Escalate,
    /// Fail the run; the bead's next attempt begins with a fresh conversation.
    Fail,
}

/// What to do about `failure` when `attempt` calls (1 for the first) of this step have failed.
///
/// Waits double from the row's first to its longest; `Retry-After` counts where it is longer.
pub fn response(failure: &ModelFailure, attempt: u32) -> Response {
    let _ = (failure, attempt);
    Response::Fail
}
