//! A project's org chart: its positions, who reports to whom, and how many agents may join.
//!
//! A position is named by its canonical role, so a chart has at most one for each row of the role table. The default
//! chart is [`ORG_CHART`](crate::role::ORG_CHART); a project's own chart is data and may differ from it.

mod change;
mod limits;
mod profile;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::role::{ORG_CHART, Role};

pub use change::{MAX_INSTANCES, PositionInput, replace};
pub use limits::{DEFAULT_MAX_AGENTS, Headcount, Limits, MOST_AGENTS, may_join};
pub use profile::{Profile, team};

/// One position of a project's chart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChartPosition {
    /// The canonical role that fills it; no other position of the chart has it.
    pub role: Role,
    /// Whether the project cannot do without it.
    pub required: bool,
    /// How many agents may fill it; none = any number.
    pub max_instances: Option<i64>,
    /// The role of the position that it reports to; none = to nobody.
    pub reports_to: Option<Role>,
}

impl ChartPosition {
    /// How far it is filled when so many agents hold it. A person's seat always is.
    pub fn status(&self, agents: i64) -> PositionStatus {
        match (agents, self.max_instances) {
            _ if self.role.is_human_seat() => PositionStatus::Filled,
            (..=0, _) => PositionStatus::Vacant,
            (agents, Some(most)) if agents < most => PositionStatus::Partial,
            _ => PositionStatus::Filled,
        }
    }
}

/// How far a position is filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PositionStatus {
    /// Nobody has it.
    Vacant,
    /// Somebody has it, and it has places left.
    Partial,
    /// It has no place left, or somebody has it and the number of places is not limited.
    Filled,
}

/// How many agents of a project have each role, by the role's canonical name.
pub type Present = BTreeMap<String, i64>;

/// The default chart, with as many places a position as there are agents for it already: a project may be older than
/// its chart.
pub fn founding(present: &Present) -> Vec<ChartPosition> {
    ORG_CHART
        .iter()
        .filter_map(|position| {
            let role = Role::parse(position.role).ok()?;
            let agents = present.get(role.as_str()).copied().unwrap_or(0);
            Some(ChartPosition {
                required: position.required,
                max_instances: position
                    .max_instances
                    .map(|most| i64::from(most).max(agents)),
                reports_to: position
                    .reports_to
                    .and_then(|above| Role::parse(above).ok()),
                role,
            })
        })
        .collect()
}
