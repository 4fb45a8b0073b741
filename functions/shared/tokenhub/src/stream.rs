use std::collections::BTreeMap;

use loom_domain::conversation::{Reply, ToolCall};
use loom_domain::model_failure::{ModelFailure, detail};
use loom_platform::Body;
use serde_json::Value;

use crate::chat::{ChatReply, ChatRequest, TokenUsage};
use crate::client::{Given, MAX_REPLY_BYTES};
use crate::sse::{Decoder, TooLong};
use crate::{parse, read};

/// A reply on its way, piece by piece.
///
/// A stream counts as complete only if the model said so (`[DONE]`, a `finish_reason`, or Anthropic's
/// `message_stop`). Anything else is a [`ModelFailure`], because TokenHub ends a stream cleanly when the provider
/// behind it dies.
pub struct ChatStream {
    body: Body,
    request: ChatRequest,
    given: Given,
    decoder: Decoder,
    gathered: Gathered,
    read_bytes: usize,
    /// Providers that ignore `stream` answer with one JSON document; this is it.
    document: Option<Vec<u8>>,
    ready: std::collections::VecDeque<String>,
    ended: bool,
}

impl ChatStream {
    pub(crate) fn new(body: Body, request: ChatRequest, given: Given) -> Self {
        Self {
            body,
            request,
            given,
            decoder: Decoder::default(),
            gathered: Gathered::default(),
            read_bytes: 0,
            document: None,
            ready: std::collections::VecDeque::new(),
            ended: false,
        }
    }

    /// The registry id of the model that answers; known before its first word. Empty if nobody said.
    pub fn model_given(&self) -> &str {
        self.given.model.as_deref().unwrap_or_default()
    }

    /// The next piece of text, or `None` when the reply is complete.
    ///
    /// Tool calls are not delivered in pieces; [`finish`](Self::finish) returns them whole.
    pub async fn next(&mut self) -> Result<Option<String>, ModelFailure> {
        loop {
            if let Some(text) = self.ready.pop_front() {
                return Ok(Some(text));
            }
            if self.ended {
                return Ok(None);
            }
            match read::next_piece(&mut self.body).await {
                Ok(Some(piece)) => self.take(&piece)?,
                Ok(None) => self.end()?,
                // The connection may break after the last word, which harms nobody.
                Err(_) if self.gathered.complete => self.ended = true,
                Err(failure) => return Err(failure),
            }
        }
    }

    /// Reads what is left and returns the whole reply.
    pub async fn finish(mut self) -> Result<ChatReply, ModelFailure> {
        while self.next().await?.is_some() {}
        let usage = self.gathered.usage;
        let (reply, model) = self.gathered.into_reply();
        let usage = usage.unwrap_or_else(|| self.request.estimate(&reply));
        Ok(self.given.reply(&self.request, reply, model, usage))
    }

    fn take(&mut self, piece: &[u8]) -> Result<(), ModelFailure> {
        self.read_bytes += piece.len();
        if self.read_bytes > MAX_REPLY_BYTES {
            return Err(ModelFailure::ReplyTooLarge {
                limit: MAX_REPLY_BYTES,
            });
        }
        if self.read_bytes == piece.len() && piece.trim_ascii_start().starts_with(b"{") {
            self.document = Some(Vec::new());
        }
        if let Some(document) = &mut self.document {
            document.extend_from_slice(piece);
            return Ok(());
        }
        for event in self.decoder.push(piece).map_err(too_long)? {
            if self.event(&event)? {
                break;
            }
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), ModelFailure> {
        self.ended = true;
        if let Some(document) = self.document.take() {
            let completion = parse::completion(&document)?;
            self.ready.push_back(completion.reply.content.clone());
            self.gathered.whole(completion);
            return Ok(());
        }
        if let Some(event) = self.decoder.finish().map_err(too_long)? {
            // Half an event is what a truncated stream ends with; it is reported as that.
            if event == "[DONE]" || serde_json::from_str::<Value>(&event).is_ok() {
                self.event(&event)?;
            }
        }
        self.ended = true;
        if self.gathered.complete {
            return Ok(());
        }
        Err(ModelFailure::StreamTruncated {
            received_chars: self.gathered.content.chars().count(),
        })
    }

    /// Takes one event; true when it was the last.
    fn event(&mut self, data: &str) -> Result<bool, ModelFailure> {
        if data.trim() == "[DONE]" {
            self.gathered.complete = true;
            self.ended = true;
            return Ok(true);
        }
        let json: Value =
            serde_json::from_str(data).map_err(|error| ModelFailure::StreamFailed {
                detail: detail(&format!("{error}: {data}")),
            })?;
        if let Some(error) = json.get("error").filter(|error| !error.is_null()) {
            return Err(ModelFailure::StreamFailed {
                detail: detail(&error.to_string()),
            });
        }
        let text = match json.get("type").and_then(Value::as_str) {
            Some(kind) if json.get("choices").is_none() => self.gathered.anthropic(kind, &json),
            _ => self.gathered.openai(&json),
        };
        self.ready.extend(text.filter(|text| !text.is_empty()));
        Ok(false)
    }
}

fn too_long(TooLong: TooLong) -> ModelFailure {
    ModelFailure::ReplyTooLarge {
        limit: MAX_REPLY_BYTES,
    }
}

/// What has come so far.
#[derive(Debug, Default)]
struct Gathered {
    content: String,
    calls: BTreeMap<u64, ToolCall>,
    finish_reason: Option<String>,
    usage: Option<TokenUsage>,
    model: Option<String>,
    complete: bool,
}

impl Gathered {
    /// Takes a chunk in OpenAI's form and returns its text.
    fn openai(&mut self, chunk: &Value) -> Option<String> {
        if let Some(usage) = parse::usage(chunk.get("usage")) {
            self.usage = Some(usage);
        }
        let choice = chunk.pointer("/choices/0")?;
        if let Some(reason) = choice
            .get("finish_reason")
            .and_then(Value::as_str)
            .filter(|reason| !reason.is_empty())
        {
            self.finish_reason = Some(reason.to_owned());
            self.complete = true;
        }
        let delta = choice.get("delta")?;
        for call in delta
            .get("tool_calls")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            let index = call.get("index").and_then(Value::as_u64).unwrap_or(0);
            let gathered = self.call(index);
            append(&mut gathered.id, call.get("id"));
            append(&mut gathered.name, call.pointer("/function/name"));
            append(&mut gathered.arguments, call.pointer("/function/arguments"));
        }
        let text = delta.get("content").and_then(Value::as_str)?;
        self.content.push_str(text);
        Some(text.to_owned())
    }

