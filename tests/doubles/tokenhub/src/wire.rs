//! Reading the body of a chat request the way the real one does.

use serde_json::{Map, Value, json};

use crate::json;
use crate::request::SeenMessage;

/// A chat request.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Decoded {
    pub(crate) model: String,
    pub(crate) messages: Vec<SeenMessage>,
    pub(crate) stream: bool,
    /// What goes to the provider beside model and messages.
    pub(crate) parameters: Map<String, Value>,
}

/// The first JSON value of a body; what follows it is ignored. The error is Go's message, or close to it.
pub(crate) fn first_value(body: &[u8]) -> Result<Value, String> {
    match serde_json::Deserializer::from_slice(body)
        .into_iter::<Value>()
        .next()
    {
        None => Err(String::from("EOF")),
        Some(Ok(value)) => Ok(value),
        Some(Err(error)) if error.is_eof() => Err(String::from("unexpected EOF")),
        Some(Err(error)) => {
            let line = body
                .split(|&byte| byte == b'\n')
                .nth(error.line().saturating_sub(1))
                .unwrap_or_default();
            let found = line
                .get(error.column().saturating_sub(1))
                .copied()
                .map_or('?', char::from);
            Err(format!(
                "invalid character '{found}' looking for beginning of value"
            ))
        }
    }
}

/// Reads the body of `/v1/chat/completions`. Unknown fields are dropped without a word.
pub(crate) fn decode(body: &[u8]) -> Result<Decoded, String> {
    let value = first_value(body)?;
    let Value::Object(fields) = value else {
        let kind = json::kind(&value);
        return Err(format!(
            "json: cannot unmarshal {kind} into Go value of type httpapi.CompletionsRequest"
        ));
    };
    let field = |name: &str| fields.get(name).filter(|value| !value.is_null());
    let mismatch = |name: &str, value: &Value, wanted: &str| {
        let kind = json::kind(value);
        format!(
            "json: cannot unmarshal {kind} into Go struct field CompletionsRequest.{name} of type {wanted}"
        )
    };

    let model = match field("model") {
        None => String::new(),
        Some(Value::String(model)) => model.clone(),
        Some(other) => return Err(mismatch("model", other, "string")),
    };
    let messages = match field("messages") {
        None => Vec::new(),
        Some(Value::Array(messages)) => messages.iter().map(message).collect::<Result<_, _>>()?,
        Some(other) => return Err(mismatch("messages", other, "[]router.Message")),
    };
    let stream = match field("stream") {
        None => false,
        Some(Value::Bool(stream)) => *stream,
        Some(other) => return Err(mismatch("stream", other, "bool")),
    };

    let mut parameters = Map::new();
    for name in ["temperature", "top_p"] {
        if let Some(value) = field(name) {
            if !value.is_number() {
                return Err(mismatch(name, value, "float64"));
            }
            parameters.insert(name.to_owned(), value.clone());
        }
    }
    for name in ["max_tokens", "n"] {
        if let Some(value) = field(name) {
            if !value.is_i64() {
                let kind = match value {
                    Value::Number(number) => format!("number {number}"),
                    other => json::kind(other).to_owned(),
                };
                return Err(format!(
                    "json: cannot unmarshal {kind} into Go struct field CompletionsRequest.{name} of type int"
                ));
            }
            parameters.insert(name.to_owned(), value.clone());
        }
    }
    if let Some(stop) = field("stop") {
        parameters.insert(String::from("stop"), stop.clone());
    }
    // An explicit null is passed on for these two.
    for name in ["tools", "tool_choice"] {
        if let Some(value) = fields.get(name) {
            parameters.insert(name.to_owned(), value.clone());
        }
    }
    Ok(Decoded {
        model,
        messages,
        stream,
        parameters,
    })
}

/// Reads one message: content becomes a plain string, and everything that is not named here is dropped.
pub(crate) fn message(value: &Value) -> Result<SeenMessage, String> {
    let Value::Object(fields) = value else {
        return Err(format!(
            "json: cannot unmarshal {} into Go value of type router.alias",
            json::kind(value)
        ));
    };
    let text = |name: &str| match fields.get(name) {
        None | Some(Value::Null) => Ok(String::new()),
        Some(Value::String(text)) => Ok(text.clone()),
        Some(other) => Err(format!(
            "json: cannot unmarshal {} into Go struct field alias.{name} of type string",
            json::kind(other)
        )),
    };
    let content = match fields.get("content") {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(parts)) => parts
            .iter()
            .filter(|part| part.get("type").and_then(Value::as_str) == Some("text"))
            .filter_map(|part| part.get("text").and_then(Value::as_str))
            .collect(),
        _ => String::new(),
    };
    let tool_call_id = text("tool_call_id")?;
    let name = text("name")?;
    Ok(SeenMessage {
        role: text("role")?,
        content,
        tool_calls: fields.get("tool_calls").cloned(),
        tool_call_id: Some(tool_call_id).filter(|id| !id.is_empty()),
        name: Some(name).filter(|name| !name.is_empty()),
    })
}

