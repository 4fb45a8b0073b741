//! Agents: who works. One run at a time each.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// Whether an agent can take work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AgentStatus {
    /// Free.
    Idle,
    /// Working on [`Agent::current_run`].
    Busy,
    /// Held back; [`Agent::status_reason`] says why. A person sets it idle again.
    Stuck,
}

impl AgentStatus {
    /// The word in JSON and SQL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Busy => "busy",
            Self::Stuck => "stuck",
        }
    }

    /// The status that [`as_str`](Self::as_str) names.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Idle, Self::Busy, Self::Stuck]
            .into_iter()
            .find(|status| status.as_str() == text)
    }
}

/// An agent.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Agent {
    /// UUIDv7.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Its canonical role.
    pub role: String,
    /// The persona it works as, such as `default/qa-engineer`.
    pub persona: String,
    /// The only project it works for; none = any.
    pub project_id: Option<String>,
    /// The provider it calls; none = the first healthy one.
    pub provider_id: Option<String>,
    /// The model it asks for; none = the provider's.
    pub model: Option<String>,
    /// Whether it can take work.
    pub status: AgentStatus,
    /// Why it is stuck.
    pub status_reason: Option<String>,
    /// The run it works on.
    pub current_run: Option<String>,
    /// The bead it works on.
    pub current_bead: Option<String>,
    /// Grows by one with each change of its settings; the ETag.
    pub version: i64,
    /// When it joined.
    pub created_at: Timestamp,
    /// When it last started or ended a run.
    pub last_active_at: Option<Timestamp>,
}