    /// Takes an event in Anthropic's form, which TokenHub relays from providers of that type, and returns its text.
    fn anthropic(&mut self, kind: &str, event: &Value) -> Option<String> {
        let index = event.get("index").and_then(Value::as_u64).unwrap_or(0);
        match kind {
            "message_start" => self.anthropic_usage(event.pointer("/message/usage")),
            "message_delta" => {
                self.anthropic_usage(event.get("usage"));
                self.finish_reason = event
                    .pointer("/delta/stop_reason")
                    .and_then(Value::as_str)
                    .map(openai_reason);
            }
            "message_stop" => self.complete = true,
            "content_block_start" => {
                let block = event.get("content_block")?;
                if block.get("type").and_then(Value::as_str) == Some("tool_use") {
                    let call = self.call(index);
                    append(&mut call.id, block.get("id"));
                    append(&mut call.name, block.get("name"));
                }
            }
            "content_block_delta" => {
                let delta = event.get("delta")?;
                if let Some(part) = delta.get("partial_json").and_then(Value::as_str) {
                    self.call(index).arguments.push_str(part);
                }
                let text = delta.get("text").and_then(Value::as_str)?;
                self.content.push_str(text);
                return Some(text.to_owned());
            }
            _ => {}
        }
        None
    }

    fn anthropic_usage(&mut self, usage: Option<&Value>) {
        let count = |name: &str| {
            usage
                .and_then(|usage| usage.get(name))
                .and_then(Value::as_u64)
        };
        let before = self.usage.map_or((0, 0), |usage| {
            (usage.prompt_tokens, usage.completion_tokens)
        });
        let prompt_tokens = count("input_tokens").unwrap_or(before.0);
        let completion_tokens = count("output_tokens").unwrap_or(before.1);
        if prompt_tokens > 0 || completion_tokens > 0 {
            self.usage = Some(TokenUsage {
                prompt_tokens,
                completion_tokens,
                estimated: false,
            });
        }
    }

    fn call(&mut self, index: u64) -> &mut ToolCall {
        self.calls.entry(index).or_insert_with(|| ToolCall {
            id: String::new(),
            name: String::new(),
            arguments: String::new(),
        })
    }

    fn whole(&mut self, completion: parse::Completion) {
        self.content = completion.reply.content;
        self.calls = (0..).zip(completion.reply.tool_calls).collect();
        self.finish_reason = Some(completion.reply.finish_reason);
        self.usage = completion.usage;
        self.model = completion.model;
        self.complete = true;
    }

    fn into_reply(self) -> (Reply, Option<String>) {
        let mut tool_calls: Vec<ToolCall> = self.calls.into_values().collect();
        parse::name_calls(&mut tool_calls);
        let usual = if tool_calls.is_empty() {
            "stop"
        } else {
            "tool_calls"
        };
        let finish_reason = self.finish_reason.unwrap_or_else(|| usual.to_owned());
        (
            Reply {
                content: self.content,
                tool_calls,
                finish_reason,
            },
            self.model,
        )
    }
}

fn append(text: &mut String, part: Option<&Value>) {
    text.push_str(part.and_then(Value::as_str).unwrap_or_default());
}

fn openai_reason(stop_reason: &str) -> String {
    match stop_reason {
        "end_turn" | "stop_sequence" => "stop",
        "tool_use" => "tool_calls",
        "max_tokens" => "length",
        other => other,
    }
    .to_owned()
}
