use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::gate::Gate;

/// A tool call that the model makes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToolCall {
    /// The tool's name.
    pub name: String,
    /// The arguments; a string is sent as it is, so that a script can write broken JSON.
    #[serde(default)]
    pub arguments: Value,
    /// The call's id; `call_<turn>_<index>` if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

/// Tokens of one completion, as the provider reports them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Usage {
    /// Tokens read.
    pub prompt_tokens: u64,
    /// Tokens written.
    pub completion_tokens: u64,
}

/// What the provider behind TokenHub answers.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Content {
    /// A message of the assistant.
    Message {
        text: Option<String>,
        calls: Vec<ToolCall>,
    },
    /// The provider's whole body with status 200, whatever it is; TokenHub does with it what it does.
    Raw(String),
}

/// One turn of the scripted model.
#[derive(Debug, Clone)]
pub struct Answer {
    pub(crate) content: Content,
    pub(crate) usage: Option<Usage>,
    pub(crate) report_usage: bool,
    pub(crate) finish_reason: Option<String>,
    pub(crate) delay: Duration,
    pub(crate) gate: Option<Gate>,
    pub(crate) misbehave: Option<MisbehaviourRule>,
}

impl Answer {
    fn new(content: Content) -> Self {
        Self {
            content,
            usage: None,
            report_usage: true,
            finish_reason: None,
            delay: Duration::ZERO,
            gate: None,
            misbehave: None,
        }
    }

    /// The model says `text`.
    pub fn text(text: impl Into<String>) -> Self {
        Self::new(Content::Message {
            text: Some(text.into()),
            calls: Vec::new(),
        })
    }

    /// The model calls one tool; `content` is null.
    pub fn call(name: impl Into<String>, arguments: Value) -> Self {
        Self::calls([(name.into(), arguments)])
    }

    /// The model calls several tools, in this order.
    pub fn calls(calls: impl IntoIterator<Item = (String, Value)>) -> Self {
        let calls = calls
            .into_iter()
            .map(|(name, arguments)| ToolCall {
                name,
                arguments,
                id: None,
            })
            .collect();
        Self::new(Content::Message { text: None, calls })
    }

    /// The provider's whole body, with status 200.
    pub fn raw(body: impl Into<String>) -> Self {
        Self::new(Content::Raw(body.into()))
    }

    pub(crate) fn message(text: Option<String>, calls: Vec<ToolCall>) -> Self {
        Self::new(Content::Message { text, calls })
    }

    /// Text beside the tool calls.
    #[must_use]
    pub fn with_text(mut self, text: impl Into<String>) -> Self {
        if let Content::Message { text: said, .. } = &mut self.content {
            *said = Some(text.into());
        }
        self
    }

    /// What the provider reports as usage. Without this, a quarter of the characters.
    #[must_use]
    pub fn usage(mut self, prompt_tokens: u64, completion_tokens: u64) -> Self {
        self.usage = Some(Usage {
            prompt_tokens,
            completion_tokens,
        });
        self
    }

    /// The provider reports no usage.
    #[must_use]
    pub fn without_usage(mut self) -> Self {
        self.report_usage = false;
        self
    }

    /// Why the model stopped; `stop` or `tool_calls` if not given.
    #[must_use]
    pub fn finish_reason(mut self, reason: impl Into<String>) -> Self {
        self.finish_reason = Some(reason.into());
        self
    }

