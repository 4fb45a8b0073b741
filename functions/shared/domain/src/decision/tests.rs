use proptest::prelude::*;

use super::*;

fn decision() -> Decision {
    Decision {
        id: "d".into(),
        bead_id: Some("bd-1".into()),
        project_id: Some("p".into()),
        kind: DecisionKind::Escalation,
        priority: Priority::DEFAULT,
        fingerprint: "escalation:bd-1".into(),
        question: "Drop it?".into(),
        options: standard_options(),
        effects: BTreeMap::new(),
        recommendation: None,
        context: String::new(),
        requester: "agent:a".into(),
        assignee: Assignee::Human,
        default_answer: None,
        returned_to: None,
        execution_id: None,
        node: None,
        decider_bead: None,
        escalations: 0,
        status: DecisionStatus::Open,
        decision: None,
        decider: None,
        rationale: None,
        version: 1,
        created_at: Timestamp(0),
        deadline_at: Timestamp(DEADLINE),
        decided_at: None,
    }
}

#[test]
fn only_what_was_asked_since_or_the_holder_itself_releases_a_bead() {
    let holder = |decided_at: Option<i64>| Decision {
        kind: DecisionKind::HighRisk,
        decided_at: decided_at.map(Timestamp),
        ..decision()
    };
    let asked = |id: &str, created_at| Decision {
        id: id.into(),
        created_at: Timestamp(created_at),
        ..decision()
    };
    for (answered, decided_at, expected) in [
        (asked("d", 0), None, true),
        (asked("d", 0), Some(5), true),
        (asked("other", 0), None, false),
        (asked("other", 9), None, false),
        (asked("other", 4), Some(5), false),
        (asked("other", 5), Some(5), true),
    ] {
        let found = releases(&answered, &holder(decided_at));
        assert_eq!(found, expected, "{} {decided_at:?}", answered.id);
    }
}

#[test]
fn words_are_read_back() {
    for kind in DecisionKind::ALL {
        assert_eq!(DecisionKind::parse(kind.as_str()), Some(kind));
        assert_eq!(
            serde_json::to_value(kind).unwrap(),
            serde_json::json!(kind.as_str())
        );
    }
    for status in DecisionStatus::ALL {
        assert_eq!(DecisionStatus::parse(status.as_str()), Some(status));
    }
    for assignee in Assignee::ALL {
        assert_eq!(Assignee::parse(assignee.as_str()), Some(assignee));
        assert_eq!(
            serde_json::to_value(assignee).unwrap(),
            serde_json::json!(assignee.as_str())
        );
    }
    let fingerprint = budget_fingerprint(BudgetScope::Project, "p:1");
    assert_eq!(budget_of(&fingerprint), Some((BudgetScope::Project, "p:1")));
    assert_eq!(budget_of("escalation:bd-1"), None);
    assert_eq!(
        decided_by_bead(Some(&decider_fingerprint("d-1"))),
        Some("d-1")
    );
    assert_eq!(decided_by_bead(Some("error:x")), None);
}

#[test]
fn a_deadline_means_the_default_then_a_person_then_once_more_then_the_end() {
    let asked = decision();
    assert_eq!(when_due(&asked, false), Due::AskAgain);
    let again = Decision {
        escalations: 1,
        ..asked.clone()
    };
    assert_eq!(when_due(&again, false), Due::Expire);
    let routine = Decision {
        assignee: Assignee::DecisionMaker,
        ..asked.clone()
    };
    assert_eq!(when_due(&routine, false), Due::HandToHuman);
    let with_default = Decision {
        default_answer: Some("No".into()),
        ..routine
    };
    assert_eq!(when_due(&with_default, false), Due::Decide(Answer::Deny));
    let approval = Decision {
        kind: DecisionKind::WorkflowApproval,
        ..asked
    };
    assert_eq!(when_due(&approval, false), Due::ExpireInWorkflow);
}

#[test]
fn no_default_gives_new_attempts_or_allows_what_is_dangerous() {
    let reopening = Decision {
        default_answer: Some("deny".into()),
        ..decision()
    };
    assert_eq!(when_due(&reopening, true), Due::AskAgain);
    let closing = Decision {
        default_answer: Some("approve".into()),
        ..decision()
    };
    assert_eq!(when_due(&closing, true), Due::Decide(Answer::Approve));
    let dangerous = Decision {
        kind: DecisionKind::HighRisk,
        ..closing
    };
    assert_eq!(when_due(&dangerous, false), Due::AskAgain);
}

proptest! {
    #[test]
    fn every_decision_ends_after_three_deadlines(
        kind in prop::sample::select(DecisionKind::ALL.to_vec()),
        by_agent: bool,
        default in prop::option::of("[a-z]{0,8}"),
        exhausted: bool,
    ) {
        let mut open = Decision { kind, default_answer: default, ..decision() };
        if by_agent {
            open.assignee = Assignee::DecisionMaker;
            open.decider_bead = Some("bd-2".into());
        }
        let mut deadlines = 0;
        loop {
            deadlines += 1;
            prop_assert!(deadlines <= 3);
            match when_due(&open, exhausted) {
                Due::HandToHuman => open.assignee = Assignee::Human,
                Due::AskAgain => {}
                Due::Decide(_) | Due::ExpireInWorkflow | Due::Expire => break,
            }
            open.escalations += 1;
        }
    }
}
