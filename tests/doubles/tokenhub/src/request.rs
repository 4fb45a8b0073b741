use std::collections::BTreeMap;

use serde_json::Value;

/// Any request that the double received.
#[derive(Debug, Clone, PartialEq)]
pub struct RequestSeen {
    /// The method.
    pub method: String,
    /// The path with the query.
    pub path: String,
    /// The headers, names in lower case; of repeated ones, the last.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: Vec<u8>,
    /// The status of the answer, once there is one; `None` also if the connection was closed instead.
    pub status: Option<u16>,
    /// Whether the answer was an idempotent replay.
    pub replayed: bool,
    /// Whether a provider was paid for it.
    pub paid: bool,
    /// What was sent on to the provider: only what TokenHub passes on, in the form it does.
    pub forwarded: Option<Value>,
}

/// One message as the provider gets it.
#[derive(Debug, Clone, PartialEq)]
pub struct SeenMessage {
    /// `system`, `user`, `assistant` or `tool`; not validated, as in the real one.
    pub role: String,
    /// The text. Null and parts that are not text have become empty.
    pub content: String,
    /// The tool calls as they came, if any.
    pub tool_calls: Option<Value>,
    /// The call that a tool message answers.
    pub tool_call_id: Option<String>,
    /// The author's name.
    pub name: Option<String>,
}

/// A chat request as the scripted model sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct ChatRequestSeen {
    /// The conversation.
    pub messages: Vec<SeenMessage>,
    /// The names of the tools that are offered.
    pub tools: Vec<String>,
    /// The model asked for; empty if none.
    pub model: String,
    /// Whether a stream is asked for.
    pub stream: bool,
    /// The key's id.
    pub key_id: String,
    /// `X-Request-ID`, or the one made up for it.
    pub request_id: String,
    /// `Idempotency-Key`, if there is one.
    pub idempotency_key: Option<String>,
    /// Which turn is asked for: how many messages of the assistant there are.
    pub turn: usize,
    /// How often this turn of this conversation was asked for before.
    pub attempt: u32,
}

impl ChatRequestSeen {
    /// The text of the system messages.
    pub fn system(&self) -> String {
        self.texts("system")
    }

    /// The text of the user messages.
    pub fn user(&self) -> String {
        self.texts("user")
    }

    /// Whether `text` occurs in a system or user message. What tools returned does not count.
    pub fn instructions_contain(&self, text: &str) -> bool {
        text.is_empty()
            || self
                .instructions()
                .any(|message| message.content.contains(text))
    }

    /// The text of the last message.
    pub fn last(&self) -> &str {
        self.messages.last().map_or("", |message| &message.content)
    }

    /// The text of the newest tool message, if there is one.
    pub fn last_tool_result(&self) -> Option<&str> {
        self.messages
            .iter()
            .rev()
            .find(|message| message.role == "tool")
            .map(|message| message.content.as_str())
    }

    /// The texts of all tool messages, oldest first.
    pub fn tool_results(&self) -> impl Iterator<Item = &str> {
        self.messages
            .iter()
            .filter(|message| message.role == "tool")
            .map(|message| message.content.as_str())
    }

    fn instructions(&self) -> impl Iterator<Item = &SeenMessage> {
        self.messages
            .iter()
            .filter(|message| message.role == "system" || message.role == "user")
    }

    fn texts(&self, role: &str) -> String {
        let texts: Vec<&str> = self
            .messages
            .iter()
            .filter(|message| message.role == role)
            .map(|message| message.content.as_str())
            .collect();
        texts.join("\n")
    }

    /// Tells turns of different conversations apart: the same for every request for the same turn.
    ///
    /// Only what stands before the first answer of the model identifies a conversation; later user messages may
    /// differ between attempts (a note on the remaining budget, for example).
    pub(crate) fn fingerprint(&self) -> String {
        use sha2::{Digest, Sha256};
        let mut hash = Sha256::new();
        for message in self
            .messages
            .iter()
            .take_while(|message| message.role != "assistant")
        {
            hash.update(message.role.as_bytes());
            hash.update([0]);
            hash.update(message.content.as_bytes());
            hash.update([0]);
        }
        hash.update(self.turn.to_le_bytes());
        hash.finalize()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }
}
