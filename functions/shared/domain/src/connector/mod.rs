//! Connectors: where people are told what happens, and from where they answer.
//!
//! A connector watches the event log and sends what it wants ([`Wanted`]) to one address as a short text
//! ([`Occurrence::notice`]) in the form of the other side ([`request`]). Text that others wrote is defused on the way
//! ([`Style`]): it mentions nobody and links nowhere.
//!
//! **Secrets** are never in a connector. Its URL names those that belong into it, as `{{secret:team-slack}}`, and
//! [`Secrets`] has their values, from a variable; a URL with its values is an [`Address`], which shows only its origin.

mod address;
mod hosts;
mod input;
mod notice;
mod payload;
mod reply;
mod retry;
mod secrets;
mod style;
mod wanted;
mod wording;

use serde::{Deserialize, Serialize};

pub use address::{Address, Origin};
pub use hosts::AllowedHosts;
pub use input::ConnectorInput;
pub use notice::{AboutBead, AboutDecision, Notice, Occurrence, Part, test_notice};
pub use payload::{Outgoing, request};
pub use reply::{
    LONGEST_TEXT, Message, REPLAY_WINDOW, Senders, decision_of_session, read_answer, session_key,
};
pub use retry::{
    ATTEMPTS, BREAKER, LONGEST_WAIT, Outcome, Reached, judge, retry_after_ms, wait_after,
};
pub use secrets::{Secrets, SecretsError};
pub use style::Style;
pub use wanted::{DEFAULT_EVENTS, Wanted, words};

use crate::{bead::Priority, time::Timestamp};

/// The actor of what connectors do by themselves.
pub const ACTOR: &str = "connectors";

/// How many connectors there may be.
pub const MOST_CONNECTORS: i64 = 100;

/// In which form the other side is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConnectorKind {
    /// The event as JSON, signed with HMAC-SHA-256.
    Webhook,
    /// A message to an incoming webhook of Slack, or of what accepts the same JSON.
    Slack,
    /// A message to a webhook of Discord, or of what accepts the same JSON.
    Discord,
    /// A message through an OpenClaw gateway, which passes it on to a person, whose reply may answer a decision.
    Openclaw,
}

impl ConnectorKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Webhook, Self::Slack, Self::Discord, Self::Openclaw];

    /// The word in JSON and SQL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Slack => "slack",
            Self::Discord => "discord",
            Self::Openclaw => "openclaw",
        }
    }

    /// The kind that [`as_str`](Self::as_str) names.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// Whether it has a secret beside its URL: a webhook signs with it, OpenClaw wants it as a bearer token.
    pub fn has_secret(self) -> bool {
        matches!(self, Self::Webhook | Self::Openclaw)
    }

    /// Whether its URL is a secret itself: whoever knows it may post.
    pub fn has_secret_url(self) -> bool {
        !self.has_secret()
    }
}

/// Whether a connector sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConnectorStatus {
    /// It sends.
    Active,
    /// It sends nothing, and remembers where it stopped.
    Paused,
}

impl ConnectorStatus {
    /// Every status.
    pub const ALL: [Self; 2] = [Self::Active, Self::Paused];

    /// The word in JSON and SQL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Paused => "paused",
        }
    }

    /// The status that [`as_str`](Self::as_str) names.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }
}

/// A connector. It holds names of secrets, never secrets.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Connector {
    /// UUIDv7.
    pub id: String,
    /// Unique.
    pub name: String,
    /// In which form the other side is told.
    pub kind: ConnectorKind,
    /// Where to send, with `{{secret:<name>}}` in place of what nobody may read.
    pub url: String,
    /// The name of the secret that signs ([`Webhook`](ConnectorKind::Webhook)) or is the bearer token
    /// ([`Openclaw`](ConnectorKind::Openclaw)).
    pub secret: Option<String>,
    /// Only what concerns this project; none = everything.
    pub project_id: Option<String>,
    /// What it wants to hear of, in the words of [`words`].
    pub events: Vec<String>,
    /// Nothing that is less urgent; what has no priority passes. None = everything.
    pub min_priority: Option<Priority>,
    /// Only questions that wait for a person.
    pub escalations_only: bool,
    /// OpenClaw: the agent of the gateway that speaks.
    pub agent_id: Option<String>,
    /// OpenClaw: by which messenger.
    pub channel: Option<String>,
    /// OpenClaw: to whom.
    pub recipient: Option<String>,
    /// Whether it sends.
    pub status: ConnectorStatus,
    /// Why it is paused.
    pub paused_reason: Option<String>,
    /// Since when it is paused.
    pub paused_at: Option<Timestamp>,
    /// How many deliveries in a row have failed for good.
    pub consecutive_failures: i64,
    /// It has looked at all events up to this sequence number.
    #[serde(skip)]
    pub cursor: i64,
    /// Grows by one with each change of the settings.
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its settings changed last.
    pub updated_at: Timestamp,
}

/// How a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryStatus {
    /// It is to be sent, or sent again.
    Pending,
    /// It waits until its connector is resumed.
    Held,
    /// The other side accepted it.
    Delivered,
    /// It is not sent any more.
    Failed,
    /// Its connector was resumed without what had waited.
    Skipped,
}

impl DeliveryStatus {
    /// Every status.
    pub const ALL: [Self; 5] = [
        Self::Pending,
        Self::Held,
        Self::Delivered,
        Self::Failed,
        Self::Skipped,
    ];

    /// The word in JSON and SQL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Held => "held",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }

    /// The status that [`as_str`](Self::as_str) names.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }
}

/// One event on its way to one connector, or a test message. What the other side said is not kept: it may hold
/// anything.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Delivery {
    /// UUIDv7, the same for each attempt: receivers drop what they have seen.
    pub id: String,
    /// Whose it is.
    pub connector_id: String,
    /// The sequence number of the event; none for a test.
    pub sequence: Option<i64>,
    /// The event's kind; `connector.test` for a test.
    pub event: String,
    /// How it stands.
    pub status: DeliveryStatus,
    /// How often it was sent, or begun to be.
    pub attempts: i64,
    /// When it is sent next.
    pub next_attempt_at: Option<Timestamp>,
    /// When it was sent last.
    pub attempted_at: Option<Timestamp>,
    /// The status of the last answer.
    pub response_status: Option<i64>,
    /// How long the last answer took, in milliseconds.
    pub latency_ms: Option<i64>,
    /// Why the last attempt failed, for programs.
    pub code: Option<String>,
    /// Why the last attempt failed.
    pub message: Option<String>,
    /// When the event was taken in.
    pub created_at: Timestamp,
    /// When the other side accepted it.
    pub delivered_at: Option<Timestamp>,
}

#[cfg(test)]
pub(crate) mod tests_support {
    use super::*;

    pub(crate) fn connector() -> Connector {
        let mut made = ConnectorInput {
            name: Some("Team".into()),
            kind: Some(ConnectorKind::Webhook),
            url: Some("https://example.com/h".into()),
            secret: Some(Some("sign".into())),
            ..ConnectorInput::default()
        }
        .create()
        .unwrap();
        made.id = "c".into();
        made
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_back() {
        for kind in ConnectorKind::ALL {
            assert_eq!(ConnectorKind::parse(kind.as_str()), Some(kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
        for status in ConnectorStatus::ALL {
            assert_eq!(ConnectorStatus::parse(status.as_str()), Some(status));
        }
        for status in DeliveryStatus::ALL {
            assert_eq!(DeliveryStatus::parse(status.as_str()), Some(status));
        }
    }
}
