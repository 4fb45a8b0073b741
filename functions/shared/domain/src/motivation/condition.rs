use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::{
    Refusal,
    bead::BeadStatus,
    event::EventKind,
    time::{DAY, MINUTE, Timestamp},
};

/// What kind of condition a motivation has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MotivationKind {
    /// A moment, a deadline, the turn of a month or a quarter.
    Calendar,
    /// Again and again.
    Interval,
    /// A measure passed a limit.
    Threshold,
    /// Nothing happened for a while.
    Idle,
    /// Something happened in Loom.
    Event,
    /// Something happened outside.
    External,
}

impl MotivationKind {
    /// Every kind.
    pub const ALL: [Self; 6] = [
        Self::Calendar,
        Self::Interval,
        Self::Threshold,
        Self::Idle,
        Self::Event,
        Self::External,
    ];

    /// The word in JSON and SQL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Calendar => "calendar",
            Self::Interval => "interval",
            Self::Threshold => "threshold",
            Self::Idle => "idle",
            Self::Event => "event",
            Self::External => "external",
        }
    }

    /// The kind that [`as_str`](Self::as_str) names.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// Which beads a condition is about; what is absent does not narrow.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BeadMatch {
    /// Only beads of this type.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Only beads with this tag.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
}

impl BeadMatch {
    /// Whether a bead of that type and with those tags is meant.
    pub fn matches(&self, kind: &str, tags: &[String]) -> bool {
        self.kind.as_deref().is_none_or(|wanted| wanted == kind)
            && self.tag.as_ref().is_none_or(|wanted| tags.contains(wanted))
    }
}

/// What spending is added up over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Period {
    /// This UTC day.
    Day,
    /// From Monday on.
    Week,
    /// This calendar month.
    Month,
}

/// When a motivation is due.
///
/// In JSON, `condition` is its name and `parameters` an object; a parameter with a default may be left out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(
    tag = "condition",
    content = "parameters",
    rename_all = "snake_case",
    deny_unknown_fields
)]
pub enum Condition {
    /// Once, at a moment; up to a day late if nobody looked in time.
    TimeReached {
        /// When.
        at: Timestamp,
    },
    /// An open bead is due within so many days.
    DeadlineApproach {
        /// How many.
        #[serde(default = "seven")]
        days: i64,
        /// Which beads.
        #[serde(default)]
        bead: BeadMatch,
    },
    /// An open bead was due.
    DeadlinePassed {
        /// Which beads.
        #[serde(default)]
        bead: BeadMatch,
    },
    /// Again and again, the first time when it is enabled.
    ScheduledInterval {
        /// How long from one time to the next, in minutes.
        minutes: i64,
    },
    /// The first day of January, April, July and October (UTC), or up to a week later if nobody looked.
    QuarterBoundary {},
    /// The first day of a month (UTC), or up to three days later if nobody looked.
    MonthBoundary {},
    /// A bead was filed.
    BeadCreated {
        /// Which beads.
        #[serde(default)]
        bead: BeadMatch,
    },
    /// A bead's status changed.
    BeadStatusChanged {
        /// Only to this one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        status: Option<BeadStatus>,
        /// Which beads.
        #[serde(default)]
        bead: BeadMatch,
    },
    /// A bead was closed.
    BeadCompleted {
        /// Which beads.
        #[serde(default)]
        bead: BeadMatch,
    },
    /// A question has been open for so long.
    DecisionPending {
        /// In minutes.
        #[serde(default)]
        minutes: i64,
    },
    /// A question was answered.
    DecisionResolved {},
    /// A release was published.
    ReleasePublished {},
    /// An issue was opened on GitHub.
    GithubIssueOpened {
        /// Only with this label.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        label: Option<String>,
    },
    /// A comment was written on GitHub.
    GithubCommentAdded {},
    /// A pull request was opened on GitHub.
    GithubPrOpened {},
    /// A delivery from outside was accepted.
    WebhookReceived {
        /// Only with this event name of the sender's.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        event: Option<String>,
    },
    /// The project's runs cost more than so much in a period.
    CostExceeded {
        /// Which period.
        period: Period,
        /// The limit, in millionths of a US dollar.
        threshold_micro_usd: i64,
    },
    /// The coverage that the project's tests reported last is below so much.
    CoverageDropped {
        /// In percent.
        #[serde(default = "eighty")]
        below_percent: i64,
    },
    /// A run ended whose last tests had failed.
    TestFailure {},
    /// In the last seven days so much fewer beads were closed than in the seven before.
    VelocityDrop {
        /// How much fewer, in percent.
        #[serde(default = "twenty")]
        percent: i64,
        /// Only when at least so many were closed in the week before.
        #[serde(default = "five")]
        at_least: i64,
    },
    /// No work happened anywhere for so long.
    SystemIdle {
        /// In minutes.
        #[serde(default = "thirty")]
        minutes: i64,
    },
    /// An agent of the role has been idle for so long.
    AgentIdle {
        /// In minutes.
        #[serde(default = "five")]
        minutes: i64,
    },
    /// No work happened in the project for so long.
    ProjectIdle {
        /// In minutes.
        #[serde(default = "fifteen")]
        minutes: i64,
    },
}

