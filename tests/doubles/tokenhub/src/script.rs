use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::answer::{Answer, Misbehaviour, MisbehaviourRule, ToolCall, Usage};
use crate::request::ChatRequestSeen;

/// What the model says, per conversation.
///
/// Which conversation a request belongs to is found by its text, and which turn of it is asked for by counting the
/// assistant's messages in it. So the same request always has the same answer: a step that is run again gets what it
/// got before, and a conversation that is resumed goes on where it was.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    /// The conversations; the first that matches is taken.
    pub conversations: Vec<Conversation>,
}

/// One scripted conversation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conversation {
    /// A text that must occur in a system or user message, such as a bead's title or id. The empty text matches
    /// everything.
    pub r#match: String,
    /// The turns.
    pub replies: Vec<ScriptedReply>,
    /// What comes after them.
    #[serde(default)]
    pub then: Then,
}

/// What a conversation says when its turns are used up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Then {
    /// The last turn again.
    #[default]
    RepeatLast,
    /// The tool call `done`.
    Done,
}

/// One scripted turn. Of `content`, `tool_calls` and `raw`, at least one is given, unless `misbehave` leaves no need.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ScriptedReply {
    /// The text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// The tool calls.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<ToolCall>,
    /// The provider's whole body in place of both; a string is sent as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw: Option<Value>,
    /// What goes wrong, the first `misbehave_times` times.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub misbehave: Option<Misbehaviour>,
    /// Without it, once; 0 is always.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub misbehave_times: Option<u32>,
    /// What the provider reports.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// Whether the provider reports no usage at all.
    pub omit_usage: bool,
    /// Why the model stopped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finish_reason: Option<String>,
    /// How long the model thinks, in milliseconds.
    pub delay_ms: u64,
}

impl Script {
    /// Reads a script from JSON; the error says where it is wrong.
    pub fn from_json(json: &str) -> Result<Self, String> {
        let script: Self = serde_json::from_str(json)
            .map_err(|error| format!("the script is not valid: {error}"))?;
        match script
            .conversations
            .iter()
            .find(|conversation| conversation.replies.is_empty())
        {
            Some(empty) => Err(format!(
                "the script is not valid: the conversation {:?} has no replies",
                empty.r#match
            )),
            None => Ok(script),
        }
    }

    /// Reads a script from a JSON file.
    pub fn from_file(path: &Path) -> Result<Self, String> {
        let json = std::fs::read_to_string(path)
            .map_err(|error| format!("{}: {error}", path.display()))?;
        Self::from_json(&json).map_err(|error| format!("{}: {error}", path.display()))
    }

    /// Adds a conversation.
    #[must_use]
    pub fn conversation(
        mut self,
        r#match: impl Into<String>,
        replies: impl IntoIterator<Item = ScriptedReply>,
        then: Then,
    ) -> Self {
        self.conversations.push(Conversation {
            r#match: r#match.into(),
            replies: replies.into_iter().collect(),
            then,
        });
        self
    }

    /// The answer to a request.
    pub(crate) fn answer(&self, seen: &ChatRequestSeen) -> Option<Answer> {
        let conversation = self
            .conversations
            .iter()
            .find(|conversation| seen.instructions_contain(&conversation.r#match))?;
        match (conversation.replies.get(seen.turn), conversation.then) {
            (Some(reply), _) => Some(reply.answer()),
            (None, Then::RepeatLast) => conversation.replies.last().map(ScriptedReply::answer),
            (None, Then::Done) => Some(Answer::call(
                "done",
                json!({"summary": "Everything that the script asks for is done."}),
            )),
        }
    }
}

impl ScriptedReply {
    /// The model says `text`.
    pub fn text(text: impl Into<String>) -> Self {
        Self {
            content: Some(text.into()),
            ..Self::default()
        }
    }

    /// The model calls one tool.
    pub fn call(name: impl Into<String>, arguments: Value) -> Self {
        Self {
            tool_calls: vec![ToolCall {
                name: name.into(),
                arguments,
                id: None,
            }],
            ..Self::default()
        }
    }

    /// The model also calls this tool, after the others.
    #[must_use]
    pub fn and_call(mut self, name: impl Into<String>, arguments: Value) -> Self {
        self.tool_calls.push(ToolCall {
            name: name.into(),
            arguments,
            id: None,
        });
        self
    }

    /// Something goes wrong the first `times` times that this turn is asked for; 0 is always.
    #[must_use]
    pub fn misbehave(mut self, kind: Misbehaviour, times: u32) -> Self {
        self.misbehave = Some(kind);
        self.misbehave_times = Some(times);
        self
    }

    fn answer(&self) -> Answer {
        let mut answer = match &self.raw {
            Some(Value::String(raw)) => Answer::raw(raw.clone()),
            Some(raw) => Answer::raw(raw.to_string()),
            None => Answer::message(self.content.clone(), self.tool_calls.clone()),
        };
        answer.usage = self.usage;
        answer.report_usage = !self.omit_usage;
        answer.finish_reason = self.finish_reason.clone();
        answer.delay = Duration::from_millis(self.delay_ms);
        answer.misbehave = self.misbehave.clone().map(|kind| MisbehaviourRule {
            kind,
            times: Some(self.misbehave_times.unwrap_or(1)).filter(|times| *times > 0),
        });
        answer
    }
}
