use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::role::Role;

/// What kind of work a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NodeType {
    /// An agent works: `done` is its success or failure.
    Task,
    /// Somebody who is not the author says yes or no: an agent with `approve` or `reject`, or a person by a decision.
    Approval,
    /// An agent hands the work over: its `done` merges or publishes the branch, by the project's git strategy.
    Commit,
    /// An agent that is not the author tests the work, and says yes or no with `approve` or `reject`.
    Verify,
    /// Nobody works: a time, a signal, or the closing of child beads is waited for.
    Wait,
}

impl NodeType {
    /// Every type.
    pub const ALL: [Self; 5] = [
        Self::Task,
        Self::Approval,
        Self::Commit,
        Self::Verify,
        Self::Wait,
    ];

    /// The word in JSON and YAML.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Task => "task",
            Self::Approval => "approval",
            Self::Commit => "commit",
            Self::Verify => "verify",
            Self::Wait => "wait",
        }
    }

    /// What the work at such a node may come to by itself. Each needs an edge; [`Outcome::Timeout`] does too where the
    /// node has a time limit, and [`Outcome::Escalated`] may have one.
    pub fn outcomes(self) -> &'static [Outcome] {
        match self {
            Self::Task | Self::Commit => &[Outcome::Success, Outcome::Failure],
            Self::Approval | Self::Verify => &[Outcome::Approved, Outcome::Rejected],
            Self::Wait => &[Outcome::Success],
        }
    }

    /// Whether the work is a judgement of somebody else's: then its author may not do it.
    pub fn judges(self) -> bool {
        matches!(self, Self::Approval | Self::Verify)
    }
}

/// What the work at a node came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was done.
    Success,
    /// It could not be done.
    Failure,
    /// It was judged good.
    Approved,
    /// It was sent back.
    Rejected,
    /// Its time ran out.
    Timeout,
    /// A person must decide.
    Escalated,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Self; 6] = [
        Self::Success,
        Self::Failure,
        Self::Approved,
        Self::Rejected,
        Self::Timeout,
        Self::Escalated,
    ];

    /// The word in JSON, YAML and SQL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Timeout => "timeout",
            Self::Escalated => "escalated",
        }
    }

    /// The outcome that [`as_str`](Self::as_str) names.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|outcome| outcome.as_str() == text)
    }

    /// Whether an execution that ends with it has reached what it was for.
    pub fn is_good(self) -> bool {
        matches!(self, Self::Success | Self::Approved)
    }
}

/// What a wait node waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Wait {
    /// So many minutes.
    TimerMinutes(i64),
    /// A signal of that name, also one that came before the node was reached.
    Signal(String),
    /// The closing of every child bead of the execution's bead, of which there must be one.
    Children(bool),
    /// The closing of every bead of priority P1 or higher below the execution's bead, however deep, of which there must
    /// be one: together they are the first usable product. Epics don't count, their stories do.
    Mvp(bool),
}

/// A node of a workflow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Node {
    /// Its name within the workflow.
    pub node_key: String,
    /// What kind of work it is.
    pub node_type: NodeType,
    /// Who does it; a wait node has nobody. A person's seat makes an approval a decision for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role_required: Option<Role>,
    /// How whoever does it should see it, in words for the prompt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub persona_hint: Option<String>,
    /// How many runs may fail at one stay before the node itself has failed; 0 is no limit of its own.
    #[serde(default)]
    pub max_attempts: i64,
    /// How long one stay may last, in minutes; 0 is no limit.
    #[serde(default)]
    pub timeout_minutes: i64,
    /// What is to be done, in words for the prompt and for people.
    #[serde(default)]
    pub instructions: String,
    /// What a wait node waits for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait: Option<Wait>,
    /// Further facts. Loom reads `holds_children` (beads filed at this node stay blocked until its success) and
    /// `validates_plan` (its success needs a sound plan of epics and stories).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, Value>,
}

impl Node {
    /// Whether the flag `name` of the metadata is set.
    pub fn is_set(&self, name: &str) -> bool {
        self.metadata.get(name).and_then(Value::as_bool) == Some(true)
    }
}

/// A way from one node to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Edge {
    /// Its name within the workflow: `<from>.<condition>` unless the definition names it otherwise, so that it is the
    /// same at every load.
    #[serde(default)]
    pub id: String,
    /// Where from; empty is the start.
    #[serde(default)]
    pub from_node_key: String,
    /// Where to; empty is the end.
    #[serde(default)]
    pub to_node_key: String,
    /// Which outcome takes it.
    pub condition: Outcome,
    /// Of several edges for one outcome the highest is taken.
    #[serde(default = "default_priority")]
    pub priority: i64,
}

fn default_priority() -> i64 {
    100
}

/// Which beads a workflow is for, by what they are and never by the words of their titles.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Match {
    /// Bead types.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub types: Vec<String>,
    /// Tags; a workflow that matches by a tag goes before one that matches by the type.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
}

/// A workflow: the graph that beads travel through.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Definition {
    /// Its name for machines.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// What kind of work it is for: `bug`, `feature`, `ui`, …
    pub workflow_type: String,
    /// Whether it is the one that is meant when only its type is named.
    #[serde(default)]
    pub is_default: bool,
    /// Which beads it is for; one that matches nothing is only started by name.
    #[serde(default, rename = "match")]
    pub matches: Match,
    /// The nodes.
    pub nodes: Vec<Node>,
    /// The edges.
    pub edges: Vec<Edge>,
}

impl Definition {
    /// The node of that name.
    pub fn node(&self, key: &str) -> Option<&Node> {
        self.nodes.iter().find(|node| node.node_key == key)
    }

    /// The edge that an outcome at a node takes; `""` is the start.
    pub fn edge(&self, from: &str, outcome: Outcome) -> Option<&Edge> {
        self.edges
            .iter()
            .filter(|edge| edge.from_node_key == from && edge.condition == outcome)
            .max_by_key(|edge| edge.priority)
    }

    /// The first node.
    pub fn start(&self) -> Option<&Node> {
        let edge = self
            .edges
            .iter()
            .filter(|edge| edge.from_node_key.is_empty())
            .max_by_key(|edge| edge.priority)?;
        self.node(&edge.to_node_key)
    }
}
