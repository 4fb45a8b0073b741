mod kind;
mod parse;
mod rules;

use serde::{Deserialize, Serialize};

use crate::{bead::BeadStatus, time::Timestamp};

pub use kind::MotivationKind;
pub use rules::Need;

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
