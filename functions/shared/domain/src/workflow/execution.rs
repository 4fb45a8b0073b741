use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Outcome;
use crate::time::Timestamp;

/// Where an execution stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExecutionStatus {
    /// It is at a node.
    Active,
    /// A person must decide how it goes on.
    Escalated,
    /// It ended and reached what it was for.
    Completed,
    /// It ended and did not.
    Failed,
    /// A person stopped it.
    Cancelled,
}

impl ExecutionStatus {
    /// Every status.
    pub const ALL: [Self; 5] = [
        Self::Active,
        Self::Escalated,
        Self::Completed,
        Self::Failed,
        Self::Cancelled,
    ];

    /// The word in JSON and SQL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Escalated => "escalated",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// The status that [`as_str`](Self::as_str) names.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }

    /// Whether it still holds its bead: a bead has at most one such execution.
    pub fn is_live(self) -> bool {
        matches!(self, Self::Active | Self::Escalated)
    }
}

/// What happened to an execution. Records are only ever appended; old ones are read by every later version, so a field
/// is only ever added, and with a default.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Record {
    /// It began at its first node.
    Started {
        /// The node.
        node: String,
    },
    /// The work at a node came to an end, and an edge was taken.
    Advanced {
        /// The node that was left.
        from: String,
        /// What its work came to.
        outcome: Outcome,
        /// The edge that was taken.
        edge: String,
        /// The node that was entered; `None` is the end.
        to: Option<String>,
        /// The agent that did the work, if one did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        agent_id: Option<String>,
        /// What it said about it.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        note: String,
        /// The signal that the node waited for, which is used up by this.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        signal: Option<String>,
    },
    /// A run failed, and the node is tried again.
    AttemptFailed {
        /// The node.
        node: String,
        /// The agent whose run failed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        agent_id: Option<String>,
        /// Why, as the run's code.
        code: String,
        /// Why, in words.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        note: String,
    },
    /// It cannot go on without a person.
    Escalated {
        /// The node whose work led to it.
        from: String,
        /// What that work came to.
        outcome: Outcome,
        /// Why: `revisit_limit`, `no_edge`, `asked`.
        code: String,
        /// Where it goes on when a person says so.
        resume_at: String,
        /// The agent that did the work, if one did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        agent_id: Option<String>,
        /// What it said about it.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        note: String,
    },
    /// A signal came: it is what the node waits for, or it is kept for the node that will.
    Signalled {
        /// Its name.
        name: String,
        /// What it carries.
        #[serde(default)]
        data: Value,
    },
    /// A person asked it to stay where it is.
    Paused {},
    /// A person asked it to go on: after a pause, or after an escalation.
    Resumed {
        /// What the person said.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        note: String,
    },
    /// A person put it to a node, and its limits begin anew.
    Restarted {
        /// The node.
        node: String,
    },
    /// A person took an escalated execution's work as it is: it ended.
    Accepted {
        /// What the person said.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        note: String,
    },
    /// It was stopped for good.
    Cancelled {
        /// Why.
        reason: String,
    },
}

/// One bead's way through a workflow: what its records add up to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Execution {
    /// UUIDv7.
    pub id: String,
    /// The workflow.
    pub workflow_id: String,
    /// Which version of its definition: the one that was current when it began.
    pub workflow_version: i64,
    /// The bead.
    pub bead_id: String,
    /// The bead's project.
    pub project_id: String,
    /// How many records there are.
    pub version: i64,
    /// Where it stands.
    pub status: ExecutionStatus,
    /// Whether it stays where it is until a person resumes it.
    pub is_paused: bool,
    /// The node that it is at, or at which it ended.
    pub node: String,
    /// Which stay this is, from 1: a node that is entered again is another stay.
    pub stay: i64,
    /// Runs that failed in this stay.
    pub attempts: i64,
    /// How often each node was entered, since it began or was last put on its way by a person.
    pub visits: BTreeMap<String, i64>,
    /// How often a node was entered again, over all.
    pub cycle_count: i64,
    /// Signals that came and were not waited for yet.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub signals: BTreeMap<String, Value>,
    /// The agent that did the last work which is to be judged.
    pub author: Option<String>,
    /// What the work at the last node came to.
    pub last_outcome: Option<Outcome>,
    /// When this stay began.
    pub entered_at: Timestamp,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