    /// The model thinks for so long.
    #[must_use]
    pub fn delayed(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// The model thinks until the gate opens. A caller that hangs up before is not charged.
    #[must_use]
    pub fn gated(mut self, gate: &Gate) -> Self {
        self.gate = Some(gate.clone());
        self
    }

    /// Something goes wrong, every time this answer is given.
    #[must_use]
    pub fn misbehave(mut self, kind: Misbehaviour) -> Self {
        self.misbehave = Some(MisbehaviourRule { kind, times: None });
        self
    }

    /// Something goes wrong the first `times` times that this turn of the conversation is asked for.
    #[must_use]
    pub fn misbehave_times(mut self, kind: Misbehaviour, times: u32) -> Self {
        self.misbehave = Some(MisbehaviourRule {
            kind,
            times: Some(times),
        });
        self
    }
}

/// A misbehaviour, and how often it happens.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct MisbehaviourRule {
    /// What goes wrong.
    pub(crate) kind: Misbehaviour,
    /// For how many requests of the same turn of the same conversation; without it, for all.
    pub(crate) times: Option<u32>,
}

/// What can go wrong. Those named as a failure of Loom's client make exactly the answer that means it.
///
/// "Paid" is what ends up in the ledger: a completion that the provider has charged for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Misbehaviour {
    /// 401 `authorization required`.
    KeyMissing,
    /// 401 `invalid api key format`.
    KeyMalformed,
    /// 401 `invalid api key`.
    KeyRejected,
    /// 403 `insufficient scope`.
    ScopeMissing,
    /// 429 with the budget's JSON.
    BudgetExceeded,
    /// 429 `api key rate limit exceeded`, `Retry-After: 1`.
    KeyRateLimited,
    /// 429 `rate limit exceeded`, `Retry-After: 1`.
    AddressRateLimited,
    /// 400 with a message about JSON; stored under the idempotency key.
    RequestInvalid,
    /// 400 `request body too large`.
    RequestTooLarge,
    /// 502 `all providers failed`; a stream names the last provider's error.
    AllProvidersFailed,
    /// 502 `no eligible models registered`.
    NoEligibleModels,
    /// 502 with a transport error as its message.
    BadGateway,
    /// 500 with an empty body.
    ServerPanicked,
    /// 404 of a wrong path.
    EndpointNotFound,
    /// 405 of a wrong method.
    MethodNotAllowed,
    /// Any answer, as something in front of TokenHub would give it; never stored.
    Status {
        /// The HTTP status.
        status: u16,
        /// The body.
        #[serde(default)]
        body: String,
        /// The content type.
        #[serde(default = "text_plain")]
        content_type: String,
        /// Further headers.
        #[serde(default)]
        headers: Vec<(String, String)>,
    },
    /// No answer until [`release_hung`](crate::Running::release_hung), then the normal one.
    Hang,
    /// The connection closes before the answer begins; not paid.
    Close,
    /// The reply is computed, paid and stored, and then the connection closes before the answer begins.
    ReplyLost,
    /// The reply is computed, paid and stored, and the connection closes in the middle of the body.
    ReplyCut,
    /// A stream ends after so many chunks without `[DONE]`, cleanly, as when the provider dies; paid.
    CutStream {
        /// How many chunks arrive.
        after_chunks: usize,
    },
    /// A stream's connection closes after so many chunks, as at TokenHub's 300 s limit; paid.
    AbortStream {
        /// How many chunks arrive.
        after_chunks: usize,
    },
    /// After so many chunks of a stream comes the provider's error instead of the rest; paid. What is not a stream
    /// fails as [`AllProvidersFailed`](Self::AllProvidersFailed).
    ErrorInStream {
        /// How many chunks arrive.
        after_chunks: usize,
    },
    /// 200 with the provider's error JSON as the model's words; not paid, but stored.
    NotModelOutput,
    /// 200 without choices; not paid, but stored.
    NoChoices,
    /// 200 with an HTML page, as something else at this address would answer; never stored.
    Unreadable,
    /// The reply is followed by so many bytes of blanks inside its text; paid and stored.
    HugeReply {
        /// How many bytes.
        bytes: usize,
    },
    /// Another model answers, whatever was asked for; paid and stored.
    Substitute {
        /// The registry id that `X-Negotiated-Model` says.
        model: String,
    },
}

fn text_plain() -> String {
    String::from("text/plain; charset=utf-8")
}