/// What the provider receives.
pub(crate) fn forwarded(decoded: &Decoded, model: &str) -> Value {
    let messages: Vec<Value> = decoded
        .messages
        .iter()
        .map(|message| {
            let mut sent = json!({"role": message.role, "content": message.content});
            if let (Value::Object(sent), Some(calls)) = (&mut sent, &message.tool_calls) {
                sent.insert(String::from("tool_calls"), calls.clone());
            }
            if let (Value::Object(sent), Some(id)) = (&mut sent, &message.tool_call_id) {
                sent.insert(String::from("tool_call_id"), Value::from(id.clone()));
            }
            if let (Value::Object(sent), Some(name)) = (&mut sent, &message.name) {
                sent.insert(String::from("name"), Value::from(name.clone()));
            }
            sent
        })
        .collect();
    let mut payload = decoded.parameters.clone();
    payload.insert(String::from("model"), Value::from(model));
    payload.insert(String::from("messages"), Value::from(messages));
    if decoded.stream {
        payload.insert(String::from("stream"), Value::from(true));
    }
    Value::Object(payload)
}

/// TokenHub's own estimate of the prompt: a quarter of the bytes of each message; tools don't count.
pub(crate) fn estimated_tokens(messages: &[SeenMessage]) -> u64 {
    messages
        .iter()
        .map(|message| (message.content.len() / 4) as u64)
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn go_messages() {
        for (body, message) in [
            ("", "EOF"),
            ("{", "unexpected EOF"),
            ("{\"model\":", "unexpected EOF"),
            (
                "hello",
                "invalid character 'h' looking for beginning of value",
            ),
            (
                "[]",
                "json: cannot unmarshal array into Go value of type httpapi.CompletionsRequest",
            ),
            (
                r#"{"model":1}"#,
                "json: cannot unmarshal number into Go struct field CompletionsRequest.model of type string",
            ),
            (
                r#"{"max_tokens":1.5}"#,
                "json: cannot unmarshal number 1.5 into Go struct field CompletionsRequest.max_tokens of type int",
            ),
        ] {
            assert_eq!(decode(body.as_bytes()).unwrap_err(), message, "{body}");
        }
    }

    #[test]
    fn only_seven_parameters_are_passed_on() {
        let body = json!({
            "model": "m", "messages": [{"role": "user", "content": "x", "refusal": "y"}],
            "temperature": 0.5, "top_p": 1, "max_tokens": 7, "n": 1, "stop": ["a"], "tools": [], "tool_choice": null,
            "response_format": {"type": "json_object"}, "seed": 1, "user": "u", "stream_options": {}, "metadata": {},
            "max_completion_tokens": 3, "parallel_tool_calls": false, "reasoning_effort": "high", "logprobs": true,
        });
        let decoded = decode(body.to_string().as_bytes()).unwrap();
        let sent = forwarded(&decoded, "m");
        let names: Vec<&str> = sent
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        assert_eq!(
            names,
            [
                "max_tokens",
                "messages",
                "model",
                "n",
                "stop",
                "temperature",
                "tool_choice",
                "tools",
                "top_p"
            ]
        );
        assert_eq!(sent["messages"], json!([{"role": "user", "content": "x"}]));
    }

    #[test]
    fn content_becomes_a_string() {
        for (content, text) in [
            (json!("a"), "a"),
            (json!(null), ""),
            (json!(7), ""),
            (
                json!([{"type": "text", "text": "a"}, {"type": "image_url"}, {"type": "text", "text": "b"}]),
                "ab",
            ),
        ] {
            assert_eq!(
                message(&json!({"role": "user", "content": content}))
                    .unwrap()
                    .content,
                text
            );
        }
    }

    #[test]
    fn what_follows_the_first_value_is_ignored() {
        assert!(decode(br#"{"messages":[]} trailing"#).is_ok());
    }
}