impl Execution {
    /// An execution before its first record.
    pub fn new(id: &str, workflow: (&str, i64), bead_id: &str, project_id: &str) -> Self {
        Self {
            id: id.to_owned(),
            workflow_id: workflow.0.to_owned(),
            workflow_version: workflow.1,
            bead_id: bead_id.to_owned(),
            project_id: project_id.to_owned(),
            version: 0,
            status: ExecutionStatus::Active,
            is_paused: false,
            node: String::new(),
            stay: 0,
            attempts: 0,
            visits: BTreeMap::new(),
            cycle_count: 0,
            signals: BTreeMap::new(),
            author: None,
            last_outcome: None,
            entered_at: Timestamp(0),
            started_at: Timestamp(0),
            ended_at: None,
        }
    }

    /// The execution after one more record. Total: every record can be applied to every execution, so that a history
    /// always replays.
    pub fn apply(&mut self, record: &Record, at: Timestamp) {
        self.version += 1;
        match record {
            Record::Started { node } => {
                self.started_at = at;
                self.enter(node, at);
            }
            Record::Advanced {
                outcome,
                to,
                agent_id,
                signal,
                ..
            } => {
                if let Some(name) = signal {
                    self.signals.remove(name);
                }
                self.last_outcome = Some(*outcome);
                self.note_author(*outcome, agent_id.as_deref());
                match to {
                    Some(node) => self.enter(node, at),
                    None if outcome.is_good() => self.finish(ExecutionStatus::Completed, at),
                    None => self.finish(ExecutionStatus::Failed, at),
                }
            }
            Record::AttemptFailed { .. } => self.attempts += 1,
            Record::Escalated {
                outcome,
                resume_at,
                agent_id,
                ..
            } => {
                self.status = ExecutionStatus::Escalated;
                self.last_outcome = Some(*outcome);
                self.note_author(*outcome, agent_id.as_deref());
                self.node.clone_from(resume_at);
            }
            Record::Signalled { name, data } => {
                self.signals.insert(name.clone(), data.clone());
            }
            Record::Paused {} => self.is_paused = true,
            Record::Resumed { .. } if self.status == ExecutionStatus::Escalated => {
                self.status = ExecutionStatus::Active;
                self.is_paused = false;
                let node = self.node.clone();
                self.begin_anew(&node, at);
            }
            Record::Resumed { .. } => {
                self.is_paused = false;
                // The time of a pause is not the node's.
                self.entered_at = at;
            }
            Record::Restarted { node } => {
                self.status = ExecutionStatus::Active;
                self.is_paused = false;
                self.ended_at = None;
                self.begin_anew(node, at);
            }
            Record::Accepted { .. } => self.finish(ExecutionStatus::Completed, at),
            Record::Cancelled { .. } => self.finish(ExecutionStatus::Cancelled, at),
        }
    }

    fn enter(&mut self, node: &str, at: Timestamp) {
        let visits = self.visits.entry(node.to_owned()).or_default();
        *visits += 1;
        if *visits > 1 {
            self.cycle_count += 1;
        }
        self.node = node.to_owned();
        self.stay += 1;
        self.attempts = 0;
        self.entered_at = at;
    }

    fn begin_anew(&mut self, node: &str, at: Timestamp) {
        self.visits.clear();
        self.enter(node, at);
    }

    fn finish(&mut self, status: ExecutionStatus, at: Timestamp) {
        self.status = status;
        self.is_paused = false;
        self.ended_at = Some(at);
    }

    /// Who said yes or no is not the author of what is judged next; who did the work is.
    fn note_author(&mut self, outcome: Outcome, agent_id: Option<&str>) {
        if matches!(outcome, Outcome::Success | Outcome::Failure)
            && let Some(agent) = agent_id
        {
            self.author = Some(agent.to_owned());
        }
    }
}
