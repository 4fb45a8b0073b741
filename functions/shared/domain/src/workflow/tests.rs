mod rules;
mod steps;

use serde_json::json;

use super::{Command, Definition, Execution, Outcome, Record, Stand, decide, stand, yaml};
use crate::time::Timestamp;

/// `write` → `check` → `merge` → `pause` → `hear` → end; refusals and failures go back to `write`.
const LOOP: &str = r#"
id: wf-loop
name: Loop
workflow_type: loop
nodes:
  - {node_key: write, node_type: task, role_required: em, max_attempts: 2, timeout_minutes: 60}
  - {node_key: check, node_type: verify, role_required: qa, max_attempts: 1}
  - {node_key: merge, node_type: commit, role_required: em, max_attempts: 1}
  - {node_key: pause, node_type: wait, wait: {timer_minutes: 30}}
  - {node_key: hear, node_type: wait, wait: {signal: go}}
edges:
  - {to_node_key: write}
  - {from_node_key: write, to_node_key: check, condition: success}
  - {from_node_key: write, condition: failure}
  - {from_node_key: write, to_node_key: write, condition: timeout}
  - {from_node_key: write, condition: escalated}
  - {from_node_key: check, to_node_key: merge, condition: approved}
  - {from_node_key: check, to_node_key: write, condition: rejected}
  - {from_node_key: check, to_node_key: merge, condition: escalated}
  - {from_node_key: merge, to_node_key: pause, condition: success}
  - {from_node_key: merge, to_node_key: write, condition: failure}
  - {from_node_key: pause, to_node_key: hear, condition: success}
  - {from_node_key: hear, condition: success}
"#;

struct World {
    definition: Definition,
    execution: Execution,
    records: Vec<Record>,
    clock: i64,
}

impl World {
    fn new() -> Self {
        let mut world = Self {
            definition: yaml::parse(LOOP).unwrap(),
            execution: blank(),
            records: Vec::new(),
            clock: 0,
        };
        world.keep(vec![Record::Started {
            node: "write".into(),
        }]);
        world
    }

    fn keep(&mut self, records: Vec<Record>) {
        for record in records {
            self.clock += 1;
            self.execution.apply(&record, Timestamp(self.clock));
            self.records.push(record);
        }
    }

    /// What the command led to, or the refusal's code; then nothing has changed.
    fn run(&mut self, command: Command) -> Result<Vec<Record>, &'static str> {
        let records = decide(&self.definition, &self.execution, command).map_err(|no| no.code)?;
        self.keep(records.clone());
        Ok(records)
    }

    fn conclude(&mut self, outcome: Outcome) -> Result<Vec<Record>, &'static str> {
        self.run(conclude(outcome, "worker"))
    }

    fn stand(&self) -> Stand {
        stand(&self.definition, &self.execution)
    }
}

fn blank() -> Execution {
    Execution::new("x", ("wf-loop", 1), "b-1", "p")
}

fn conclude(outcome: Outcome, agent: &str) -> Command {
    Command::Conclude {
        outcome,
        agent_id: Some(agent.into()),
        note: "said".into(),
    }
}

fn fail() -> Command {
    Command::FailAttempt {
        agent_id: Some("worker".into()),
        code: "out_of_steps".into(),
        note: "no end".into(),
    }
}

fn signal(name: &str) -> Command {
    Command::Signal {
        name: name.into(),
        data: json!({"n": 1}),
    }
}

fn resume() -> Command {
    Command::Resume {
        note: "go on".into(),
    }
}

fn is_escalation(record: &Record) -> bool {
    matches!(record, Record::Escalated { .. })
}
