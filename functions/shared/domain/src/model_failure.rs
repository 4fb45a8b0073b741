//! Why a call to a language model failed, and what follows from it.
//!
//! [`ModelFailure`] has one variant for each situation that can be told apart on the wire (TokenHub at revision
//! `04bdf28ed`); [`TABLE`] says, as data, what Loom does about each: try again later, stop and ask the CEO, or fail
//! the run. [`response`] applies it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The longest text of another system that a failure keeps, in characters.
pub const MAX_DETAIL_CHARS: usize = 300;

/// Why a call to TokenHub gave no usable reply.
///
/// [`Display`](fmt::Display) says what happened, why, and what to do next, in sentences that are fit for any user:
/// they never contain a key, nor text of TokenHub or of a provider behind it. That text is in the `detail` fields,
/// for logs and operators; build them with [`detail`], which caps and cleans it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum ModelFailure {
    /// 401: no key was sent.
    KeyMissing,
    /// 401: the key does not have the form of a TokenHub key, or cannot be sent in a header at all.
    KeyMalformed,
    /// 401: the key is unknown, disabled or expired; TokenHub does not say which.
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
    /// 429 of another shape, as a proxy in front of TokenHub would send it.
    RateLimited {
        /// `Retry-After`, in milliseconds.
        retry_after_ms: u64,
    },
    /// 400: TokenHub could not read the request.
    RequestInvalid {
        /// TokenHub's own message.
        detail: String,
    },
    /// 400 for its size: the request exceeds 10 MiB. TokenHub never answers 413, but a proxy may.
    RequestTooLarge,
    /// 502: every enabled model was tried. Rate limits, refused requests and too long conversations of providers all
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
    /// 404: there is no such route, so something else answers at this address. Never means that a model is unknown.
    EndpointNotFound,
    /// 405: as [`EndpointNotFound`](Self::EndpointNotFound), for the method.
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
    /// No complete answer within the limit.
    TimedOut {
        /// The limit, in milliseconds.
        after_ms: u64,
    },
    /// The connection broke before the answer was complete.
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
    /// 200, but the "reply" is a provider's error that TokenHub wrapped as if the model had said it.
    NotModelOutput {
        /// The start of the text.
        detail: String,
    },
    /// 200 without a choice in it.
    NoChoices,
    /// 200 with a body that is not what the route answers with.
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
        /// minutes under its key: with the old one, a retry after an unusable 200 would be given that 200 again.
        /// When false, key and body must stay as they are, so that a reply that was computed but lost is not paid
        /// twice.
        new_key: bool,
    },
    /// Stop the run and put one decision to the CEO: nothing that the system does by itself can help.
    Escalate,
    /// Fail the run; the bead's next attempt begins with a fresh conversation.
    Fail,
}

/// What is left to do when a failure is not, or no longer, tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Last {
    /// [`Response::Escalate`].
    Escalate,
    /// [`Response::Fail`].
    Fail,
}

/// How often and when a failed call is made again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retries {
    /// How many calls are made in all, the first included.
    pub calls: u32,
    /// The wait after the first failure, in milliseconds; it doubles with each further one.
    pub first_ms: u64,
    /// The longest wait, in milliseconds.
    pub longest_ms: u64,
    /// See [`Response::Retry`].
    pub new_key: bool,
}

/// One line of [`TABLE`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// The failure's stable code.
    pub code: &'static str,
    /// Whether it is tried again first.
    pub retries: Option<Retries>,
    /// What happens then.
    pub last: Last,
    /// The sentence that tells a reader what to do.
    pub advice: &'static str,
}

/// Trying again with the same key, which never pays twice.
const fn same_key(calls: u32, first_ms: u64, longest_ms: u64) -> Option<Retries> {
    Some(Retries {
        calls,
        first_ms,
        longest_ms,
        new_key: false,
    })
}

/// Trying again with another key, because TokenHub has stored the answer under this one.
const fn new_key(calls: u32, first_ms: u64, longest_ms: u64) -> Option<Retries> {
    Some(Retries {
        calls,
        first_ms,
        longest_ms,
        new_key: true,
    })
}

const AT_ONCE: Option<Retries> = None;

macro_rules! table {
    ($($variant:ident $code:literal $retries:expr, $last:ident, $advice:literal;)*) => {
        /// What Loom does about each failure; see [`response`].
        ///
        /// Configuration errors go to a person at once. What passes by itself is tried again, and what does not pass
        /// becomes a decision if no conversation could succeed, or fails the run if this one may be the cause.
        pub const TABLE: &[Row] =
            &[$(Row { code: $code, retries: $retries, last: Last::$last, advice: $advice }),*];

        impl ModelFailure {
            /// The failure's line of [`TABLE`].
            pub const fn row(&self) -> Row {
                match self {
                    $(Self::$variant { .. } =>
                        Row { code: $code, retries: $retries, last: Last::$last, advice: $advice },)*
                }
            }
        }
    };
}

