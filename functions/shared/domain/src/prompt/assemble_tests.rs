use proptest::prelude::*;

use super::*;
use crate::prompt::{Fence, Remaining};

fn context() -> PromptContext<'static> {
    PromptContext {
        text_mode: true,
        allowed_actions: None,
        remaining: Remaining {
            step: 3,
            max_steps: 25,
            micro_usd: None,
        },
        ..PromptContext::default()
    }
}

fn assistant(ids: &[&str], arguments: &str) -> Message {
    Message {
        role: Speaker::Assistant,
        content: String::new(),
        tool_calls: ids
            .iter()
            .map(|id| ToolCall {
                id: (*id).into(),
                name: "read_file".into(),
                arguments: arguments.into(),
            })
            .collect(),
        tool_call_id: None,
    }
}

fn total(messages: &[Message]) -> usize {
    messages.iter().map(message_tokens).sum()
}

/// What every upstream demands: tool messages directly after the assistant message whose calls they answer, one each.
fn check_shape(messages: &[Message]) {
    assert_eq!(messages[0].role, Speaker::System);
    assert_eq!(messages[1].role, Speaker::User);
    assert_eq!(messages.last().unwrap().role, Speaker::User);
    let mut open: BTreeSet<&str> = BTreeSet::new();
    for pair in messages.windows(2) {
        assert!(
            pair[0].role != Speaker::User || pair[1].role != Speaker::User,
            "two user messages in a row"
        );
    }
    for message in messages {
        if message.role == Speaker::Tool {
            assert!(
                open.remove(message.tool_call_id.as_deref().unwrap()),
                "orphan"
            );
        } else {
            assert!(open.is_empty(), "unanswered call");
            open = message
                .tool_calls
                .iter()
                .map(|call| call.id.as_str())
                .collect();
            assert_eq!(open.len(), message.tool_calls.len());
        }
        for call in &message.tool_calls {
            assert!(serde_json::from_str::<Value>(&call.arguments).is_ok_and(|v| v.is_object()));
        }
    }
    assert!(open.is_empty());
}

#[test]
fn an_empty_history_is_system_and_task() {
    let messages = assemble(&context(), &[], 32_000, 2_000);
    assert_eq!(messages.len(), 2);
    check_shape(&messages);
    assert!(messages[1].content.ends_with("What is your next action?"));
}

#[test]
fn everything_is_kept_while_it_fits() {
    let history = vec![
        assistant(&["a", "b"], "{}"),
        Message::tool_result("a", "one"),
        Message::tool_result("b", "two"),
        Message::text(Speaker::Assistant, "prose"),
        Message::text(Speaker::User, "feedback"),
    ];
    let messages = assemble(&context(), &history, 32_000, 2_000);
    assert_eq!(messages[2..6], history[..4]);
    assert!(
        messages[6]
            .content
            .starts_with("feedback\n\n[Step 3 of 25]")
    );
    assert!(!messages[1].content.contains("left out"));
}

#[test]
fn a_damaged_history_is_mended() {
    let history = vec![
        Message::tool_result("lost", "orphan"),
        assistant(&["a", "b", "b"], "{}"),
        Message::tool_result("b", "two"),
        Message::tool_result("b", "twice"),
        Message::text(Speaker::Assistant, "next"),
        Message::tool_result("a", "too late"),
    ];
    let messages = assemble(&context(), &history, 32_000, 2_000);
    check_shape(&messages);
    let tools: Vec<_> = messages
        .iter()
        .filter(|m| m.role == Speaker::Tool)
        .collect();
    assert_eq!(tools.len(), 2);
    assert_eq!(tools[0].content, "two");
    assert!(tools[1].content.starts_with("No result was recorded"));
}

#[test]
fn old_turns_go_first_and_the_notice_counts_them() {
    let history: Vec<Message> = (0..50)
        .flat_map(|i| {
            let id = format!("c{i}");
            [
                assistant(&[&id], "{}"),
                Message::tool_result(id, format!("{i} {}", "x".repeat(2_000))),
            ]
        })
        .collect();
    let messages = assemble(&context(), &history, 16_000, 1_000);
    check_shape(&messages);
    assert!(total(&messages) <= usable_tokens(&context(), 16_000, 1_000));
    let kept = messages.iter().filter(|m| m.role == Speaker::Tool).count();
    assert!(kept > 5 && kept < 50, "{kept}");
    assert!(
        messages[1]
            .content
            .ends_with(&format!("[{} older messages left out]", (50 - kept) * 2))
    );
    assert!(messages[messages.len() - 2].content.starts_with("49 "));
}

#[test]
fn a_long_result_keeps_head_tail_and_fence() {
    let text = format!("HEAD{}TAIL", "\nline".repeat(20_000));
    let fence = Fence::around(&[&text]);
    let history = vec![
        assistant(&["a"], "{}"),
        Message::tool_result("a", format!("title\n{}\nhint", fence.wrap("f", &text))),
    ];
    let messages = assemble(&context(), &history, 8_000, 1_000);
    let result = &messages[3].content;
    for part in [
        "title\n<data-",
        "HEAD",
        "lines left out]",
        "TAIL",
        "\nhint",
        &format!("</{}>", fence.tag()),
    ] {
        assert!(result.contains(part), "{part}");
    }
    assert!(total(&messages) <= usable_tokens(&context(), 8_000, 1_000));
}

