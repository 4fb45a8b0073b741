//! What an answer that is not 200 means.

use http::{HeaderMap, StatusCode, header::RETRY_AFTER};
use loom_domain::model_failure::{ModelFailure, detail};
use loom_platform::HttpError;
use serde_json::Value;

/// The largest request body that TokenHub reads, in bytes.
pub(crate) const MAX_REQUEST_BYTES: usize = 10 * 1024 * 1024;

/// TokenHub only ever says 1 s; a proxy may say anything.
const DEFAULT_RETRY_AFTER_S: u64 = 1;
const LONGEST_RETRY_AFTER_S: u64 = 60;

/// The failure that an error answer stands for.
pub(crate) fn failure(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> ModelFailure {
    let message = message(body);
    match status.as_u16() {
        400 => bad_request(&message),
        401 => match message.as_str() {
            "authorization required" => ModelFailure::KeyMissing,
            "invalid api key format" => ModelFailure::KeyMalformed,
            _ => ModelFailure::KeyRejected,
        },
        403 if message == "insufficient scope" => ModelFailure::ScopeMissing,
        404 => ModelFailure::EndpointNotFound,
        405 => ModelFailure::MethodNotAllowed,
        413 => ModelFailure::RequestTooLarge,
        429 => too_many(headers, body, &message),
        500 if body.is_empty() => ModelFailure::ServerPanicked,
        502 => bad_gateway(&message),
        status @ 500..=599 => ModelFailure::ServerFailed {
            status,
            detail: detail(&message),
        },
        status => ModelFailure::UnexpectedStatus { status },
    }
}

/// The failure that a call without an answer stands for.
pub(crate) fn transport(error: &HttpError) -> ModelFailure {
    match error {
        HttpError::Denied(host) => ModelFailure::HostDenied {
            detail: detail(host),
        },
        HttpError::Timeout(limit) => ModelFailure::TimedOut {
            after_ms: u64::try_from(limit.as_millis()).unwrap_or(u64::MAX),
        },
        HttpError::Connect(reason) => ModelFailure::CannotConnect {
            detail: detail(reason),
        },
        HttpError::Interrupted(reason) => ModelFailure::Interrupted {
            detail: detail(reason),
        },
        HttpError::TooLarge { limit } => ModelFailure::ReplyTooLarge { limit: *limit },
    }
}

/// TokenHub's message, whichever of its error shapes it is in: `{"error":{"message":…}}`, `{"error":"…"}`, or text.
fn message(body: &[u8]) -> String {
    if let Ok(json) = serde_json::from_slice::<Value>(body) {
        let nested = json.pointer("/error/message").and_then(Value::as_str);
        if let Some(message) = nested.or_else(|| json.get("error").and_then(Value::as_str)) {
            return message.trim().to_owned();
        }
    }
    String::from_utf8_lossy(body).trim().to_owned()
}

fn bad_request(message: &str) -> ModelFailure {
    // TokenHub cannot say 413. With an idempotency key it says the second, for any trouble with reading the body;
    // the client checks the size before it sends, so there it means a connection that broke.
    if message.contains("request body too large") {
        ModelFailure::RequestTooLarge
    } else if message == "failed to read request body" {
        ModelFailure::Interrupted {
            detail: detail(message),
        }
    } else {
        ModelFailure::RequestInvalid {
            detail: detail(message),
        }
    }
}

fn too_many(headers: &HeaderMap, body: &[u8], message: &str) -> ModelFailure {
    if let Some((budget, spent)) = budget(body) {
        return ModelFailure::BudgetExceeded {
            budget_micro_usd: micro(budget),
            spent_micro_usd: micro(spent),
        };
    }
    let seconds = headers
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.trim().parse::<u64>().ok())
        .unwrap_or(DEFAULT_RETRY_AFTER_S);
    let retry_after_ms = seconds.clamp(DEFAULT_RETRY_AFTER_S, LONGEST_RETRY_AFTER_S) * 1_000;
    match message {
        "api key rate limit exceeded" => ModelFailure::KeyRateLimited { retry_after_ms },
        "rate limit exceeded" => ModelFailure::AddressRateLimited { retry_after_ms },
        _ => ModelFailure::RateLimited { retry_after_ms },
    }
}

fn budget(body: &[u8]) -> Option<(f64, f64)> {
    let json: Value = serde_json::from_slice(body).ok()?;
    let budget = json.get("budget_usd")?.as_f64()?;
    Some((
        budget,
        json.get("spent_usd")
            .and_then(Value::as_f64)
            .unwrap_or(budget),
    ))
}

/// US dollars as micro-dollars. The cast saturates, which is right for amounts.
#[allow(clippy::cast_possible_truncation)]
fn micro(usd: f64) -> i64 {
    (usd * 1e6).round() as i64
}

fn bad_gateway(message: &str) -> ModelFailure {
    if message == "no eligible models registered" {
        ModelFailure::NoEligibleModels
    } else if let Some(rest) = message.strip_prefix("all providers failed") {
        ModelFailure::AllProvidersFailed {
            detail: detail(
                rest.trim_start_matches(" for streaming")
                    .trim_start_matches(':'),
            ),
        }
    } else {
        ModelFailure::BadGateway {
            detail: detail(message),
        }
    }
}
