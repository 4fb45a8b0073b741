use serde::{Deserialize, Deserializer};

use super::{Connector, ConnectorKind, ConnectorStatus, DEFAULT_EVENTS, address, secrets, words};
use crate::{Refusal, bead::Priority, time::Timestamp};

/// What is asked for when a connector is made or changed. What is absent stays, or takes its default.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ConnectorInput {
    /// Required when it is made, unique: 1 to 100 characters.
    pub name: Option<String>,
    /// Required when it is made; it cannot change.
    pub kind: Option<ConnectorKind>,
    /// Required when it is made: an https URL with `{{secret:<name>}}` in place of what nobody may read. For Slack and
    /// Discord the URL must have one. For OpenClaw it is the gateway's address; `/hooks/agent` is appended.
    pub url: Option<String>,
    /// The name of the secret that signs, or is the bearer token: required for a webhook and OpenClaw, else absent.
    #[serde(deserialize_with = "nullable")]
    pub secret: Option<Option<String>>,
    /// `null`: everything.
    #[serde(deserialize_with = "nullable")]
    pub project_id: Option<Option<String>>,
    /// Words of [`words`], 1 or more; default [`DEFAULT_EVENTS`].
    pub events: Option<Vec<String>>,
    /// `null`: everything.
    #[serde(deserialize_with = "nullable")]
    pub min_priority: Option<Option<Priority>>,
    /// Default: true for OpenClaw, false for the others.
    pub escalations_only: Option<bool>,
    /// OpenClaw; default `loom`.
    pub agent_id: Option<String>,
    /// OpenClaw; required.
    pub channel: Option<String>,
    /// OpenClaw; required.
    pub recipient: Option<String>,
}

fn nullable<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

fn refusal() -> Refusal {
    Refusal::invalid(
        "invalid_fields",
        "The connector has fields that cannot be accepted.",
    )
}

impl ConnectorInput {
    /// A new connector, active; the store gives it its id, cursor and times.
    pub fn create(self) -> Result<Connector, Refusal> {
        let mut missing = refusal();
        for (field, is_missing) in [
            ("name", self.name.is_none()),
            ("kind", self.kind.is_none()),
            ("url", self.url.is_none()),
        ] {
            if is_missing {
                missing = missing.field(field, "is required");
            }
        }
        let Some(kind) = self.kind.filter(|_| missing.fields.is_empty()) else {
            return Err(missing);
        };
        let blank = Connector {
            id: String::new(),
            name: String::new(),
            kind,
            url: String::new(),
            secret: None,
            project_id: None,
            events: DEFAULT_EVENTS.map(str::to_owned).to_vec(),
            min_priority: None,
            escalations_only: kind == ConnectorKind::Openclaw,
            agent_id: (kind == ConnectorKind::Openclaw).then(|| "loom".to_owned()),
            channel: None,
            recipient: None,
            status: ConnectorStatus::Active,
            paused_reason: None,
            paused_at: None,
            consecutive_failures: 0,
            cursor: 0,
            version: 1,
            created_at: Timestamp(0),
            updated_at: Timestamp(0),
        };
        self.apply(blank)
    }

    /// The connector with these changes.
    pub fn apply(self, before: Connector) -> Result<Connector, Refusal> {
        if self.kind.is_some_and(|kind| kind != before.kind) {
            let problem = "cannot change; make another connector and delete this one";
            return Err(refusal().field("kind", problem));
        }
        let after = Connector {
            name: self.name.map_or(before.name, |name| name.trim().to_owned()),
            url: self.url.map_or(before.url, |url| url.trim().to_owned()),
            secret: self.secret.unwrap_or(before.secret),
            project_id: self.project_id.unwrap_or(before.project_id),
            events: self.events.unwrap_or(before.events),
            min_priority: self.min_priority.unwrap_or(before.min_priority),
            escalations_only: self.escalations_only.unwrap_or(before.escalations_only),
            agent_id: self.agent_id.or(before.agent_id),
            channel: self.channel.or(before.channel),
            recipient: self.recipient.or(before.recipient),
            ..before
        };
        check(&after)?;
        Ok(after)
    }
}