macro_rules! defaults {
    ($($name:ident = $value:literal)*) => {$(fn $name() -> i64 { $value })*};
}
defaults! { five = 5 seven = 7 fifteen = 15 twenty = 20 thirty = 30 eighty = 80 }

/// Facts that are read only when a motivation needs them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Need {
    /// Occurrences that came as events.
    Waiting,
    /// Open beads with a deadline.
    DueBeads,
    /// Open questions.
    Decisions,
    /// What runs cost.
    Spending,
    /// What tests said.
    Tests,
    /// How many beads were closed.
    Closed,
    /// Who works, and when something was done last.
    Activity,
}

impl Condition {
    /// The names of all conditions, by kind.
    pub const NAMES: &[(MotivationKind, &[&str])] = &[
        (
            MotivationKind::Calendar,
            &[
                "time_reached",
                "deadline_approach",
                "deadline_passed",
                "quarter_boundary",
                "month_boundary",
            ],
        ),
        (MotivationKind::Interval, &["scheduled_interval"]),
        (
            MotivationKind::Threshold,
            &[
                "cost_exceeded",
                "coverage_dropped",
                "test_failure",
                "velocity_drop",
            ],
        ),
        (
            MotivationKind::Idle,
            &["system_idle", "agent_idle", "project_idle"],
        ),
        (
            MotivationKind::Event,
            &[
                "bead_created",
                "bead_status_changed",
                "bead_completed",
                "decision_pending",
                "decision_resolved",
                "release_published",
            ],
        ),
        (
            MotivationKind::External,
            &[
                "github_issue_opened",
                "github_comment_added",
                "github_pr_opened",
                "webhook_received",
            ],
        ),
    ];

    /// Reads a condition from its name and parameters.
    pub fn parse(name: &str, parameters: &Map<String, Value>) -> Result<Self, Refusal> {
        let refusal = || {
            Refusal::invalid(
                "invalid_fields",
                "The motivation has fields that cannot be accepted.",
            )
        };
        let names = || Self::NAMES.iter().flat_map(|(_, names)| names.iter());
        if !names().any(|known| *known == name) {
            let known: Vec<&str> = names().copied().collect();
            return Err(
                refusal().field("condition", format!("must be one of {}", known.join(", ")))
            );
        }
        let condition: Self =
            serde_json::from_value(json!({"condition": name, "parameters": parameters}))
                .map_err(|error| refusal().field("parameters", error.to_string()))?;
        condition
            .problem()
            .map_or(Ok(condition), |(parameter, problem)| {
                Err(refusal().field(format!("parameters.{parameter}"), problem))
            })
    }

    /// Its name, and its parameters as JSON.
    pub fn parts(&self) -> (String, Value) {
        let json = serde_json::to_value(self).unwrap_or_default();
        let name = json.get("condition").and_then(Value::as_str);
        (
            name.unwrap_or_default().to_owned(),
            json.get("parameters").cloned().unwrap_or_default(),
        )
    }

    /// What is wrong with a parameter, if anything is.
    fn problem(&self) -> Option<(&'static str, String)> {
        let within = |name, value: i64, least: i64, most: i64| {
            (!(least..=most).contains(&value)).then(|| (name, format!("must be {least} to {most}")))
        };
        let year = 366 * 24 * 60;
        match self {
            Self::DeadlineApproach { days, .. } => within("days", *days, 1, 365),
            Self::ScheduledInterval { minutes } => within("minutes", *minutes, 5, year),
            Self::DecisionPending { minutes } => within("minutes", *minutes, 0, year),
            Self::CostExceeded {
                threshold_micro_usd,
                ..
            } => within(
                "threshold_micro_usd",
                *threshold_micro_usd,
                1,
                1_000_000_000_000,
            ),
            Self::CoverageDropped { below_percent } => {
                within("below_percent", *below_percent, 1, 100)
            }
            Self::VelocityDrop { percent, at_least } => within("percent", *percent, 1, 100)
                .or_else(|| within("at_least", *at_least, 1, 1_000_000)),
            Self::SystemIdle { minutes }
            | Self::AgentIdle { minutes }
            | Self::ProjectIdle { minutes } => within("minutes", *minutes, 1, year),
            _ => None,
        }
    }

