use crate::action::tools;
use crate::conversation::Message;

/// Tokens that a message costs beside its text: role, separators, ids.
const PER_MESSAGE: usize = 6;

/// Tokens that a tool call costs beside its name and arguments.
const PER_CALL: usize = 10;

/// Tokens of a text, estimated as a quarter of its bytes, rounded up.
pub fn estimate(text: &str) -> usize {
    text.len().div_ceil(4)
}

/// Tokens of a message, its tool calls included.
pub fn message_tokens(message: &Message) -> usize {
    let calls: usize = message
        .tool_calls
        .iter()
        .map(|call| PER_CALL + estimate(&call.name) + estimate(&call.arguments))
        .sum();
    PER_MESSAGE + estimate(&message.content) + calls
}

/// Tokens of the tool list that is sent beside the messages.
pub fn tools_tokens(allowed: Option<&[String]>) -> usize {
    tools(allowed)
        .iter()
        .map(|tool| estimate(&tool.to_string()))
        .sum()
}
