use serde_json::{Map, Value, json};

use super::{Condition, MotivationKind};
use crate::Refusal;

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
}
