use proptest::prelude::*;
use serde_json::json;

use super::*;

pub(crate) fn occurrence(kind: &str, data: Value) -> Occurrence {
    Occurrence {
        event: Event {
            sequence: 7,
            kind: kind.to_owned(),
            actor: "ann".to_owned(),
            project_id: Some("p".to_owned()),
            bead_id: Some("bd-1".to_owned()),
            run_id: None,
            agent_id: None,
            data,
            created_at: Timestamp(0),
        },
        bead: None,
        decision: None,
        project: Some("Demo".to_owned()),
    }
}

fn full(kind: &str, data: Value) -> Occurrence {
    let mut full = occurrence(kind, data);
    full.bead = Some(AboutBead {
        title: "Fix <it>".to_owned(),
        priority: Priority::new(2),
        is_decider: false,
    });
    full.decision = Some(AboutDecision {
        question: "Drop it?".to_owned(),
        options: vec!["keep & wait".to_owned(), "approve".to_owned()],
        assignee: Assignee::Human,
        deadline_at: Timestamp(1_795_507_534_120),
    });
    full
}

const LOOM: &str = "https://loom.example/";

#[test]
fn what_people_read() {
    for (kind, data, expected) in [
        (
            "decision.created",
            json!({"decision_id": "d-1", "question": "Drop it, @all?", "priority": "P1", "assignee": "human"}),
            "P1: Decision needed: Drop it, @\u{200b}all?\nBead bd-1 (Fix <it>), project Demo\nTo do: a person answers with \
             one of: approve, deny, needs_more_info, keep & wait (until 2026-11-24 08:05 UTC)\n\
             https://loom.example/decisions/d-1",
        ),
        (
            "decision.created",
            json!({"decision_id": "d-1", "question": "Q?", "assignee": "decision-maker"}),
            "P2: Asked, the decision-maker answers: Q?\nBead bd-1 (Fix <it>), project Demo\nTo do: nothing; a person is \
             asked if it finds no answer.\nhttps://loom.example/decisions/d-1",
        ),
        (
            "decision.decided",
            json!({"decision_id": "d-1", "decision": "deny", "decider": "bob", "rationale": "Too\nearly"}),
            "P2: Decided: Drop it?\nBead bd-1 (Fix <it>), project Demo\ndeny, said bob: Too early\nTo do: nothing.\n\
             https://loom.example/decisions/d-1",
        ),
        (
            "bead.completed",
            json!({"reason": "merged"}),
            "P2: Closed: merged\nBead bd-1 (Fix <it>), project Demo\nTo do: nothing.\nhttps://loom.example/beads/bd-1",
        ),
        (
            "bead.status_change",
            json!({"status": "blocked", "reason": "attempts_exhausted"}),
            "P2: Blocked: attempts_exhausted\nBead bd-1 (Fix <it>), project Demo\nTo do: a person answers its question, or \
             opens the bead again.\nhttps://loom.example/beads/bd-1",
        ),
        (
            "run.ended",
            json!({"status": "failed", "message": "The tests failed."}),
            "P2: Run failed: The tests failed.\nBead bd-1 (Fix <it>), project Demo\nTo do: nothing yet; it is tried again, \
             or a person is asked.\nhttps://loom.example/beads/bd-1",
        ),
        (
            "bead.created",
            json!({}),
            "P2: bead.created\nBead bd-1 (Fix <it>), project Demo\nhttps://loom.example/beads/bd-1",
        ),
    ] {
        assert_eq!(
            full(kind, data).notice().text(Style::Plain, LOOM),
            expected,
            "{kind}"
        );
    }
}

#[test]
fn each_style_writes_its_own_form() {
    let data = json!({"decision_id": "d-1", "question": "<!channel> https://evil.example", "assignee": "human"});
    let notice = full("decision.created", data).notice();
    let slack = notice.text(Style::Slack, LOOM);
    assert!(slack.starts_with(
        "P2: Decision needed: &lt;!channel&gt; https:\u{200b}//evil.\u{200b}example\n"
    ));
    assert!(slack.contains("keep &amp; wait"));
    assert!(slack.ends_with("\n<https://loom.example/decisions/d-1|Open in Loom>"));
    let discord = notice.text(Style::Discord, LOOM);
    assert!(discord.contains("\\<!channel>") && discord.contains("needs\\_more\\_info"));
    assert!(discord.ends_with("\n<https://loom.example/decisions/d-1>"));
}

#[test]
fn an_event_about_nothing_is_told_too() {
    let mut bare = occurrence(
        "provider.updated",
        json!({"name": "hub", "status": "failed", "error": "down"}),
    );
    (bare.event.project_id, bare.event.bead_id, bare.project) = (None, None, None);
    let notice = bare.notice();
    assert_eq!(
        notice.text(Style::Plain, LOOM),
        "Provider hub is failed\ndown\nTo do: an admin looks after it; no run begins until it is healthy.\n\
         https://loom.example/events"
    );
    assert_eq!(notice.session_key, "loom:system");
    assert!(
        test_notice("Team")
            .text(Style::Plain, LOOM)
            .contains("connector Team.")
    );
}

proptest! {
    #[test]
    fn every_event_fits_and_mentions_nobody(
        kind in prop::sample::select(EventKind::ALL.to_vec()),
        word in "(@everyone |<!here>|https://e\\.x/|\\PC){0,400}",
        status in prop::sample::select(vec!["failed", "blocked", "@here"]),
        options in prop::collection::vec("[<@a-z\\\\]{0,300}", 0..12),
    ) {
        let mut data = serde_json::Map::new();
        for name in ["question", "reason", "note", "decision", "decider", "rationale", "message", "error", "name"] {
            data.insert(name.to_owned(), json!(word));
        }
        data.insert("status".to_owned(), json!(status));
        let mut told = full(kind.as_str(), Value::Object(data));
        told.event.bead_id = Some(word.clone());
        told.project = Some(word.clone());
        if let (Some(bead), Some(decision)) = (&mut told.bead, &mut told.decision) {
            bead.title = word.clone();
            decision.options = options;
        }
        let notice = told.notice();
        for style in [Style::Plain, Style::Slack, Style::Discord] {
            let text = notice.text(style, "https://l.example");
            prop_assert!(text.encode_utf16().count() <= style.limit(), "{} in {:?}", text.len(), style);
            prop_assert!(!text.contains("@everyone") && !text.contains("@here") && (style != Style::Slack || !text.contains("<!")), "{text}");
            prop_assert_eq!(text.matches("://").count(), 1, "{}", text);
        }
    }
}
