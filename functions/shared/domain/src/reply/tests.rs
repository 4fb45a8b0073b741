use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::action::example;
use crate::conversation::{Speaker, ToolCall};

fn text(content: &str) -> Reply {
    Reply {
        content: content.into(),
        tool_calls: vec![],
        finish_reason: "stop".into(),
    }
}

fn tool(id: &str, name: &str, arguments: &str) -> ToolCall {
    ToolCall {
        id: id.into(),
        name: name.into(),
        arguments: arguments.into(),
    }
}

fn tool_reply(tool_calls: Vec<ToolCall>) -> Reply {
    Reply {
        content: String::new(),
        tool_calls,
        finish_reason: "tool_calls".into(),
    }
}

fn read(path: &str) -> Action {
    Action::ReadFile {
        path: path.into(),
        first_line: None,
        last_line: None,
    }
}

fn actions(reply: &Reply) -> Vec<Action> {
    parse(reply, None)
        .unwrap()
        .into_iter()
        .map(|call| call.action.unwrap())
        .collect()
}

#[test]
fn one_action_in_text() {
    for content in [
        r#"{"action":"read_file","path":"a"}"#,
        r#"  {"action":"read","path":"a","notes":"first look"}  "#,
        "```json\n{\"action\":\"read_file\",\"path\":\"a\"}\n```",
        "```\n{\"action\":\"read_file\",\"path\":\"a\"}\n```\nThat should do.",
        "I will read it.\n{\"action\":\"read_file\",\"path\":\"a\"}",
        "<think>maybe {\"action\":\"done\",\"summary\":\"x\"}?</think>{\"action\":\"read_file\",\"path\":\"a\"}",
        "maybe {\"action\":\"build\"}</think>\n{\"action\":\"read_file\",\"path\":\"a\"}",
        "<think>I should {\"action\":\"build\"} or rather {\"action\":\"read_file\",\"path\":\"a\"}",
        "The function `fn f() { g(); }` and {} and [1]: {\"action\":\"read_file\",\"path\":\"a\"}",
        "{\"action\":\"read_file\",\"path\":\"a\"}\nThen:\n{\"action\":\"done\",\"summary\":\"imagined\"}",
        r#"{"actions":[{"type":"read_file","path":"a"}],"notes":""}"#,
        r#"[{"action":"read_file","path":"a"}]"#,
        r#"<tool_call>{"name":"read_file","arguments":{"path":"a"}}</tool_call>"#,
        r#"{"name":"read_file","arguments":"{\"path\":\"a\"}"}"#,
        r#"{"tool_calls":[{"id":"1","type":"function","function":{"name":"read_file","arguments":{"path":"a"}}}]}"#,
        "{\"action\":\"read_file\",\n\"path\":\"a\",\n}",
    ] {
        assert_eq!(actions(&text(content)), [read("a")], "{content}");
    }
}

