use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{arguments, think};
use crate::conversation::{Message, Reply, Speaker, ToolCall};

/// The reply as it goes into the conversation, so that every upstream accepts it: each call has an id of its own, a
/// name that is one word, and arguments that are a JSON object (some chat templates parse them, and answer 400 to all
/// that follows when they can't). Thoughts are left out; they cost tokens in every later step.
pub fn assistant_message(reply: &Reply) -> Message {
    let tool_calls = reply
        .tool_calls
        .iter()
        .zip(call_ids(&reply.tool_calls))
        .map(|(call, id)| ToolCall {
            id,
            name: word(&call.name),
            arguments: readable(&call.arguments),
        })
        .collect();
    let stripped = think::strip(&reply.content);
    // In text mode the JSON may itself contain the tags; an answer must not vanish from the history.
    let content = if stripped.trim().is_empty() && reply.tool_calls.is_empty() {
        &reply.content
    } else {
        &*stripped
    };
    Message {
        role: Speaker::Assistant,
        content: content.trim().to_owned(),
        tool_calls,
        tool_call_id: None,
    }
}

/// An id for each call: the model's own where it is there and unique.
pub(super) fn call_ids(calls: &[ToolCall]) -> Vec<String> {
    let mut taken: BTreeSet<&str> = BTreeSet::new();
    let own: Vec<Option<&str>> = calls
        .iter()
        .map(|call| Some(call.id.trim()).filter(|id| !id.is_empty() && taken.insert(id)))
        .collect();
    let mut next = 0_usize;
    own.into_iter()
        .map(|id| match id {
            Some(id) => id.to_owned(),
            None => loop {
                let id = format!("call_{next}");
                next += 1;
                if !taken.contains(id.as_str()) {
                    break id;
                }
            },
        })
        .collect()
}

fn word(name: &str) -> String {
    let word: String = name
        .trim()
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || c == '-' {
                c
            } else {
                '_'
            }
        })
        .take(64)
        .collect();
    if word.is_empty() {
        "unknown".to_owned()
    } else {
        word
    }
}

fn readable(text: &str) -> String {
    match arguments::object(text) {
        Ok(object) => Value::Object(object).to_string(),
        Err(_) => json!({"unreadable": crate::prompt::cut::middle(text, 400)}).to_string(),
    }
}
