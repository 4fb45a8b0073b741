use loom_domain::conversation::{Message, Reply, Speaker};
use serde::Serialize;
use serde_json::Value;

/// Characters a token is assumed to have where TokenHub reports no usage; its own estimate uses the same figure.
const CHARS_PER_TOKEN: u64 = 4;

/// One turn of a conversation to be completed.
#[derive(Debug, Clone, PartialEq)]
pub struct ChatRequest {
    /// The model that is wanted: a registry id or alias of TokenHub. `None` lets TokenHub choose.
    pub model: Option<String>,
    /// The conversation so far; must not be empty.
    pub messages: Vec<Message>,
    /// OpenAI tool objects (`{"type":"function","function":{…}}`).
    pub tools: Vec<Value>,
    /// Sampling temperature.
    pub temperature: Option<f64>,
    /// The longest reply, in tokens.
    pub max_tokens: Option<u32>,
    /// Same key and same content within five minutes: TokenHub gives its first answer again instead of paying for
    /// another. There is no lock, so two calls *at the same time* are both paid. Not used by streams.
    pub idempotency_key: String,
    /// Names the call in TokenHub's logs and at the provider.
    pub request_id: String,
}

/// Tokens of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenUsage {
    /// Tokens read.
    pub prompt_tokens: u64,
    /// Tokens written.
    pub completion_tokens: u64,
    /// Whether these are a guess (four characters a token), because TokenHub reported none. Streams never report.
    pub estimated: bool,
}

/// A completed turn.
#[derive(Debug, Clone, PartialEq)]
pub struct ChatReply {
    /// What the model answered. May be empty: some models do say nothing.
    pub reply: Reply,
    /// The registry id of the model that answered, which may not be the one asked for. Empty if nobody said.
    pub model_given: String,
    /// Always there from this client: as reported, or estimated and marked so.
    pub usage: Option<TokenUsage>,
    /// Whether TokenHub gave an earlier answer to the same key again; it was not paid again.
    pub replayed: bool,
    /// Whether another model than the one asked for answered. Normal at TokenHub (unknown or disabled model, price
    /// above its cap, provider in cooldown), and not a failure.
    pub substituted: bool,
}

#[derive(Serialize)]
struct WireRequest<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<&'a str>,
    messages: Vec<WireMessage<'a>>,
    #[serde(skip_serializing_if = "<[Value]>::is_empty")]
    tools: &'a [Value],
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    stream: bool,
}

#[derive(Serialize)]
struct WireMessage<'a> {
    role: Speaker,
    content: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<WireToolCall<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_call_id: Option<&'a str>,
}

#[derive(Serialize)]
struct WireToolCall<'a> {
    id: &'a str,
    r#type: &'static str,
    function: WireFunction<'a>,
}

#[derive(Serialize)]
struct WireFunction<'a> {
    name: &'a str,
    arguments: &'a str,
}

impl ChatRequest {
    /// The body of the call. A function of the request alone: TokenHub recognises a repetition by key *and* bytes.
    pub(crate) fn body(&self, stream: bool) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(&WireRequest {
            model: self.asked_model(),
            messages: self.messages.iter().map(wire_message).collect(),
            tools: &self.tools,
            temperature: self.temperature.filter(|t| t.is_finite()),
            max_tokens: self.max_tokens,
            stream,
        })
    }

    /// The model asked for, if one is.
    pub(crate) fn asked_model(&self) -> Option<&str> {
        self.model
            .as_deref()
            .map(str::trim)
            .filter(|model| !model.is_empty())
    }

    /// What the call costs in tokens if nobody says.
    pub(crate) fn estimate(&self, reply: &Reply) -> TokenUsage {
        let mut prompt = 0;
        for message in &self.messages {
            prompt += chars(&message.content) + calls_chars(&message.tool_calls);
        }
        prompt += self
            .tools
            .iter()
            .map(|tool| chars(&tool.to_string()))
            .sum::<u64>();
        let completion = chars(&reply.content) + calls_chars(&reply.tool_calls);
        TokenUsage {
            prompt_tokens: prompt.div_ceil(CHARS_PER_TOKEN),
            completion_tokens: completion.div_ceil(CHARS_PER_TOKEN),
            estimated: true,
        }
    }
}

fn wire_message(message: &Message) -> WireMessage<'_> {
    WireMessage {
        role: message.role,
        content: &message.content,
        tool_calls: message
            .tool_calls
            .iter()
            .map(|call| WireToolCall {
                id: &call.id,
                r#type: "function",
                function: WireFunction {
                    name: &call.name,
                    arguments: &call.arguments,
                },
            })
            .collect(),
        tool_call_id: message.tool_call_id.as_deref(),
    }
}

fn chars(text: &str) -> u64 {
    text.chars().count() as u64
}

fn calls_chars(calls: &[loom_domain::conversation::ToolCall]) -> u64 {
    calls
        .iter()
        .map(|call| chars(&call.name) + chars(&call.arguments))
        .sum()
}

/// Whether `given` is another model than the one asked for.
///
/// `foo/good` is the same as `good` to TokenHub, `*` asks for nothing in particular, and an alias that was applied
/// is what was asked for.
pub(crate) fn is_substituted(asked: Option<&str>, given: &str, alias: Option<&str>) -> bool {
    let Some(asked) = asked.filter(|asked| *asked != "*") else {
        return false;
    };
    let bare = asked.split_once('/').map(|(_, bare)| bare);
    !(given.is_empty() || given == asked || bare == Some(given) || alias == Some(asked))
}