    /// What kind of condition it is.
    pub fn kind(&self) -> MotivationKind {
        match self {
            Self::TimeReached { .. }
            | Self::DeadlineApproach { .. }
            | Self::DeadlinePassed { .. }
            | Self::QuarterBoundary {}
            | Self::MonthBoundary {} => MotivationKind::Calendar,
            Self::ScheduledInterval { .. } => MotivationKind::Interval,
            Self::CostExceeded { .. }
            | Self::CoverageDropped { .. }
            | Self::TestFailure {}
            | Self::VelocityDrop { .. } => MotivationKind::Threshold,
            Self::SystemIdle { .. } | Self::AgentIdle { .. } | Self::ProjectIdle { .. } => {
                MotivationKind::Idle
            }
            Self::BeadCreated { .. }
            | Self::BeadStatusChanged { .. }
            | Self::BeadCompleted { .. }
            | Self::DecisionPending { .. }
            | Self::DecisionResolved {}
            | Self::ReleasePublished {} => MotivationKind::Event,
            Self::GithubIssueOpened { .. }
            | Self::GithubCommentAdded {}
            | Self::GithubPrOpened {}
            | Self::WebhookReceived { .. } => MotivationKind::External,
        }
    }

    /// The kind of event that it waits for, if it waits for one.
    pub fn event_kind(&self) -> Option<EventKind> {
        match self {
            Self::BeadCreated { .. } => Some(EventKind::BeadCreated),
            Self::BeadStatusChanged { .. } => Some(EventKind::BeadStatusChanged),
            Self::BeadCompleted { .. } => Some(EventKind::BeadCompleted),
            Self::DecisionResolved {} => Some(EventKind::DecisionDecided),
            Self::ReleasePublished {} => Some(EventKind::ReleasePublished),
            Self::GithubIssueOpened { .. } => Some(EventKind::GithubIssueOpened),
            Self::GithubCommentAdded {} => Some(EventKind::GithubCommentAdded),
            Self::GithubPrOpened {} => Some(EventKind::GithubPrOpened),
            Self::WebhookReceived { .. } => Some(EventKind::WebhookReceived),
            _ => None,
        }
    }

    /// The facts that it is evaluated on; none for conditions of time, which need the clock alone.
    pub fn need(&self) -> Option<Need> {
        match self {
            Self::TimeReached { .. }
            | Self::ScheduledInterval { .. }
            | Self::QuarterBoundary {}
            | Self::MonthBoundary {} => None,
            Self::DeadlineApproach { .. } | Self::DeadlinePassed { .. } => Some(Need::DueBeads),
            Self::DecisionPending { .. } => Some(Need::Decisions),
            Self::CostExceeded { .. } => Some(Need::Spending),
            Self::CoverageDropped { .. } | Self::TestFailure {} => Some(Need::Tests),
            Self::VelocityDrop { .. } => Some(Need::Closed),
            Self::SystemIdle { .. } | Self::AgentIdle { .. } | Self::ProjectIdle { .. } => {
                Some(Need::Activity)
            }
            _ => Some(Need::Waiting),
        }
    }

    /// How long after it was found not to be due it need not be looked at again, in milliseconds: its facts change
    /// slowly, or are many.
    pub fn pause(&self) -> Option<i64> {
        match self {
            Self::VelocityDrop { .. } => Some(60 * MINUTE),
            Self::DeadlineApproach { .. } | Self::DeadlinePassed { .. } => Some(5 * MINUTE),
            Self::CostExceeded {
                period: Period::Week | Period::Month,
                ..
            } => Some(10 * MINUTE),
            _ => None,
        }
    }

    /// How late an occurrence of time may be acted on, in milliseconds; after that it was missed.
    pub(super) fn grace(&self) -> i64 {
        match self {
            Self::QuarterBoundary {} => 7 * DAY,
            Self::MonthBoundary {} => 3 * DAY,
            _ => DAY,
        }
    }
}