table! {
    KeyMissing "key_missing" AT_ONCE, Escalate,
        "Set tokenhub_api_key to a TokenHub key with the scope chat.";
    KeyMalformed "key_malformed" AT_ONCE, Escalate,
        "Set tokenhub_api_key to the whole key, which starts with tokenhub_.";
    KeyRejected "key_rejected" AT_ONCE, Escalate,
        "Check at TokenHub that the key is enabled and not expired, or set tokenhub_api_key to another.";
    ScopeMissing "scope_missing" AT_ONCE, Escalate,
        "Give the key the scope chat at TokenHub; it can take five minutes to be seen.";
    BudgetExceeded "budget_exceeded" AT_ONCE, Escalate,
        "Raise the key's monthly budget at TokenHub, or wait for the next month.";
    KeyRateLimited "key_rate_limited" same_key(10, 1_000, 30_000), Fail,
        "Loom tries again by itself; if it happens often, raise the key's rate limit at TokenHub.";
    AddressRateLimited "address_rate_limited" same_key(10, 1_000, 30_000), Fail,
        "Loom tries again by itself; if it happens often, raise TokenHub's rate limit.";
    RateLimited "rate_limited" same_key(10, 1_000, 30_000), Fail,
        "Loom tries again by itself; if it happens often, look at what stands in front of TokenHub.";
    RequestInvalid "request_invalid" AT_ONCE, Fail,
        "The next attempt begins with a fresh conversation; if it happens again, report it as a bug of Loom.";
    RequestTooLarge "request_too_large" AT_ONCE, Fail,
        "The next attempt begins with a fresh conversation.";
    AllProvidersFailed "all_providers_failed" same_key(4, 30_000, 120_000), Fail,
        "Loom tries again by itself; TokenHub's log says what the providers answered.";
    NoEligibleModels "no_eligible_models" same_key(4, 30_000, 120_000), Escalate,
        "Register and enable a model with a working provider at TokenHub.";
    BadGateway "bad_gateway" same_key(4, 10_000, 120_000), Fail,
        "Loom tries again by itself; TokenHub's log has the reason.";
    ServerPanicked "server_panicked" same_key(3, 5_000, 60_000), Fail,
        "Loom tries again by itself; TokenHub's log has the panic.";
    ServerFailed "server_failed" same_key(5, 5_000, 60_000), Fail,
        "Loom tries again by itself; TokenHub's log has the reason.";
    EndpointNotFound "endpoint_not_found" AT_ONCE, Escalate,
        "Check tokenhub_url: it should be TokenHub's base address, such as http://127.0.0.1:8090.";
    MethodNotAllowed "method_not_allowed" AT_ONCE, Escalate,
        "Check tokenhub_url: it should be TokenHub's base address, such as http://127.0.0.1:8090.";
    UnexpectedStatus "unexpected_status" AT_ONCE, Escalate,
        "Check tokenhub_url, and any proxy in front of TokenHub.";
    EndpointInvalid "endpoint_invalid" AT_ONCE, Escalate,
        "Set tokenhub_url to TokenHub's base address, such as http://127.0.0.1:8090.";
    HostDenied "host_denied" AT_ONCE, Escalate,
        "Add the address to the function's allowed_outbound_hosts in spin.toml.";
    CannotConnect "cannot_connect" same_key(8, 1_000, 60_000), Escalate,
        "Check that TokenHub runs and that tokenhub_url is its address.";
    TimedOut "timed_out" same_key(3, 5_000, 60_000), Fail,
        "Loom tries again by itself; if it happens often, a provider behind TokenHub hangs.";
    Interrupted "interrupted" same_key(5, 2_000, 60_000), Fail,
        "Loom tries again by itself.";
    ReplyTooLarge "reply_too_large" new_key(2, 2_000, 2_000), Fail,
        "Loom asks once more; a lower max_tokens for the model prevents it.";
    StreamTruncated "stream_truncated" same_key(3, 2_000, 30_000), Fail,
        "Loom asks again by itself.";
    StreamFailed "stream_failed" same_key(3, 5_000, 30_000), Fail,
        "Loom asks again by itself.";
    NotModelOutput "not_model_output" new_key(3, 5_000, 60_000), Fail,
        "Loom asks again by itself; if it happens often, check the provider's configuration at TokenHub.";
    NoChoices "no_choices" new_key(3, 5_000, 60_000), Fail,
        "Loom asks again by itself; if it happens often, check the provider's configuration at TokenHub.";
    Unreadable "unreadable" new_key(3, 5_000, 60_000), Escalate,
        "Check that TokenHub, and nothing else, answers at tokenhub_url.";
}

