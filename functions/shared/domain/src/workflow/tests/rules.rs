use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::Value;

use super::{World, blank, conclude, fail, is_escalation, resume, signal};
use crate::time::Timestamp;
use crate::workflow::{Command, Execution, ExecutionStatus, MAX_VISITS, NodeType, Outcome, Record};

fn command() -> impl Strategy<Value = Command> {
    let agent = prop_oneof![Just("a"), Just("b")];
    prop_oneof![
        8 => (proptest::sample::select(Outcome::ALL.to_vec()), agent)
            .prop_map(|(outcome, agent)| conclude(outcome, agent)),
        2 => Just(fail()),
        2 => (1i64..8).prop_map(|stay| Command::TimeOut { stay }),
        2 => prop_oneof![Just("go"), Just("stop")].prop_map(signal),
        1 => Just(Command::EndWait),
        1 => Just(Command::Pause),
        2 => Just(resume()),
        1 => Just(Command::Accept { note: String::new() }),
        1 => prop_oneof![Just("write"), Just("hear"), Just("x")].prop_map(|node| Command::Restart { node: node.into() }),
        1 => Just(Command::Cancel { reason: String::new() }),
    ]
}

/// How often each node was entered since a person last put the execution on its way.
fn entries(records: &[Record]) -> BTreeMap<String, i64> {
    let mut visits = BTreeMap::new();
    let mut paused_at = String::new();
    let mut is_escalated = false;
    for record in records {
        let entered = match record {
            Record::Started { node } => Some(node),
            Record::Advanced { to, .. } => to.as_ref(),
            Record::Restarted { node } => {
                visits.clear();
                Some(node)
            }
            Record::Escalated { resume_at, .. } => {
                paused_at.clone_from(resume_at);
                None
            }
            Record::Resumed { .. } if is_escalated => {
                visits.clear();
                Some(&paused_at)
            }
            _ => None,
        };
        if let Some(node) = entered {
            *visits.entry(node.clone()).or_default() += 1;
        }
        is_escalated = match record {
            Record::Escalated { .. } => true,
            Record::Resumed { .. }
            | Record::Restarted { .. }
            | Record::Accepted { .. }
            | Record::Cancelled { .. } => false,
            _ => is_escalated,
        };
    }
    visits
}

proptest! {
    #[test]
    fn whatever_is_asked_the_rules_hold(commands in proptest::collection::vec(command(), 0..60)) {
        let mut world = World::new();
        let mut moments: Vec<i64> = vec![1];
        for command in commands {
            let before = world.execution.clone();
            let is_restart = matches!(command, Command::Restart { .. });
            let result = world.run(command.clone());
            moments.resize(world.records.len(), 0);
            let after = &world.execution;
            let records = result.clone().unwrap_or_default();
            if records.is_empty() {
                prop_assert_eq!(&before, after, "what is refused changes nothing");
            }
            if !before.status.is_live() && !is_restart {
                prop_assert_eq!(&before, after, "an ended execution changes only by a restart: {:?}", command);
            }
            if before.status == ExecutionStatus::Escalated {
                prop_assert!(!records.iter().any(is_escalation), "one question at a time");
            }
            prop_assert!(records.len() <= 2);
            prop_assert!(records.iter().filter(|record| is_escalation(record)).count() <= 1);
            prop_assert_eq!(after.version, world.records.len() as i64);
            prop_assert_eq!(&after.visits, &entries(&world.records));
            for (node, visits) in &after.visits {
                prop_assert!(*visits <= MAX_VISITS, "{} was entered {} times", node, visits);
            }
            prop_assert_eq!(after.ended_at.is_some(), !after.status.is_live());
            prop_assert!(!after.is_paused || after.status.is_live());
            prop_assert!(world.definition.node(&after.node).is_some());
            if after.status == ExecutionStatus::Active {
                let attempts = world.definition.node(&after.node).unwrap().max_attempts;
                prop_assert!(attempts == 0 || after.attempts < attempts);
            }
        }
        // The stored records, read back, add up to the same.
        let mut replayed = blank();
        for (index, record) in world.records.iter().enumerate() {
            let stored: Value = serde_json::to_value(record).unwrap();
            let record: Record = serde_json::from_value(stored).unwrap();
            replayed.apply(&record, Timestamp(index as i64 + 1));
        }
        prop_assert_eq!(&replayed, &world.execution);
        let stored = serde_json::to_string(&replayed).unwrap();
        prop_assert_eq!(serde_json::from_str::<Execution>(&stored).unwrap(), replayed);
    }

    #[test]
    fn without_a_person_every_execution_ends_or_asks(outcomes in proptest::collection::vec(proptest::sample::select(Outcome::ALL.to_vec()), 400)) {
        let mut world = World::new();
        for outcome in outcomes {
            if world.execution.status != ExecutionStatus::Active {
                break;
            }
            let node = world.definition.node(&world.execution.node).unwrap().clone();
            let outcome = if node.node_type == NodeType::Wait {
                Outcome::Success
            } else if node.node_type.judges() && outcome == Outcome::Success {
                Outcome::Rejected
            } else {
                outcome
            };
            let _ = world.conclude(outcome);
        }
        prop_assert_ne!(world.execution.status, ExecutionStatus::Active);
        prop_assert!(world.records.len() <= 1 + 3 * world.definition.nodes.len());
    }
}
