//! Answers from a script.

use loom_tokenhub_double::{Script, ScriptedReply, Then};
use serde_json::{Value, json};

use crate::exchange::{post, start};

#[test]
fn a_script_answers_by_conversation_and_turn() {
    let script = Script::default()
        .conversation(
            "bd-1",
            [
                ScriptedReply::call("read_file", json!({"path": "a"}))
                    .and_call("git_status", json!({})),
                ScriptedReply::text("two"),
            ],
            Then::Done,
        )
        .conversation("", [ScriptedReply::text("any")], Then::RepeatLast);
    let hub = start(script.into());
    let turn = |bead: &str, turns: usize| {
        let mut messages = vec![json!({"role": "user", "content": format!("work on {bead}")})];
        for _ in 0..turns {
            messages.push(json!({"role": "assistant", "content": "said"}));
            messages.push(json!({"role": "tool", "content": "bd-1 occurs here too"}));
        }
        post(&hub, &[], &json!({"messages": messages})).json()["choices"][0]["message"].clone()
    };
    let first = turn("bd-1", 0);
    assert_eq!(first["content"], Value::Null);
    assert_eq!(
        first["tool_calls"][0]["function"],
        json!({"name": "read_file", "arguments": "{\"path\":\"a\"}"})
    );
    assert_eq!(first["tool_calls"][1]["id"], "call_0_1");
    assert_eq!(
        turn("bd-1", 0),
        first,
        "the same turn again is the same answer"
    );
    assert_eq!(turn("bd-1", 1)["content"], "two");
    assert_eq!(turn("bd-1", 2)["tool_calls"][0]["function"]["name"], "done");
    assert_eq!(turn("bd-2", 3)["content"], "any");
}

#[test]
fn a_script_is_read_from_json_and_its_errors_are_named() {
    let script = Script::from_json(
        r#"{"conversations":[{"match":"x","then":"done","replies":[
            {"content":"a","usage":{"prompt_tokens":1,"completion_tokens":2}},
            {"tool_calls":[{"name":"f","arguments":{"a":1}}],"misbehave":"hang"},
            {"raw":{"choices":[]},"misbehave":{"cut_stream":{"after_chunks":2}},"misbehave_times":3}]}]}"#,
    )
    .unwrap();
    assert_eq!(script.conversations[0].replies.len(), 3);
    assert_eq!(
        Script::from_json(&serde_json::to_string(&script).unwrap()),
        Ok(script)
    );
    for (json, part) in [
        ("{", "EOF"),
        (
            r#"{"conversations":[{"match":"x","replies":[]}]}"#,
            "no replies",
        ),
        (
            r#"{"conversations":[{"match":"x","replies":[{"contents":"a"}]}]}"#,
            "contents",
        ),
    ] {
        assert!(
            Script::from_json(json).unwrap_err().contains(part),
            "{json}"
        );
    }
}