/// What to do about `failure` when `attempt` calls for this reply have been made, the failed one included (so 1
/// after the first).
///
/// Waits double from the row's first to its longest. A `Retry-After` counts where it is longer.
pub fn response(failure: &ModelFailure, attempt: u32) -> Response {
    let row = failure.row();
    match (row.retries, row.last) {
        (Some(retries), _) if attempt < retries.calls => {
            let doublings = attempt.saturating_sub(1).min(32);
            let back_off = retries
                .first_ms
                .saturating_mul(1 << doublings)
                .min(retries.longest_ms);
            Response::Retry {
                after_ms: back_off.max(failure.retry_after_ms()),
                new_key: retries.new_key,
            }
        }
        (_, Last::Escalate) => Response::Escalate,
        (_, Last::Fail) => Response::Fail,
    }
}

impl ModelFailure {
    /// The stable `snake_case` code; the same word that serialisation tags the value with.
    pub const fn code(&self) -> &'static str {
        self.row().code
    }

    /// Whether a provider may have been paid for this call although there is no usable reply. Until that is known to
    /// be false, a reserved cost should be booked as spent, not released.
    pub const fn may_have_been_paid(&self) -> bool {
        matches!(
            self,
            Self::TimedOut { .. }
                | Self::Interrupted { .. }
                | Self::ReplyTooLarge { .. }
                | Self::StreamTruncated { .. }
                | Self::StreamFailed { .. }
                | Self::NotModelOutput { .. }
                | Self::NoChoices
                | Self::Unreadable { .. }
                | Self::ServerPanicked
                | Self::ServerFailed { .. }
        )
    }

    /// Text of TokenHub, a provider or the system that belongs to the failure: for logs and operators only.
    pub fn detail(&self) -> Option<&str> {
        match self {
            Self::RequestInvalid { detail }
            | Self::AllProvidersFailed { detail }
            | Self::BadGateway { detail }
            | Self::ServerFailed { detail, .. }
            | Self::HostDenied { detail }
            | Self::CannotConnect { detail }
            | Self::Interrupted { detail }
            | Self::StreamFailed { detail }
            | Self::NotModelOutput { detail }
            | Self::Unreadable { detail } => {
                Some(detail.as_str()).filter(|detail| !detail.is_empty())
            }
            _ => None,
        }
    }

    const fn retry_after_ms(&self) -> u64 {
        match self {
            Self::KeyRateLimited { retry_after_ms }
            | Self::AddressRateLimited { retry_after_ms }
            | Self::RateLimited { retry_after_ms } => *retry_after_ms,
            _ => 0,
        }
    }

    fn what_happened(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::KeyMissing => f.write_str("TokenHub refused the call because no API key was sent."),
            Self::KeyMalformed => {
                f.write_str("TokenHub refused the call because the API key does not look like one of its keys.")
            }
            Self::KeyRejected => f.write_str(
                "TokenHub refused the call because it does not know the API key, or the key is disabled or expired.",
            ),
            Self::ScopeMissing => {
                f.write_str("TokenHub refused the call because the API key may not be used for chat.")
            }
            Self::BudgetExceeded { budget_micro_usd, spent_micro_usd } => write!(
                f,
                "TokenHub refused the call because the API key's monthly budget of {} is spent ({}).",
                Usd(*budget_micro_usd),
                Usd(*spent_micro_usd)
            ),
            Self::KeyRateLimited { .. } => {
                f.write_str("TokenHub refused the call because the API key makes too many calls a second.")
            }
            Self::AddressRateLimited { .. } => {
                f.write_str("TokenHub refused the call because this address makes too many calls a second.")
            }
            Self::RateLimited { .. } => f.write_str("The call was refused because there are too many of them."),
            Self::RequestInvalid { .. } => f.write_str("TokenHub could not read the request."),
            Self::RequestTooLarge => {
                f.write_str("The conversation is larger than the 10 MiB that TokenHub accepts.")
            }
            Self::AllProvidersFailed { .. } => f.write_str(
                "TokenHub tried every model and none answered: providers are down or limited, or refuse this \
                 conversation (it may be too long).",
            ),
            Self::NoEligibleModels => {
                f.write_str("TokenHub has no model that it may use now: none is enabled, or all are in cooldown.")
            }
            Self::BadGateway { .. } => f.write_str("TokenHub could not reach what lies behind it."),
            Self::ServerPanicked => f.write_str("TokenHub broke down while it handled the call."),
            Self::ServerFailed { status, .. } => write!(f, "TokenHub failed with status {status}."),
            Self::EndpointNotFound => {
                f.write_str("There is no such route at TokenHub's address, so something else answers there.")
            }
            Self::MethodNotAllowed => f.write_str(
                "The route at TokenHub's address does not take this method, so something else answers there.",
            ),
            Self::UnexpectedStatus { status } => {
                write!(f, "The call was answered with status {status}, which TokenHub never sends.")
            }
            Self::EndpointInvalid => f.write_str("TokenHub's configured address is not an http or https URL."),
            Self::HostDenied { .. } => f.write_str("This function may not call TokenHub's address."),
            Self::CannotConnect { .. } => f.write_str("No connection to TokenHub could be made."),
            Self::TimedOut { after_ms } => {
                write!(f, "TokenHub gave no complete answer within {} s.", after_ms / 1_000)
            }
            Self::Interrupted { .. } => {
                f.write_str("The connection to TokenHub broke before the answer was complete.")
            }
            Self::ReplyTooLarge { limit } => write!(f, "The answer is larger than the {limit} bytes that Loom reads."),
            Self::StreamTruncated { received_chars } => write!(
                f,
                "The model's reply broke off after {received_chars} characters, because its provider failed in the \
                 middle of it."
            ),
            Self::StreamFailed { .. } => f.write_str("The model's provider reported an error in the middle of a reply."),
            Self::NotModelOutput { .. } => {
                f.write_str("What came as the model's reply is an error message of its provider.")
            }
            Self::NoChoices => f.write_str("TokenHub answered without a reply of the model."),
            Self::Unreadable { .. } => f.write_str("TokenHub's answer is not in the form it should have."),
        }
    }
}

