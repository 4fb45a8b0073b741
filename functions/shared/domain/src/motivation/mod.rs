//! Motivations: what makes work begin without anybody filing it, and what keeps that from running away.
//!
//! A motivation belongs to a project. It has one [`Condition`], which [`evaluate`] checks against [`Facts`]; when it is
//! due, [`admit`] asks the caps and its [`Breaker`], and then it *fires*: it files a bead, wakes a role, or both. What
//! Loom ships is in [`built_in`]: templates, which do nothing until a project has them.

mod admit;
mod breaker;
pub mod built_in;
mod calendar;
mod condition;
mod coverage;
mod evaluate;
mod facts;
mod happening;
mod input;
mod occurrences;
mod schedule;

#[cfg(test)]
mod evaluate_tests;
#[cfg(test)]
mod week_tests;

use serde::{Deserialize, Serialize};

use crate::{
    bead::Priority,
    time::{MINUTE, Timestamp},
};

pub use admit::{Admission, Caps, DayCounts, MAX_FIRED_PER_SWEEP, admit, by_urgency};
pub use breaker::{Breaker, BreakerState, FAILURES_TO_OPEN, FIRST_WAIT, LONGEST_WAIT};
pub use condition::{BeadMatch, Condition, MotivationKind, Need, Period};
pub use coverage::coverage_permille;
pub use evaluate::{Due, Occurrence, Verdict, evaluate};
pub use facts::{
    AgentAtRest, ClosedBeads, DueBead, Facts, OpenDecision, Spending, TESTS_COUNT_FOR, TestReport,
};
pub use happening::{Happening, occurrence_of};
pub use input::MotivationInput;
pub use schedule::next_fire_at;

/// Who makes the changes of motivations: events of this actor start nothing, so that no motivation feeds itself.
pub const ACTOR: &str = "motivations";
/// How many occurrences may wait for one motivation; older ones are missed.
pub const MAX_WAITING: i64 = 200;
/// How many rows of its history a motivation keeps, the newest.
pub const HISTORY_KEPT: i64 = 1_000;

/// Whether a motivation is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MotivationStatus {
    /// Shipped, and without a project: it never fires. Enabling it for a project makes one that does.
    Template,
    /// It fires when it is due.
    Active,
    /// It stays, with its history, and does not fire.
    Disabled,
}

impl MotivationStatus {
    /// The word in JSON and SQL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Template => "template",
            Self::Active => "active",
            Self::Disabled => "disabled",
        }
    }

    /// The status that [`as_str`](Self::as_str) names.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Template, Self::Active, Self::Disabled]
            .into_iter()
            .find(|status| status.as_str() == text)
    }
}

/// The bead that a motivation files; the role that it is for is the motivation's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BeadTemplate {
    /// 1 to 400 characters, one line.
    pub title: String,
    /// What is to be done; the reason for the firing is put below it.
    #[serde(default)]
    pub description: String,
    /// Default `task`.
    #[serde(rename = "type", default = "task")]
    pub kind: String,
    /// Default P2.
    #[serde(default = "default_priority")]
    pub priority: Priority,
    /// Labels.
    #[serde(default)]
    pub tags: Vec<String>,
}

fn task() -> String {
    "task".to_owned()
}

fn default_priority() -> Priority {
    Priority::DEFAULT
}

