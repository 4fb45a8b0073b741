//! From a 200 answer to a reply. Every function takes whatever bytes came and never panics.

use loom_domain::conversation::{Reply, ToolCall};
use loom_domain::model_failure::{ModelFailure, detail};
use serde_json::Value;

use crate::chat::TokenUsage;

/// A chat completion, as far as its body goes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Completion {
    pub(crate) reply: Reply,
    pub(crate) model: Option<String>,
    pub(crate) usage: Option<TokenUsage>,
}

/// Reads the body of a `/v1/chat/completions` answer.
pub(crate) fn completion(body: &[u8]) -> Result<Completion, ModelFailure> {
    let json: Value =
        serde_json::from_slice(body).map_err(|error| unreadable(&error.to_string(), body))?;
    let Some(object) = json.as_object() else {
        return Err(unreadable("not a JSON object", body));
    };
    let first = json
        .pointer("/choices/0/message")
        .filter(|message| message.is_object());
    let Some(message) = first else {
        return Err(match object.get("error").filter(|error| !error.is_null()) {
            Some(error) => ModelFailure::NotModelOutput {
                detail: detail(&error.to_string()),
            },
            None => ModelFailure::NoChoices,
        });
    };
    let content = text(message.get("content"));
    let tool_calls = tool_calls(message);
    let usage = usage(json.get("usage"));
    if usage.is_none() && tool_calls.is_empty() && is_error_text(&content) {
        return Err(ModelFailure::NotModelOutput {
            detail: detail(&content),
        });
    }
    let finish_reason = match json
        .pointer("/choices/0/finish_reason")
        .and_then(Value::as_str)
    {
        Some(reason) if !reason.is_empty() => reason,
        _ if tool_calls.is_empty() => "stop",
        _ => "tool_calls",
    };
    Ok(Completion {
        reply: Reply {
            content,
            tool_calls,
            finish_reason: finish_reason.to_owned(),
        },
        model: object
            .get("model")
            .and_then(Value::as_str)
            .map(str::to_owned),
        usage,
    })
}

fn unreadable(reason: &str, body: &[u8]) -> ModelFailure {
    ModelFailure::Unreadable {
        detail: detail(&format!("{reason}: {}", String::from_utf8_lossy(body))),
    }
}

/// The text of a message: a string, parts, or nothing.
fn text(content: Option<&Value>) -> String {
    match content {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(parts)) => parts
            .iter()
            .filter_map(|part| part.get("text").and_then(Value::as_str))
            .collect(),
        _ => String::new(),
    }
}

fn tool_calls(message: &Value) -> Vec<ToolCall> {
    let calls = message
        .get("tool_calls")
        .and_then(Value::as_array)
        .map_or(&[][..], Vec::as_slice);
    let mut read: Vec<ToolCall> = calls
        .iter()
        .map(|call| {
            let function = call.get("function").unwrap_or(&Value::Null);
            ToolCall {
                id: string(call.get("id")),
                name: string(function.get("name")),
                arguments: arguments(function),
            }
        })
        .collect();
    // Before tool calls there was one function call, and some servers still answer so.
    if let Some(function) = message
        .get("function_call")
        .filter(|call| call.is_object() && read.is_empty())
    {
        read.push(ToolCall {
            id: String::new(),
            name: string(function.get("name")),
            arguments: arguments(function),
        });
    }
    name_calls(&mut read);
    read
}

fn string(value: Option<&Value>) -> String {
    value.and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// Arguments should be JSON in a string; some servers send the JSON itself.
fn arguments(function: &Value) -> String {
    match function.get("arguments") {
        Some(Value::String(text)) => text.clone(),
        None | Some(Value::Null) => String::new(),
        Some(json) => json.to_string(),
    }
}

/// Makes every call's id non-empty and unique in its reply, so that results can name their call.
pub(crate) fn name_calls(calls: &mut [ToolCall]) {
    let mut seen = std::collections::BTreeSet::new();
    for (index, call) in calls.iter_mut().enumerate() {
        if call.id.is_empty() {
            call.id = format!("call_{index}");
        }
        while !seen.insert(call.id.clone()) {
            call.id = format!("{}_{index}", call.id);
        }
    }
}

/// The token counts, unless there are none. Zero for both is what servers send that don't count.
pub(crate) fn usage(usage: Option<&Value>) -> Option<TokenUsage> {
    let count = |name: &str| usage?.get(name)?.as_u64();
    let (prompt, completion) = (count("prompt_tokens"), count("completion_tokens"));
    let usage = TokenUsage {
        prompt_tokens: prompt.unwrap_or(0),
        completion_tokens: completion.unwrap_or(0),
        estimated: false,
    };
    (usage.prompt_tokens > 0 || usage.completion_tokens > 0).then_some(usage)
}

/// Whether text that came without usage is not the model's: TokenHub wraps any 200 of a provider that it does not
/// understand, a JSON error or an HTML page for example, as if the model had said it.
fn is_error_text(text: &str) -> bool {
    let text = text.trim();
    let page = text.get(..9).unwrap_or(text).to_ascii_lowercase();
    if page.starts_with("<html") || page.starts_with("<!doctype") {
        return true;
    }
    match serde_json::from_str::<Value>(text) {
        Ok(Value::Object(object)) => object.get("error").is_some_and(|error| !error.is_null()),
        _ => false,
    }
}
