//! The requests of both routes, or why they are refused.

use serde_json::Value;

use super::MAX_BODY;
use super::outgoing::Outgoing;
use crate::wire::{self, Decoded};

pub(super) fn completions_request(body: &[u8]) -> Result<Decoded, Outgoing> {
    if body.len() > MAX_BODY {
        let refused = Outgoing::openai_error(400, "invalid JSON: http: request body too large");
        return Err(refused.header("Connection", "close"));
    }
    let decoded = wire::decode(body)
        .map_err(|error| Outgoing::openai_error(400, &format!("invalid JSON: {error}")))?;
    if decoded.messages.is_empty() {
        return Err(Outgoing::openai_error(400, "messages is required"));
    }
    Ok(decoded)
}

pub(super) fn native_request(body: &[u8]) -> Result<Decoded, Outgoing> {
    let bad = || Outgoing::plain_error(400, "bad json");
    if body.len() > MAX_BODY {
        return Err(bad().header("Connection", "close"));
    }
    let envelope = wire::first_value(body).map_err(|_| bad())?;
    let request = envelope.get("request").cloned().unwrap_or_default();
    let messages = match request.get("messages") {
        Some(Value::Array(messages)) => messages
            .iter()
            .map(wire::message)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|_| bad())?,
        None | Some(Value::Null) => Vec::new(),
        Some(_) => return Err(bad()),
    };
    if messages.is_empty() {
        return Err(Outgoing::plain_error(400, "messages required"));
    }
    let mut parameters = request
        .get("parameters")
        .and_then(Value::as_object)
        .cloned()
        .unwrap_or_default();
    for taken in ["model", "messages", "stream", "system"] {
        parameters.remove(taken);
    }
    let model = request
        .get("model_hint")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    Ok(Decoded {
        model,
        messages,
        stream: false,
        parameters,
    })
}
