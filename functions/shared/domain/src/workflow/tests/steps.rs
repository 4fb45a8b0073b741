use serde_json::json;

use super::{World, blank, conclude, fail, is_escalation, resume, signal};
use crate::time::{MINUTE, Timestamp};
use crate::workflow::{Command, ExecutionStatus, Outcome, Record, Stand};

#[test]
fn the_straight_way_leads_to_the_end() {
    let mut world = World::new();
    world.conclude(Outcome::Success).unwrap();
    let check = Stand::Work {
        role: Some("qa-engineer".parse().unwrap()),
        author: Some("worker".into()),
    };
    assert_eq!(world.stand(), check, "another agent than the author");
    world.run(conclude(Outcome::Approved, "judge")).unwrap();
    assert_eq!(world.execution.author.as_deref(), Some("worker"));
    world.conclude(Outcome::Success).unwrap();
    let stay = world.execution.stay;
    world.run(Command::TimeOut { stay }).unwrap();
    assert_eq!(
        world.execution.last_outcome,
        Some(Outcome::Success),
        "its timer is what a node waits for"
    );
    world.run(signal("go")).unwrap();
    assert_eq!(world.execution.status, ExecutionStatus::Completed);
    assert_eq!(world.stand(), Stand::Completed);
    assert!(world.execution.ended_at.is_some());
    assert_eq!(world.execution.cycle_count, 0);
}

#[test]
fn three_rejections_are_one_question() {
    let mut world = World::new();
    for round in 1..=3 {
        world.conclude(Outcome::Success).unwrap();
        let records = world.conclude(Outcome::Rejected).unwrap();
        assert_eq!(
            records.iter().any(is_escalation),
            round == 3,
            "round {round}"
        );
    }
    assert_eq!(
        world
            .records
            .iter()
            .filter(|record| is_escalation(record))
            .count(),
        1
    );
    assert_eq!(world.stand(), Stand::Escalated);
    let Some(Record::Escalated {
        code,
        resume_at,
        from,
        ..
    }) = world.records.last()
    else {
        panic!("{:?}", world.records.last());
    };
    assert_eq!(
        (code.as_str(), resume_at.as_str(), from.as_str()),
        ("revisit_limit", "write", "check")
    );
    assert_eq!(world.conclude(Outcome::Success), Err("execution_escalated"));
    assert_eq!(world.run(signal("go")), Err("execution_escalated"));
    // The person's word gives three more rounds.
    world.run(resume()).unwrap();
    assert_eq!(
        (
            world.execution.node.as_str(),
            world.execution.visits["write"]
        ),
        ("write", 1)
    );
    for _ in 0..2 {
        world.conclude(Outcome::Success).unwrap();
        world.conclude(Outcome::Rejected).unwrap();
    }
    assert_eq!(world.execution.status, ExecutionStatus::Active);
}

#[test]
fn a_person_may_take_the_work_as_it_is() {
    let mut world = World::new();
    let accept = || Command::Accept {
        note: "good enough".into(),
    };
    assert_eq!(world.run(accept()), Err("execution_not_escalated"));
    let records = world.conclude(Outcome::Escalated).unwrap();
    assert!(
        matches!(&records[..], [Record::Escalated { code, resume_at, .. }] if code == "asked" && resume_at == "write")
    );
    world.run(accept()).unwrap();
    assert_eq!(world.execution.status, ExecutionStatus::Completed);
}

#[test]
fn an_escalation_takes_its_edge_where_it_leads_to_a_node() {
    let mut world = World::new();
    world.conclude(Outcome::Success).unwrap();
    world.conclude(Outcome::Escalated).unwrap();
    assert_eq!(
        (world.execution.node.as_str(), world.execution.status),
        ("merge", ExecutionStatus::Active)
    );
}

#[test]
fn a_node_fails_when_its_attempts_are_used_up_and_not_before() {
    let mut world = World::new();
    world.run(fail()).unwrap();
    assert_eq!(
        (world.execution.node.as_str(), world.execution.attempts),
        ("write", 1)
    );
    // A success at the last attempt is a success.
    let mut other = World::new();
    other.run(fail()).unwrap();
    other.conclude(Outcome::Success).unwrap();
    assert_eq!(
        (other.execution.node.as_str(), other.execution.attempts),
        ("check", 0)
    );
    world.run(fail()).unwrap();
    assert_eq!(world.execution.status, ExecutionStatus::Failed);
    assert_eq!(world.execution.last_outcome, Some(Outcome::Failure));
}

#[test]
fn a_judge_that_fails_is_a_question_as_there_is_no_edge() {
    let mut world = World::new();
    world.conclude(Outcome::Success).unwrap();
    let records = world.run(fail()).unwrap();
    assert!(
        matches!(&records[..], [Record::Escalated { code, .. }] if code == "no_edge"),
        "{records:?}"
    );
}

