//! What the provider answers, and what TokenHub makes of it.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::answer::{Answer, Content, ToolCall, Usage};
use crate::json;

/// How many characters of text a chunk of a stream carries.
const CHUNK_CHARS: usize = 16;

/// The provider's own body for an answer.
pub(crate) fn body(answer: &Answer, turn: usize, model: &str, usage: Usage) -> String {
    match &answer.content {
        Content::Raw(raw) => raw.clone(),
        Content::Message { text, calls } => {
            let mut message = format!(
                r#"{{"role":"assistant","content":{}"#,
                optional(text.as_deref())
            );
            if !calls.is_empty() {
                let calls: Vec<String> = calls
                    .iter()
                    .enumerate()
                    .map(|(index, call)| tool_call(call, turn, index))
                    .collect();
                message.push_str(&format!(r#","tool_calls":[{}]"#, calls.join(",")));
            }
            message.push('}');
            let finish = Value::from(finish_reason(answer));
            let usage = if answer.report_usage {
                format!(r#","usage":{}"#, usage_json(usage))
            } else {
                String::new()
            };
            let model = Value::from(format!("upstream/{model}"));
            format!(
                r#"{{"id":"up-{turn}","object":"chat.completion","created":1,"model":{model},"choices":[{{"index":0,"message":{message},"finish_reason":{finish}}}]{usage},"system_fingerprint":"fp"}}"#
            )
        }
    }
}

/// What is charged: as given, or a quarter of the characters.
pub(crate) fn usage(answer: &Answer, prompt_chars: usize) -> Usage {
    answer.usage.unwrap_or_else(|| {
        let written = match &answer.content {
            Content::Raw(raw) => raw.chars().count(),
            Content::Message { text, calls } => {
                text.as_deref().unwrap_or_default().chars().count()
                    + calls
                        .iter()
                        .map(|call| call.name.len() + arguments(call).chars().count())
                        .sum::<usize>()
            }
        };
        Usage {
            prompt_tokens: (prompt_chars / 4) as u64,
            completion_tokens: written.div_ceil(4) as u64,
        }
    })
}

/// TokenHub's `/v1/chat/completions` answer around a provider's body.
pub(crate) fn rebuilt(raw: &str, request_id: &str, model: &str, created_s: i64) -> String {
    #[derive(Deserialize)]
    struct Upstream<'a> {
        #[serde(borrow)]
        choices: Option<&'a RawValue>,
        usage: Option<UpstreamUsage>,
    }
    #[derive(Deserialize)]
    #[serde(default)]
    #[derive(Default)]
    struct UpstreamUsage {
        prompt_tokens: i64,
        completion_tokens: i64,
        total_tokens: i64,
    }
    let (choices, usage) = match serde_json::from_str::<Upstream<'_>>(raw) {
        Ok(Upstream {
            choices: Some(choices),
            usage,
        }) => (with_call_ids(choices.get()), usage),
        _ => (wrapped(raw), None),
    };
    let usage = usage.map_or_else(String::new, |usage| {
        format!(
            r#","usage":{{"prompt_tokens":{},"completion_tokens":{},"total_tokens":{}}}"#,
            usage.prompt_tokens, usage.completion_tokens, usage.total_tokens
        )
    });
    format!(
        "{{\"id\":{},\"object\":\"chat.completion\",\"created\":{created_s},\"model\":{},\"choices\":{}{usage}}}\n",
        json::string(&format!("chatcmpl-{request_id}")),
        json::string(model),
        json::escape(&compact(&choices)),
    )
}

/// A body that is not understood becomes the model's words.
fn wrapped(raw: &str) -> String {
    let content = Value::from(raw);
    format!(
        r#"[{{"finish_reason":"stop","index":0,"message":{{"content":{content},"role":"assistant"}}}}]"#
    )
}

/// Gives every tool call an id that starts with `call_`. If one did not, everything that is not named here is lost.
fn with_call_ids(choices: &str) -> String {
    #[derive(Serialize, Deserialize)]
    struct Choice {
        #[serde(default)]
        index: i64,
        #[serde(default)]
        message: Message,
        finish_reason: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        logprobs: Option<Value>,
    }
    #[derive(Default, Serialize, Deserialize)]
    struct Message {
        #[serde(default, skip_serializing_if = "String::is_empty")]
        role: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        content: Option<Box<RawValue>>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        tool_calls: Vec<Call>,
    }
    #[derive(Serialize, Deserialize)]
    struct Call {
        #[serde(default)]
        id: String,
        #[serde(default, skip_serializing_if = "String::is_empty")]
        r#type: String,
        #[serde(default)]
        function: Function,
    }
    #[derive(Default, Serialize, Deserialize)]
    struct Function {
        #[serde(default, skip_serializing_if = "String::is_empty")]
        name: String,
        #[serde(default, skip_serializing_if = "String::is_empty")]
        arguments: String,
    }
    let Ok(mut parsed) = serde_json::from_str::<Vec<Choice>>(choices) else {
        return choices.to_owned();
    };
    let mut changed = false;
    for choice in &mut parsed {
        for (index, call) in choice.message.tool_calls.iter_mut().enumerate() {
            if call.id.starts_with("call_") {
                continue;
            }
            changed = true;
            call.id = match call.id.strip_prefix("tooluse_") {
                Some(rest) => format!("call_{rest}"),
                None if call.id.is_empty() => format!("call_{index}"),
                None => format!("call_{}", call.id),
            };
        }
    }
    if !changed {
        return choices.to_owned();
    }
    serde_json::to_string(&parsed).expect("what was JSON is JSON")
}

/// JSON without the blanks between its tokens.
fn compact(json: &str) -> String {
    let (mut in_string, mut escaped) = (false, false);
    json.chars()
        .filter(|&c| {
            if in_string {
                in_string = escaped || c != '"';
                escaped = !escaped && c == '\\';
                return true;
            }
            in_string = c == '"';
            !c.is_ascii_whitespace()
        })
        .collect()
}

/// The provider's stream for an answer: one `data` line with its blank line a chunk, the last being `[DONE]`.
pub(crate) fn chunks(answer: &Answer, turn: usize, model: &str) -> Vec<String> {
    let (text, calls) = match &answer.content {
        // A provider that ignores `stream`.
        Content::Raw(raw) => return vec![raw.clone()],
        Content::Message { text, calls } => (text.as_deref().unwrap_or_default(), calls),
    };
    let model = Value::from(format!("upstream/{model}"));
    let chunk = |delta: &str, finish: &str| {
        format!(
            "data: {{\"id\":\"up-{turn}\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":{model},\"choices\":[{{\"index\":0,\"delta\":{delta},\"finish_reason\":{finish}}}]}}\n\n"
        )
    };
    let mut chunks = vec![chunk(r#"{"role":"assistant","content":""}"#, "null")];
    for piece in pieces(text) {
        chunks.push(chunk(
            &format!(r#"{{"content":{}}}"#, Value::from(piece)),
            "null",
        ));
    }
    for (index, call) in calls.iter().enumerate() {
        let (id, name) = (
            Value::from(call_id(call, turn, index)),
            Value::from(call.name.clone()),
        );
        let head = format!(
            r#"{{"tool_calls":[{{"index":{index},"id":{id},"type":"function","function":{{"name":{name},"arguments":""}}}}]}}"#
        );
        chunks.push(chunk(&head, "null"));
        for piece in pieces(&arguments(call)) {
            let piece = Value::from(piece);
            let delta = format!(
                r#"{{"tool_calls":[{{"index":{index},"function":{{"arguments":{piece}}}}}]}}"#
            );
            chunks.push(chunk(&delta, "null"));
        }
    }
    chunks.push(chunk("{}", &Value::from(finish_reason(answer)).to_string()));
    chunks.push(String::from("data: [DONE]\n\n"));
    chunks
}

/// A provider's error in the middle of its stream.
pub(crate) fn error_chunk() -> String {
    String::from(
        "data: {\"error\":{\"message\":\"upstream overloaded\",\"type\":\"server_error\"}}\n\n",
    )
}

fn pieces(text: &str) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    chars
        .chunks(CHUNK_CHARS)
        .map(|piece| piece.iter().collect())
        .collect()
}

fn finish_reason(answer: &Answer) -> String {
    match (&answer.finish_reason, &answer.content) {
        (Some(reason), _) => reason.clone(),
        (None, Content::Message { calls, .. }) if !calls.is_empty() => String::from("tool_calls"),
        _ => String::from("stop"),
    }
}

fn optional(text: Option<&str>) -> String {
    text.map_or_else(
        || String::from("null"),
        |text| Value::from(text).to_string(),
    )
}

fn usage_json(usage: Usage) -> String {
    format!(
        r#"{{"prompt_tokens":{},"completion_tokens":{},"total_tokens":{},"prompt_tokens_details":{{"cached_tokens":0}}}}"#,
        usage.prompt_tokens,
        usage.completion_tokens,
        usage.prompt_tokens + usage.completion_tokens
    )
}

fn call_id(call: &ToolCall, turn: usize, index: usize) -> String {
    call.id
        .clone()
        .unwrap_or_else(|| format!("call_{turn}_{index}"))
}

fn arguments(call: &ToolCall) -> String {
    match &call.arguments {
        Value::String(text) => text.clone(),
        Value::Null => String::from("{}"),
        json => json.to_string(),
    }
}

fn tool_call(call: &ToolCall, turn: usize, index: usize) -> String {
    format!(
        r#"{{"id":{},"type":"function","function":{{"name":{},"arguments":{}}}}}"#,
        Value::from(call_id(call, turn, index)),
        Value::from(call.name.clone()),
        Value::from(arguments(call))
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_pass_through_compacted_and_the_rest_is_lost() {
        let raw = r#"{ "model": "x", "choices": [ { "index": 0, "b": " <a> ", "message": {"z":1} } ],
                      "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3, "details": {}} }"#;
        assert_eq!(
            rebuilt(raw, "r/1", "good", 7),
            "{\"id\":\"chatcmpl-r/1\",\"object\":\"chat.completion\",\"created\":7,\"model\":\"good\",\"choices\":[{\"index\":0,\"b\":\" \\u003ca\\u003e \",\"message\":{\"z\":1}}],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2,\"total_tokens\":3}}\n"
        );
    }

    #[test]
    fn a_body_without_choices_becomes_the_model_s_words() {
        let rebuilt = rebuilt(r#"{"error":"x"}"#, "r", "good", 7);
        assert!(rebuilt.contains(
            r#""choices":[{"finish_reason":"stop","index":0,"message":{"content":"{\"error\":\"x\"}","role":"assistant"}}]}"#
        ));
    }

    #[test]
    fn foreign_call_ids_are_rewritten_and_extras_lost() {
        let raw = r#"{"choices":[{"index":0,"message":{"role":"assistant","content":null,"reasoning_content":"r",
            "tool_calls":[{"id":"tooluse_a","type":"function","function":{"name":"f","arguments":"{}"}},
                          {"id":"","type":"function","function":{"name":"g"}}]},"finish_reason":"tool_calls"}]}"#;
        let rebuilt = rebuilt(raw, "r", "good", 7);
        assert!(
            rebuilt.contains(r#""id":"call_a""#) && rebuilt.contains(r#""id":"call_1""#),
            "{rebuilt}"
        );
        assert!(!rebuilt.contains("reasoning_content"));
    }
}