#[test]
fn long_arguments_stay_json() {
    let arguments = json!({"path": "a", "content": "\"\n".repeat(50_000)}).to_string();
    let shorter = shorter_arguments(&arguments, 2_000);
    assert!(shorter.len() <= 2_000);
    let value: Value = serde_json::from_str(&shorter).unwrap();
    assert_eq!(value["path"], "a");
    assert!(value["content"].as_str().unwrap().contains("left out]"));
    let many = json!({"argv": vec!["x".repeat(40); 1_000]}).to_string();
    let shorter = shorter_arguments(&many, 2_000);
    assert!(shorter.len() <= 2_000 && serde_json::from_str::<Value>(&shorter).is_ok());
}

#[test]
fn the_tool_list_takes_its_room() {
    let with_tools = PromptContext {
        text_mode: false,
        ..context()
    };
    let difference = usable_tokens(&context(), 32_000, 0) - usable_tokens(&with_tools, 32_000, 0);
    assert_eq!(difference, tools_tokens(None));
    assert!(difference > 1_000);
    assert_eq!(usable_tokens(&context(), 1_000, 2_000), 0);
}

/// Conversations as they are, and as crashes may leave them.
fn any_history() -> impl Strategy<Value = Vec<Message>> {
    let size = prop_oneof![4 => 0_usize..300, 1 => 0_usize..20_000];
    let turn = (0_usize..4, 0_usize..4, size, any::<bool>(), any::<bool>());
    proptest::collection::vec(turn, 0..12).prop_map(|turns| {
        let mut messages = Vec::new();
        for (index, (calls, results, size, feedback, fenced)) in turns.into_iter().enumerate() {
            let ids: Vec<String> = (0..calls).map(|call| format!("{index}-{call}")).collect();
            let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
            let arguments = json!({"content": "y".repeat(size / 2)}).to_string();
            messages.push(assistant(&ids, &arguments));
            for call in 0..results {
                let text = "ä\n".repeat(size / 3);
                let text = if fenced {
                    Fence::around(&[&text]).wrap("x", &text)
                } else {
                    text
                };
                messages.push(Message::tool_result(format!("{index}-{call}"), text));
            }
            if feedback {
                messages.push(Message::text(Speaker::User, format!("feedback {index}")));
            }
        }
        messages
    })
}

proptest! {
    #[test]
    fn the_prompt_fits_or_is_the_smallest(history in any_history(), window in 1_000_usize..40_000, output in 0_usize..2_000,
        description in "(?s).{0,3000}") {
        let mut context = context();
        context.bead.description = &description;
        let messages = assemble(&context, &history, window, output);
        check_shape(&messages);
        if total(&messages) > usable_tokens(&context, window, output) {
            // Nothing but the newest turn is left, and nothing in it or in the task can be shortened further.
            let turns = messages.iter().filter(|message| message.role == Speaker::Assistant).count();
            prop_assert!(turns <= 1);
            for message in messages.iter().skip(2) {
                prop_assert!(message.content.len() <= MIN_MESSAGE_BYTES + 200);
                prop_assert!(message.tool_calls.iter().all(|call| call.arguments.len() <= MIN_MESSAGE_BYTES));
            }
            prop_assert!(messages[1].content.starts_with(&task_within(&context, SHRINKS[SHRINKS.len() - 1])));
        }
    }

    #[test]
    fn order_is_preserved(history in any_history(), window in 1_000_usize..40_000) {
        let messages = assemble(&context(), &history, window, 500);
        let key = |m: &Message| (m.tool_calls.first().map(|c| c.id.clone()), m.tool_call_id.clone());
        let keys: Vec<_> = history.iter().map(key).filter(|k| *k != (None, None)).collect();
        let mut position = 0;
        for message in messages.iter().filter(|m| !m.content.starts_with("No result")) {
            let key = key(message);
            if key == (None, None) { continue; }
            let found = keys.iter().skip(position).position(|k| *k == key);
            prop_assert!(found.is_some());
            position += found.unwrap() + 1;
        }
    }

    #[test]
    fn the_newest_turn_is_always_there(history in any_history(), window in 1_000_usize..40_000) {
        let messages = assemble(&context(), &history, window, 500);
        let newest = history.iter().rposition(|m| m.role == Speaker::Assistant);
        if let Some(newest) = newest {
            let last = messages.iter().rfind(|m| m.role == Speaker::Assistant).unwrap();
            let ids = |m: &Message| m.tool_calls.iter().map(|c| c.id.clone()).collect::<Vec<_>>();
            prop_assert_eq!(ids(last), ids(&history[newest]));
        }
    }
}