#[test]
fn time_runs_out_for_the_stay_that_it_was_set_for() {
    let mut world = World::new();
    let write = world.definition.node("write").unwrap();
    assert_eq!(write.due_at(Timestamp(5)), Some(Timestamp(5 + 60 * MINUTE)));
    assert_eq!(
        world.definition.node("check").unwrap().due_at(Timestamp(5)),
        None
    );
    assert_eq!(
        world.definition.node("pause").unwrap().due_at(Timestamp(5)),
        Some(Timestamp(5 + 30 * MINUTE))
    );
    assert_eq!(world.run(Command::TimeOut { stay: 2 }), Ok(vec![]));
    world.run(Command::TimeOut { stay: 1 }).unwrap();
    assert_eq!((world.execution.stay, world.execution.cycle_count), (2, 1));
    assert_eq!(world.run(Command::TimeOut { stay: 1 }), Ok(vec![]));
    world.run(Command::Pause).unwrap();
    assert_eq!(
        world.run(Command::TimeOut { stay: 2 }),
        Ok(vec![]),
        "a pause holds the time"
    );
}

#[test]
fn an_outcome_that_the_node_cannot_have_is_refused() {
    let mut world = World::new();
    for outcome in [Outcome::Approved, Outcome::Rejected] {
        assert_eq!(world.conclude(outcome), Err("outcome_not_of_node"));
    }
    world.conclude(Outcome::Success).unwrap();
    for outcome in [Outcome::Success, Outcome::Failure] {
        assert_eq!(world.conclude(outcome), Err("outcome_not_of_node"));
    }
    assert_eq!(world.records.len(), 2);
}

#[test]
fn pause_holds_and_resume_goes_on_at_the_same_stay() {
    let mut world = World::new();
    assert_eq!(world.run(resume()), Err("execution_not_paused"));
    world.run(Command::Pause).unwrap();
    assert_eq!(world.stand(), Stand::Paused);
    assert_eq!(world.run(Command::Pause), Err("execution_paused"));
    // The run that was at work may end; the next node is reached and not begun.
    world.conclude(Outcome::Success).unwrap();
    assert_eq!(
        (world.execution.node.as_str(), world.stand()),
        ("check", Stand::Paused)
    );
    world.run(resume()).unwrap();
    assert!(matches!(world.stand(), Stand::Work { .. }));
    assert_eq!(world.execution.stay, 2);
}

#[test]
fn a_signal_that_nobody_waits_for_is_refused_and_an_early_one_is_kept() {
    let mut world = World::new();
    assert_eq!(world.run(signal("stop")), Err("signal_not_awaited"));
    world.run(signal("go")).unwrap();
    assert_eq!(world.execution.signals["go"], json!({"n": 1}));
    assert_eq!(world.execution.node, "write");
}

#[test]
fn an_ended_execution_changes_only_by_a_restart() {
    let mut world = World::new();
    world
        .run(Command::Cancel {
            reason: "enough".into(),
        })
        .unwrap();
    assert_eq!(world.stand(), Stand::Cancelled);
    let before = world.execution.clone();
    let commands = [
        conclude(Outcome::Success, "worker"),
        fail(),
        signal("go"),
        Command::EndWait,
        Command::Pause,
        resume(),
        Command::Accept {
            note: String::new(),
        },
        Command::Cancel {
            reason: String::new(),
        },
    ];
    for command in commands {
        assert_eq!(world.run(command), Err("execution_ended"));
    }
    assert_eq!(world.run(Command::TimeOut { stay: 1 }), Ok(vec![]));
    let to = |node: &str| Command::Restart { node: node.into() };
    assert_eq!(world.run(to("nowhere")), Err("invalid_fields"));
    assert_eq!(world.execution, before);
    world.run(to("merge")).unwrap();
    assert_eq!(
        (world.execution.node.as_str(), world.execution.status),
        ("merge", ExecutionStatus::Active)
    );
    assert_eq!(world.execution.ended_at, None);
}

#[test]
fn a_node_that_the_workflow_lost_is_a_question_and_a_refusal() {
    let mut world = World::new();
    world
        .definition
        .nodes
        .retain(|node| node.node_key != "write");
    assert_eq!(world.stand(), Stand::Escalated);
    assert_eq!(world.conclude(Outcome::Success), Err("node_unknown"));
}

#[test]
fn old_records_are_read_by_every_later_version() {
    let stored = [
        json!({"type": "started", "node": "write"}),
        json!({"type": "attempt_failed", "node": "write", "code": "x"}),
        json!({"type": "advanced", "from": "write", "outcome": "success", "edge": "e", "to": "check"}),
        json!({"type": "escalated", "from": "check", "outcome": "rejected", "code": "revisit_limit", "resume_at": "write"}),
        json!({"type": "resumed"}),
        json!({"type": "paused"}),
        json!({"type": "resumed"}),
        json!({"type": "signalled", "name": "go"}),
        json!({"type": "restarted", "node": "merge"}),
        json!({"type": "advanced", "from": "merge", "outcome": "success", "edge": "e", "to": null}),
        json!({"type": "accepted"}),
        json!({"type": "cancelled", "reason": "x"}),
    ];
    let mut execution = blank();
    for (index, record) in stored.into_iter().enumerate() {
        let record: Record = serde_json::from_value(record).unwrap();
        execution.apply(&record, Timestamp(index as i64));
    }
    assert_eq!(execution.version, 12);
    assert_eq!(execution.status, ExecutionStatus::Cancelled);
}