#[test]
fn tags_inside_json_are_content() {
    let content =
        r#"{"action":"write_file","path":"a","content":"<think>x</think> {\"b\":\"}\"}"}"#;
    let Action::WriteFile {
        content: written, ..
    } = actions(&text(content)).remove(0)
    else {
        panic!()
    };
    assert_eq!(written, r#"<think>x</think> {"b":"}"}"#);
}

#[test]
fn several_actions_in_an_envelope() {
    let reply = text(r#"{"actions":[{"action":"read_file","path":"a"},{"action":"build"}]}"#);
    assert_eq!(actions(&reply), [read("a"), Action::Build {}]);
}

#[test]
fn tool_calls_win_over_text_which_becomes_notes() {
    let mut reply = tool_reply(vec![
        tool("call_1", "read_file", r#"{"path":"a"}"#),
        tool("call_2", "build", ""),
    ]);
    reply.content = "<think>x</think>Reading {\"action\":\"done\",\"summary\":\"no\"}".into();
    let calls = parse(&reply, None).unwrap();
    assert_eq!(
        calls
            .iter()
            .map(|c| c.call_id.as_deref().unwrap())
            .collect::<Vec<_>>(),
        ["call_1", "call_2"]
    );
    assert_eq!(calls[0].action, Ok(read("a")));
    assert_eq!(calls[1].action, Ok(Action::Build {}));
    assert!(
        calls[0]
            .notes
            .as_deref()
            .is_some_and(|notes| notes.starts_with("Reading"))
    );
    assert_eq!(calls[1].notes, None);
}

#[test]
fn each_tool_call_gets_an_answer_when_some_are_invalid() {
    let calls = parse(
        &tool_reply(vec![
            tool("call_1", "edit_file", r#"{"path":"a"}"#),
            tool("call_2", "read_file", r#"{"path":"a"}"#),
            tool("call_3", "git_commit", r#"{"message":"m"}"#),
            tool("call_4", "no_such", "{}"),
        ]),
        None,
    )
    .unwrap();
    let codes: Vec<_> = calls
        .iter()
        .map(|call| call.action.as_ref().map_or_else(|e| e.code(), |_| "ok"))
        .collect();
    assert_eq!(
        codes,
        ["missing_field", "ok", "not_tried", "unknown_action"]
    );
}

#[test]
fn replies_that_cannot_be_carried_out() {
    use ReplyErrorKind::{Invalid, NoAction, NotAllowed, Unparseable};
    let allowed = vec!["read_file".to_owned()];
    for (reply, kind, says) in [
        (text(""), NoAction, "asks for no action"),
        (
            text("What would you like me to do next?"),
            NoAction,
            "Nobody reads prose",
        ),
        (
            text("<think>{\"action\":\"read_file\"}</think>"),
            NoAction,
            "asks for no action",
        ),
        (text(r#"{"actions":[]}"#), NoAction, "asks for no action"),
        (text("{}"), NoAction, "asks for no action"),
        (
            text(r#"{"action":"read_file","path":"a"#),
            Unparseable,
            "one complete JSON object",
        ),
        (
            text(r#"{"action":"read_file","path":"a "b" c"}"#),
            Unparseable,
            "escape quotes",
        ),
        (
            text(r#"{"actions":[{"action":"read_file","path":"a"},{"action":"wri"#),
            Unparseable,
            "to its end",
        ),
        (text(r#"{"path":"a"}"#), Invalid, "has no `action`"),
        (
            text(r#"{"action":"read_file"}"#),
            Invalid,
            "`path` is missing",
        ),
        (
            text(r#"{"action":"build"}"#),
            NotAllowed,
            "You may use: read_file, escalate, done.",
        ),
        (
            tool_reply(vec![tool("1", "read_file", "{\"pa")]),
            Invalid,
            "end too early",
        ),
        (
            tool_reply(vec![tool("1", "build", ""), tool("2", "lint", "")]),
            NotAllowed,
            "may not use",
        ),
        (
            tool_reply(vec![tool("1", "", "")]),
            Invalid,
            "There is no action",
        ),
    ] {
        let error = parse(&reply, Some(&allowed)).unwrap_err();
        assert_eq!(error.kind, kind, "{reply:?}");
        assert!(
            error.feedback().contains(says),
            "{reply:?}: {}",
            error.feedback()
        );
        let messages = error.messages();
        assert_eq!(messages.len(), reply.tool_calls.len().max(1));
        for (message, call) in messages.iter().zip(&reply.tool_calls) {
            assert_eq!(message.tool_call_id.as_deref(), Some(call.id.as_str()));
        }
    }
}

#[test]
fn a_cut_off_reply_is_told_so() {
    let mut reply = text(r#"<think>{"action":"read_file","path":"a"}, then"#);
    assert!(parse(&reply, None).is_ok());
    reply.finish_reason = "length".into();
    let error = parse(&reply, None).unwrap_err();
    assert!(error.cut_off && error.feedback().contains("output limit"));
    let mut reply = tool_reply(vec![tool(
        "1",
        "write_file",
        r#"{"path":"a","content":"xx"#,
    )]);
    reply.finish_reason = "length".into();
    assert!(
        parse(&reply, None).unwrap_err().messages()[0]
            .content
            .contains("output limit")
    );
}

#[test]
fn too_many_actions_are_answered_but_not_carried_out() {
    let many = |n: usize| {
        (0..n)
            .map(|i| tool(&format!("c{i}"), "build", ""))
            .collect::<Vec<_>>()
    };
    let calls = parse(&tool_reply(many(MAX_ACTIONS + 3)), None).unwrap();
    assert_eq!(calls.len(), MAX_ACTIONS + 3);
    assert_eq!(
        calls.iter().filter(|call| call.action.is_ok()).count(),
        MAX_ACTIONS
    );
    let list = vec![r#"{"action":"build"}"#; 100].join(",");
    let calls = parse(&text(&format!("[{list}]")), None).unwrap();
    assert_eq!(calls.len(), MAX_ACTIONS + 1);
    assert_eq!(
        calls.last().unwrap().action.as_ref().unwrap_err().code(),
        "too_many_actions"
    );
}

#[test]
fn every_example_is_read_as_text_and_as_a_tool_call() {
    for name in Action::NAMES {
        let example = example(name).unwrap();
        let as_text = actions(&text(example));
        let as_tool = actions(&tool_reply(vec![tool("1", name, example)]));
        assert_eq!(as_text, as_tool);
        assert_eq!(as_text[0].name(), name);
    }
}

#[test]
fn the_conversation_gets_what_every_upstream_accepts() {
    let mut reply = tool_reply(vec![
        tool("", "read file", "not json"),
        tool("call_0", "build", ""),
        tool("call_0", "", r#""{\"a\":1}""#),
    ]);
    reply.content = "<think>hm</think> ok ".into();
    let message = assistant_message(&reply);
    assert_eq!(message.role, Speaker::Assistant);
    assert_eq!(message.content, "ok");
    let calls = &message.tool_calls;
    assert_eq!(
        calls.iter().map(|c| c.id.as_str()).collect::<Vec<_>>(),
        ["call_1", "call_0", "call_2"]
    );
    assert_eq!(
        calls.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(),
        ["read_file", "build", "unknown"]
    );
    assert_eq!(calls[0].arguments, r#"{"unreadable":"not json"}"#);
    assert_eq!(calls[1].arguments, "{}");
    assert_eq!(calls[2].arguments, json!({"a": 1}).to_string());
    let ids: Vec<_> = parse(&reply, None)
        .unwrap()
        .into_iter()
        .map(|call| call.call_id.unwrap())
        .collect();
    assert_eq!(ids, ["call_1", "call_0", "call_2"]);
}

proptest! {
    #[test]
    fn any_text_is_actions_or_an_error(content in "(?s)[ -~\n{}\\[\\]\"\\\\:,]{0,200}|.{0,80}", cut: bool) {
        let mut reply = text(&content);
        if cut { reply.finish_reason = "length".into(); }
        match parse(&reply, None) {
            Ok(calls) => prop_assert!(calls.iter().any(|call| call.action.is_ok())),
            Err(error) => prop_assert!(!error.feedback().is_empty() && !error.messages().is_empty()),
        }
        let _ = assistant_message(&reply);
    }

    #[test]
    fn noise_around_fragments_of_json(parts in proptest::collection::vec(proptest::sample::select(&[
        "{", "}", "[", "]", "\"", "\\", ":", ",", "\"action\"", "\"read_file\"", "\"path\"", "\"a\"", "<think>", "</think>",
        "```json\n", "```", "{\"action\":\"build\"}", "null", "é", "\n", "1",
    ][..]), 0..40)) {
        let _ = parse(&text(&parts.concat()), None);
    }

    #[test]
    fn every_tool_call_is_answered_once(calls in proptest::collection::vec(
        ("[a-c]{0,1}", proptest::sample::select(&["read_file", "build", "done", "x", ""][..]),
         proptest::sample::select(&["", "{}", "{\"path\":\"a\"}", "{\"summary\":\"s\"}", "{", "[]", "\"x\""][..])), 1..20)) {
        let reply = tool_reply(calls.iter().map(|(id, name, arguments)| tool(id, name, arguments)).collect());
        let ids: Vec<String> = assistant_message(&reply).tool_calls.into_iter().map(|call| call.id).collect();
        let distinct: std::collections::BTreeSet<_> = ids.iter().collect();
        prop_assert_eq!(distinct.len(), ids.len());
        let answered: Vec<String> = match parse(&reply, None) {
            Ok(calls) => calls.into_iter().filter_map(|call| call.call_id).collect(),
            Err(error) => error.messages().into_iter().filter_map(|message| message.tool_call_id).collect(),
        };
        prop_assert_eq!(answered, ids);
    }
}
