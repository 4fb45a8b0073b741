use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::task::task_within;
use super::tokens::{message_tokens, tools_tokens};
use super::{PromptContext, cut, fence, progress, system};
use crate::conversation::{Message, Speaker, ToolCall};

/// A message of the newest turn is not shortened below about this many bytes.
pub const MIN_MESSAGE_BYTES: usize = 1_000;

/// How often the task's limits may be halved.
const SHRINKS: [usize; 6] = [1, 2, 4, 8, 16, 32];

/// Tokens that messages may take: 85 % of the window (the estimate is one), without the answer and the tool list.
pub fn usable_tokens(
    context: &PromptContext<'_>,
    window_tokens: usize,
    max_output: usize,
) -> usize {
    let tools = if context.text_mode {
        0
    } else {
        tools_tokens(context.allowed_actions)
    };
    (window_tokens / 100 * 85 + window_tokens % 100 * 85 / 100)
        .saturating_sub(max_output)
        .saturating_sub(tools)
}

/// The messages of one model call: system, task, as many of the newest turns of `history` as fit, and the progress.
///
/// A turn is an assistant message with everything up to the next one, so a tool call is never parted from its results
/// and speakers keep alternating. Tool messages that answer no call are dropped, calls without an answer get one, since
/// upstreams refuse both. What had to be left out is said at the end of the task. A window that is too small even
/// for the shortened task and the shortened newest turn gets these all the same: the provider then answers with its
/// own limit, which is the better error.
pub fn assemble(
    context: &PromptContext<'_>,
    history: &[Message],
    window_tokens: usize,
    max_output: usize,
) -> Vec<Message> {
    let usable = usable_tokens(context, window_tokens, max_output);
    let system = Message::text(Speaker::System, system(context));
    let progress = progress(context);
    let mut turns = turns(history);

    let fixed = message_tokens(&system) + progress.len().div_ceil(4) + NOTICE_TOKENS;
    let room = usable.saturating_sub(fixed);
    // With a conversation behind it the task leaves it at least half of the room, and room for the newest turn.
    let least = turns
        .last()
        .map_or(0, |turn| cost(&all_shortened(turn, MIN_MESSAGE_BYTES)));
    let for_task = if turns.is_empty() {
        room
    } else {
        (room / 2).min(room.saturating_sub(least))
    };
    let mut task = Message::text(Speaker::User, String::new());
    for shrink in SHRINKS {
        task.content = task_within(context, shrink);
        if message_tokens(&task) <= for_task {
            break;
        }
    }

    let mut room = room.saturating_sub(message_tokens(&task));
    let mut kept: Vec<Vec<Message>> = Vec::new();
    if let Some(newest) = turns.pop() {
        let newest = fit_newest(newest, room);
        room = room.saturating_sub(cost(&newest));
        kept.push(newest);
    }
    // Old results are worth less than new ones: none may take more than a quarter of what is left.
    let most = (room / 4).saturating_mul(4).max(MIN_MESSAGE_BYTES);
    while let Some(turn) = turns.last() {
        let turn = all_shortened(turn, most);
        let cost = cost(&turn);
        if cost > room {
            break;
        }
        room -= cost;
        kept.push(turn);
        turns.pop();
    }
    let left_out: usize = turns.iter().map(Vec::len).sum();
    if left_out > 0 {
        task.content
            .push_str(&format!("\n[{left_out} older messages left out]"));
    }

    let mut messages = vec![system, task];
    messages.extend(kept.into_iter().rev().flatten());
    match messages.last_mut() {
        // Some chat templates refuse two messages of one speaker in a row.
        Some(last) if last.role == Speaker::User => {
            last.content.push_str("\n\n");
            last.content.push_str(&progress);
        }
        _ => messages.push(Message::text(Speaker::User, progress)),
    }
    messages
}

/// What the notice and the seams cost.
const NOTICE_TOKENS: usize = 20;

fn cost(turn: &[Message]) -> usize {
    turn.iter().map(message_tokens).sum()
}