/// A motivation.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Motivation {
    /// A UUIDv7; `<built-in>` for a template and `<built-in>.<project id>` for one that was made of it.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// What makes it due; in JSON `condition` and `parameters`.
    #[serde(flatten)]
    pub condition: Condition,
    /// What kind of condition that is.
    #[serde(rename = "type")]
    pub kind: MotivationKind,
    /// The canonical role that it is for.
    pub role: String,
    /// The project whose facts it watches; none for a template.
    pub project_id: Option<String>,
    /// Whether it is looked at.
    pub status: MotivationStatus,
    /// How long it stays quiet after it fired, in minutes.
    pub cooldown_minutes: i64,
    /// 0 to 100: the most urgent of those that are due fire first.
    pub priority: i64,
    /// The bead that it files when it fires.
    pub bead_template: Option<BeadTemplate>,
    /// When it fires, its role gets a message, and the dispatcher looks at the role's idle agents at once.
    pub wake_agent: bool,
    /// Whether Loom ships it.
    pub is_built_in: bool,
    /// The template that it was made of.
    pub built_in: Option<String>,
    /// A task that comes back for ever: a project has it only when somebody enabled it.
    pub is_perpetual: bool,
    /// The next occurrence, for conditions of time.
    pub next_fire_at: Option<Timestamp>,
    /// It does not fire before: it cools down, or a cap or its breaker holds it.
    pub not_before: Option<Timestamp>,
    /// When it fired last.
    pub last_triggered_at: Option<Timestamp>,
    /// How often it fired.
    pub trigger_count: i64,
    /// Its circuit breaker.
    pub breaker: Breaker,
    /// What was skipped last and why; the same is recorded once.
    #[serde(skip)]
    pub last_skip: Option<String>,
    /// Grows by one with each change; the ETag.
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Since when it is active: what happened before does not count.
    pub enabled_at: Option<Timestamp>,
    /// Since when it is disabled.
    pub disabled_at: Option<Timestamp>,
}

impl Motivation {
    /// The end of its cool-down, if it ever fired.
    pub fn cool_until(&self) -> Option<Timestamp> {
        self.last_triggered_at
            .map(|at| Timestamp(at.0 + self.cooldown_minutes * MINUTE))
    }

    /// Whether it fired so lately that it stays quiet at `now`.
    pub fn is_cooling(&self, now: Timestamp) -> bool {
        self.cool_until().is_some_and(|until| now < until)
    }

    /// The fingerprint of the bead that it files: at most one of them is open (invariant I9).
    pub fn fingerprint(&self) -> String {
        format!("motivation:{}", self.id)
    }
}

/// How it went when a motivation was due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TriggerResult {
    /// It fired.
    Fired,
    /// The bead that it filed before is still open.
    Skipped,
    /// The occurrence passed while nobody looked. It is not made up for.
    Missed,
    /// The occurrence fell into the cool-down.
    Cooldown,
    /// A cap of the day, or of self-filed work, was reached.
    Capped,
    /// Its circuit breaker is open.
    BreakerOpen,
    /// Its bead was refused.
    Error,
}

impl TriggerResult {
    /// Every result.
    pub const ALL: [Self; 7] = [
        Self::Fired,
        Self::Skipped,
        Self::Missed,
        Self::Cooldown,
        Self::Capped,
        Self::BreakerOpen,
        Self::Error,
    ];

    /// The word in JSON and SQL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fired => "fired",
            Self::Skipped => "skipped",
            Self::Missed => "missed",
            Self::Cooldown => "cooldown",
            Self::Capped => "capped",
            Self::BreakerOpen => "breaker_open",
            Self::Error => "error",
        }
    }

    /// The result that [`as_str`](Self::as_str) names.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|result| result.as_str() == text)
    }
}

/// One row of a motivation's history.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Trigger {
    /// UUIDv7.
    pub id: String,
    /// The motivation.
    pub motivation_id: String,
    /// Its project.
    pub project_id: String,
    /// How it went.
    pub result: TriggerResult,
    /// Why it was due, or why it did not fire.
    pub reason: String,
    /// Whether a person fired it.
    pub is_manual: bool,
    /// How many occurrences it stands for.
    pub occurrences: i64,
    /// The bead that was filed, or that is still open.
    pub bead_id: Option<String>,
    /// How many idle agents of the role were there to be woken.
    pub woken: i64,
    /// How the filed bead ended: `succeeded`, `failed` or `withdrawn`; none while it is open.
    pub outcome: Option<String>,
    /// When.
    pub created_at: Timestamp,
}
