use std::collections::{BTreeMap, BTreeSet};

use super::Occurrence;
use crate::time::{DAY, Timestamp};

/// How long what a run's tests said counts, in milliseconds: one day.
pub const TESTS_COUNT_FOR: i64 = DAY;

/// What Loom knows at one moment, as far as the motivations that are looked at need it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Facts {
    /// By motivation: occurrences that came as events, oldest first.
    pub waiting: BTreeMap<String, Vec<Occurrence>>,
    /// By motivation: the keys of what was handled before.
    pub handled: BTreeMap<String, BTreeSet<String>>,
    /// Open beads with a deadline.
    pub due_beads: Vec<DueBead>,
    /// Open questions.
    pub decisions: Vec<OpenDecision>,
    /// What was spent, by project and UTC day.
    pub spending: Vec<Spending>,
    /// What the last tests of ended runs said, oldest first.
    pub tests: Vec<TestReport>,
    /// What was closed in the last fortnight.
    pub closed: Vec<ClosedBeads>,
    /// Idle agents.
    pub agents: Vec<AgentAtRest>,
    /// Projects in which runs are live.
    pub live_projects: BTreeSet<String>,
    /// When work last happened in a project.
    pub last_activity: BTreeMap<String, Timestamp>,
    /// When work last happened anywhere.
    pub last_activity_of_all: Option<Timestamp>,
}

/// An open bead with a deadline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueBead {
    /// The bead.
    pub id: String,
    /// Its project.
    pub project_id: String,
    /// Its title.
    pub title: String,
    /// Its type.
    pub kind: String,
    /// Its labels.
    pub tags: Vec<String>,
    /// The deadline.
    pub due_at: Timestamp,
    /// Whether Loom filed it itself: nothing is filed about such a bead (invariant I9).
    pub is_system_filed: bool,
}

/// An open question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenDecision {
    /// The decision.
    pub id: String,
    /// The project that it is about; none = none in particular, and no motivation of a project looks at it.
    pub project_id: Option<String>,
    /// What is asked.
    pub question: String,
    /// The bead that it holds.
    pub bead_id: Option<String>,
    /// When it was asked.
    pub created_at: Timestamp,
}

/// What runs of a project cost on one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spending {
    /// The project.
    pub project_id: String,
    /// The UTC day, as `2026-11-24`.
    pub day: String,
    /// In millionths of a US dollar.
    pub micro_usd: i64,
}

/// What the last tests of an ended run said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestReport {
    /// The run.
    pub run_id: String,
    /// Its project.
    pub project_id: String,
    /// Its bead.
    pub bead_id: String,
    /// Whether they failed.
    pub failed: bool,
    /// The coverage that they told, in tenths of a percent.
    pub coverage_permille: Option<i64>,
    /// When.
    pub at: Timestamp,
}

/// How many beads of a project were closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClosedBeads {
    /// The project.
    pub project_id: String,
    /// In the last seven days.
    pub last_week: i64,
    /// In the seven days before.
    pub week_before: i64,
}

/// An idle agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentAtRest {
    /// The agent.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its canonical role.
    pub role: String,
    /// The only project it works for; none = any.
    pub project_id: Option<String>,
    /// Since when it has had nothing to do.
    pub since: Timestamp,
}