/// Shortens the longest parts of a turn until it fits, or nothing can be shortened any more.
fn fit_newest(turn: Vec<Message>, room: usize) -> Vec<Message> {
    if cost(&turn) <= room {
        return turn;
    }
    let mut most = room.saturating_mul(4).max(MIN_MESSAGE_BYTES);
    loop {
        let shorter = all_shortened(&turn, most);
        if cost(&shorter) <= room || most <= MIN_MESSAGE_BYTES {
            return shorter;
        }
        most = (most / 4 * 3).max(MIN_MESSAGE_BYTES);
    }
}

fn all_shortened(turn: &[Message], most: usize) -> Vec<Message> {
    turn.iter()
        .map(|message| shortened(message, most))
        .collect()
}

fn shortened(message: &Message, most: usize) -> Message {
    Message {
        role: message.role,
        content: fence::shrink(&message.content, most).into_owned(),
        tool_calls: message
            .tool_calls
            .iter()
            .map(|call| ToolCall {
                arguments: shorter_arguments(&call.arguments, most),
                ..call.clone()
            })
            .collect(),
        tool_call_id: message.tool_call_id.clone(),
    }
}

/// Arguments stay a JSON object: their long texts are cut, not the JSON.
fn shorter_arguments(arguments: &str, most: usize) -> String {
    if arguments.len() <= most {
        return arguments.to_owned();
    }
    if let Ok(value @ Value::Object(_)) = serde_json::from_str::<Value>(arguments) {
        let mut each = most / 2;
        while each >= 50 {
            let shorter = with_short_texts(&value, each).to_string();
            if shorter.len() <= most {
                return shorter;
            }
            each /= 2;
        }
    }
    // JSON escapes may double a text.
    json!({"shortened": cut::middle(arguments, most / 3)}).to_string()
}

fn with_short_texts(value: &Value, each: usize) -> Value {
    match value {
        Value::String(text) => cut::middle(text, each).into_owned().into(),
        Value::Array(items) => items
            .iter()
            .map(|item| with_short_texts(item, each))
            .collect(),
        Value::Object(object) => object
            .iter()
            .map(|(name, value)| (name.clone(), with_short_texts(value, each)))
            .collect(),
        other => other.clone(),
    }
}

/// Splits a conversation into turns and mends what upstreams refuse.
fn turns(history: &[Message]) -> Vec<Vec<Message>> {
    let mut turns: Vec<Vec<Message>> = Vec::new();
    let mut open: Vec<String> = Vec::new();
    for message in history {
        match message.role {
            Speaker::System => {}
            Speaker::Tool => {
                let answers = message
                    .tool_call_id
                    .as_deref()
                    .and_then(|id| open.iter().position(|open| open == id));
                if let (Some(index), Some(turn)) = (answers, turns.last_mut()) {
                    open.remove(index);
                    turn.push(message.clone());
                }
            }
            Speaker::Assistant => {
                answer_open_calls(&mut turns, &mut open);
                let mut ids = BTreeSet::new();
                let mut message = message.clone();
                message
                    .tool_calls
                    .retain(|call| ids.insert(call.id.clone()));
                open = message
                    .tool_calls
                    .iter()
                    .map(|call| call.id.clone())
                    .collect();
                turns.push(vec![message]);
            }
            Speaker::User => {
                answer_open_calls(&mut turns, &mut open);
                match turns.last_mut() {
                    Some(turn) => turn.push(message.clone()),
                    None => turns.push(vec![message.clone()]),
                }
            }
        }
    }
    answer_open_calls(&mut turns, &mut open);
    turns
}

fn answer_open_calls(turns: &mut [Vec<Message>], open: &mut Vec<String>) {
    for id in open.drain(..) {
        if let Some(turn) = turns.last_mut() {
            turn.push(Message::tool_result(
                id,
                "No result was recorded; look at the state before you do it again.",
            ));
        }
    }
}

#[cfg(test)]
#[path = "assemble_tests.rs"]
mod tests;
