//! What comments ask for.

use super::*;
use crate::github::Command;

#[test]
fn comments_are_read_with_their_commands() {
    let intents = intents(
        "issue_comment",
        &comment("Please.\n/loom priority P1\n/loom dance", json!({})),
    );
    let said = the_comment(&intents);
    assert_eq!((said.number, said.on_pull_request, said.id), (7, false, 5));
    assert_eq!(said.commands.len(), 2);
    assert!(matches!(said.commands[0], Ok(Command::Priority(_))));
    assert!(said.text.starts_with("Please."));
    assert_eq!(told(&intents), ["github.comment_added"]);
    assert!(!the_issue(&intents).wants_bead);
    let need = intents.iter().find_map(Intent::needs_permission).unwrap();
    assert_eq!(need.login, "ann");
}

#[test]
fn words_need_no_permission_and_commands_are_no_words() {
    let plain = intents("issue_comment", &comment("I see it too.", json!({})));
    assert!(
        plain
            .iter()
            .all(|intent| intent.needs_permission().is_none())
    );
    let command = intents("issue_comment", &comment("/loom work", json!({})));
    assert_eq!(the_comment(&command).text, "");
}

#[test]
fn a_long_comment_is_cut_in_the_event_and_in_the_conversation() {
    let long = "é".repeat(20_000);
    let intents = intents("issue_comment", &comment(&long, json!({})));
    assert!(the_comment(&intents).text.len() < 17 * 1024);
    let Some(Intent::Announce(told)) = intents
        .iter()
        .find(|intent| matches!(intent, Intent::Announce(_)))
    else {
        panic!("{intents:?}");
    };
    let shown = told.data["comment_body"].as_str().unwrap();
    assert_eq!(shown.chars().count(), 500);
    assert!(shown.ends_with("..."));
}

#[test]
fn a_comment_on_a_line_says_where() {
    let payload = merged(
        pull_request("created", json!({})),
        json!({"comment": {"id": 3, "body": "Why?", "user": {"login": "bob"}, "path": "src/a.rs", "line": 12}}),
    );
    let intents = intents("pull_request_review_comment", &payload);
    let said = the_comment(&intents);
    assert_eq!(said.text, "On src/a.rs, line 12:\nWhy?");
    assert_eq!(
        (said.source, said.on_pull_request, said.number),
        (CommentSource::Line, true, 9)
    );
}