impl fmt::Display for ModelFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.what_happened(f)?;
        write!(f, " {}", self.row().advice)
    }
}

impl std::error::Error for ModelFailure {}

/// Micro-US-dollars for reading: at least two decimals, and no more than needed.
struct Usd(i64);

impl fmt::Display for Usd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micro = self.0.unsigned_abs();
        let fraction = format!("{:06}", micro % 1_000_000);
        let kept = fraction.trim_end_matches('0').len().max(2);
        let sign = if self.0 < 0 { "-" } else { "" };
        write!(f, "{sign}${}.{:.kept$}", micro / 1_000_000, fraction)
    }
}

/// Text of another system made fit to be kept in a failure: one line, at most [`MAX_DETAIL_CHARS`] characters, and
/// with everything that looks like a key or token replaced by `[redacted]`.
pub fn detail(text: &str) -> String {
    let mut clean = String::new();
    let mut word = String::new();
    let mut after_bearer = false;
    // Text beyond this cannot show up in the result, so a huge body costs no more than a small one.
    let window = text
        .char_indices()
        .nth(MAX_DETAIL_CHARS * 4)
        .map_or(text, |(end, _)| text.split_at(end).0);
    for c in window.chars().chain([' ']) {
        if c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '+' | '=' | '~') {
            word.push(c);
            continue;
        }
        if !word.is_empty() {
            let secret = after_bearer || looks_secret(&word);
            after_bearer = word.eq_ignore_ascii_case("bearer");
            clean.push_str(if secret { "[redacted]" } else { &word });
            word.clear();
        }
        let c = if c.is_whitespace() || c.is_control() || is_invisible(c) {
            ' '
        } else {
            c
        };
        if c != ' ' || !(clean.is_empty() || clean.ends_with(' ')) {
            clean.push(c);
        }
    }
    let clean = clean.trim_end();
    match clean.char_indices().nth(MAX_DETAIL_CHARS - 1) {
        Some((end, _)) if clean.chars().count() > MAX_DETAIL_CHARS => {
            format!("{}…", clean.split_at(end).0)
        }
        _ => clean.to_owned(),
    }
}

/// Known prefixes of keys, and long runs of letters mixed with digits.
fn looks_secret(word: &str) -> bool {
    const PREFIXES: [&str; 8] = [
        "tokenhub_",
        "sk-",
        "sk_",
        "ghp_",
        "gho_",
        "github_pat_",
        "xoxb-",
        "eyJ",
    ];
    let long = word.len() >= 32
        && word.bytes().any(|b| b.is_ascii_digit())
        && word.bytes().any(|b| b.is_ascii_alphabetic());
    long || PREFIXES.iter().any(|prefix| word.starts_with(prefix))
}

/// Marks that reorder or hide text, which could make a log line read as something else.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
#[path = "model_failure_tests.rs"]
mod tests;