fn check(connector: &Connector) -> Result<(), Refusal> {
    let mut refusal = refusal();
    let length = connector.name.chars().count();
    if !(1..=100).contains(&length) || connector.name.chars().any(char::is_control) {
        refusal = refusal.field("name", "must be 1 to 100 characters on one line");
    }
    if connector.events.is_empty() {
        refusal = refusal.field("events", "must name one event or more");
    }
    for (place, word) in connector.events.iter().enumerate() {
        if !words().any(|known| known == word) {
            let known: Vec<&str> = words().collect();
            let problem = format!("is unknown; must be one of {}", known.join(", "));
            refusal = refusal.field(format!("events[{place}]"), problem);
        }
    }
    let kind = connector.kind.as_str();
    match (&connector.secret, connector.kind.has_secret()) {
        (None, true) => {
            let problem = format!(
                "is required for {kind}: the name of a secret in the variable connector_secrets"
            );
            refusal = refusal.field("secret", problem);
        }
        (Some(_), false) => {
            let problem = format!("is not used by {kind}, whose URL is its secret");
            refusal = refusal.field("secret", problem);
        }
        (Some(name), true) if !secrets::is_name(name) => {
            let problem =
                "must be the name of a secret, not the secret: lower-case letters, digits, - and _";
            refusal = refusal.field("secret", problem);
        }
        _ => {}
    }
    for (field, value) in [
        ("agent_id", &connector.agent_id),
        ("channel", &connector.channel),
        ("recipient", &connector.recipient),
    ] {
        match (value, connector.kind == ConnectorKind::Openclaw) {
            (None, true) => refusal = refusal.field(field, "is required for openclaw"),
            (Some(_), false) => refusal = refusal.field(field, format!("is not used by {kind}")),
            (Some(value), true)
                if value.trim().is_empty()
                    || value.len() > 200
                    || value.chars().any(char::is_control) =>
            {
                refusal = refusal.field(field, "must be 1 to 200 bytes on one line");
            }
            _ => {}
        }
    }
    if connector.kind == ConnectorKind::Openclaw && connector.url.contains('?') {
        refusal = refusal.field("url", "must be the gateway's address, without a query");
    }
    if !refusal.fields.is_empty() {
        return Err(refusal);
    }
    address::check_template(&connector.url, connector.kind.has_secret_url())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn create(change: Value) -> Result<Connector, Refusal> {
        let mut body = json!({"name": "Team", "kind": "webhook", "url": "https://example.com/h", "secret": "sign"});
        for (name, value) in change.as_object().unwrap() {
            body[name] = value.clone();
        }
        serde_json::from_value::<ConnectorInput>(body)
            .unwrap()
            .create()
    }

    #[test]
    fn defaults() {
        let webhook = create(json!({})).unwrap();
        assert_eq!(webhook.events, DEFAULT_EVENTS);
        assert!(!webhook.escalations_only && webhook.agent_id.is_none());
        let openclaw =
            create(json!({"kind": "openclaw", "channel": "signal", "recipient": "+49"})).unwrap();
        assert!(openclaw.escalations_only);
        assert_eq!(openclaw.agent_id.as_deref(), Some("loom"));
        let slack = json!({"kind": "slack", "url": "{{secret:team}}", "secret": null});
        assert_eq!(create(slack).unwrap().url, "{{secret:team}}");
    }

    #[test]
    fn what_cannot_be_accepted_is_named() {
        for (change, field) in [
            (json!({"name": " "}), "name"),
            (json!({"url": "http://example.com"}), "url"),
            (json!({"secret": null}), "secret"),
            (json!({"secret": "The Secret Itself"}), "secret"),
            (json!({"events": []}), "events"),
            (json!({"events": ["decision.created", "moon"]}), "events[1]"),
            (json!({"channel": "signal"}), "channel"),
            (json!({"kind": "slack"}), "secret"),
            (json!({"kind": "slack", "secret": null}), "url"),
            (json!({"kind": "openclaw"}), "recipient"),
            (
                json!({"kind": "openclaw", "channel": "a", "recipient": "b", "url": "https://x.example?y"}),
                "url",
            ),
        ] {
            let refusal = create(change.clone()).unwrap_err();
            assert!(refusal.fields.contains_key(field), "{change}: {refusal:?}");
        }
        let missing = ConnectorInput::default().create().unwrap_err();
        assert_eq!(missing.fields.len(), 3);
    }

    #[test]
    fn a_change_keeps_what_is_absent_and_its_kind() {
        let before = create(json!({"min_priority": "P1"})).unwrap();
        let change = |body: Value| serde_json::from_value::<ConnectorInput>(body).unwrap();
        let after = change(json!({"min_priority": null, "escalations_only": true}))
            .apply(before.clone())
            .unwrap();
        assert_eq!((after.min_priority, after.escalations_only), (None, true));
        assert_eq!(after.url, before.url);
        let refusal = change(json!({"kind": "slack"})).apply(before).unwrap_err();
        assert!(refusal.fields.contains_key("kind"));
    }
}
