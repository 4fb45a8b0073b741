//! Conversations with a model, in the words of the OpenAI chat API.

use serde::{Deserialize, Serialize};

/// Who speaks in a [`Message`]; the words of the OpenAI chat API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Speaker {
    /// Instructions.
    System,
    /// The task, and what Loom tells the model.
    User,
    /// The model.
    Assistant,
    /// The result of one tool call.
    Tool,
}

/// A tool call as the model made it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolCall {
    /// The call's id; the [`Speaker::Tool`] message that answers it names it.
    pub id: String,
    /// The tool's name: the name of an action.
    pub name: String,
    /// The arguments, as the text that the model wrote (it should be a JSON object, and may not be).
    pub arguments: String,
}

/// One message of a conversation with a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Who speaks.
    pub role: Speaker,
    /// The text; empty when the message is only tool calls.
    #[serde(default)]
    pub content: String,
    /// Tool calls of an assistant message.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<ToolCall>,
    /// On a tool message: the id of the call it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_call_id: Option<String>,
}

impl Message {
    /// A message that is only text.
    pub fn text(role: Speaker, content: impl Into<String>) -> Self {
        Self {
            role,
            content: content.into(),
            tool_calls: Vec::new(),
            tool_call_id: None,
        }
    }

    /// The answer to the tool call `id`.
    pub fn tool_result(id: impl Into<String>, content: impl Into<String>) -> Self {
        Self {
            role: Speaker::Tool,
            content: content.into(),
            tool_calls: Vec::new(),
            tool_call_id: Some(id.into()),
        }
    }
}

/// What the model answered, as it is journalled before any effect (invariant I7).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    /// The text, possibly empty.
    #[serde(default)]
    pub content: String,
    /// The tool calls, in the model's order.
    #[serde(default)]
    pub tool_calls: Vec<ToolCall>,
    /// Why the model stopped: `stop`, `tool_calls`, `length`, or what the provider said.
    #[serde(default)]
    pub finish_reason: String,
}
